// The page: one state (time range and filters) drives every panel, and live alerts bring them up to date.

import { drawAgents } from './agents.js';
import { ApiError, exportAddress, fetchAlerts, fetchBoard, fetchBoards, fetchOverview, fetchSpan, fetchStatus, fetchValues } from './api.js';
import { drawBanner } from './banner.js';
import { StackedGroups } from './bars.js';
import { Board } from './board.js';
import { drawChips } from './chips.js';
import { announce, byId, el, replace } from './dom.js';
import { drawEmpty, drawHint, hideEmpty } from './empty.js';
import { Keyboard } from './keyboard.js';
import { drawLetters } from './letters.js';
import { Live } from './live.js';
import { Pager } from './pager.js';
import { PieChart } from './pie.js';
import { drawRule } from './rule.js';
import { Speed } from './speed.js';
import { address, pageOf, readState, withFilter } from './state.js';
import { drawStatus } from './status.js';
import { AlertTable } from './table.js';
import { plural } from './text.js';
import { setUpTheme } from './theme.js';
import { drawTiles } from './tiles.js';
import { defaultRange, stamp } from './time.js';
import { Toolbar } from './toolbar.js';
import { setUpZone } from './zone.js';

const pageSize = 50;
const established = 10_000; // alerts from which on a store opens at the last 24 hours, however little of it that is
const refreshEvery = 1000; // least time between two live refreshes, milliseconds
const slowAfter = 500; // ms that the alerts wait for the figures
const pollEvery = 10_000;
const surveyEvery = 30_000;
const settle = [400, 2000, 6000]; // an alert is announced before it is in the store: ask again after these

const page = {
  state: readState(),
  overview: null,
  shownAt: 0,
  span: null,
  alerts: [],
  next: '',
  total: 0,
  boards: [],
  note: '',
  paused: false,
  waiting: 0, // alerts that came while paused
  missed: 0,
  link: 'connecting',
  request: null,
  failures: 0,
  retry: 0,
  tookUntil: 0,
  timers: [],
  later: 0,
  surveyed: null, // range that the lists of agents and groups are of
  surveyedAt: 0,
};

const zone = setUpZone(() => { redraw(); drawView(); });
const toolbar = new Toolbar(change, zone);
const pie = new PieChart({ canvas: byId('pie'), legend: byId('pie-legend'), name: 'rule descriptions' }, (value) => addFilter({ field: 'rule.description', value, not: false }));
const zoom = (from, to) => change({ range: `${from}..${to}` });
const bars = new StackedGroups({ canvas: byId('bars'), box: byId('bars-box'), legend: byId('bars-legend'), sub: byId('bars-sub'), name: 'top 5 rule groups' }, (value) => addFilter({ field: 'rule.groups', value, not: false }), zoom);
const board = new Board(byId('board'), { filter: (field, value) => addFilter({ field, value, not: false }), zoom });
const pager = new Pager(change);
const ruleAddress = (id) => address({ ...page.state, view: 'rule', rule: String(id) });
const table = new AlertTable({ zone, filter: addFilter, rule: ruleAddress });
const speed = new Speed();
const live = new Live(arrived, (state) => { page.link = state; drawLink(); });

setUpTheme(() => { pie.paint(); bars.paint(); board.paint(); });

function addFilter(filter) {
  change({ filters: withFilter(page.state.filters, filter) });
  announce(`${filter.not ? 'Filtered out' : 'Filtered for'} ${filter.field} ${filter.value.slice(0, 80)}`);
}

/** Takes a change of the state: the address, then the page. While one types, the address is replaced rather than added to the history. */
function change(changes, typing = false) {
  if (!('page' in changes)) changes = { ...changes, page: '' }; // another question starts at its first page
  if (Object.entries(changes).every(([k, v]) => page.state[k] === v)) {
    if (!typing) refresh();
    return;
  }
  const to = address(page.state, changes);
  if (typing) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  take(readState());
}

function take(state) {
  const was = page.state;
  const sameView = state.view === was.view && state.rule === was.rule && state.reason === was.reason;
  if (address(state, { page: '' }) !== address(was, { page: '' })) pager.reset();
  page.state = state;
  page.note = '';
  table.reset();
  toolbar.show(state);
  drawChips(state, change);
  drawBoards();
  if (!sameView) drawView();
  if (state.view === 'alerts') refresh();
}

function drawNav() {
  const { state } = page;
  const current = { alerts: state.board ? 'board' : 'alerts', letters: 'status' }[state.view] ?? state.view;
  for (const name of ['alerts', 'board', 'agents', 'status']) {
    const link = byId(`nav-${name}`);
    if (name === current) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  byId('nav-alerts').href = address(state, { view: 'alerts', board: '', page: '' });
  byId('nav-board').href = address(state, { view: 'alerts', board: state.board || 'aws-overview', page: '' });
  byId('nav-agents').href = address(state, { view: 'agents' });
  byId('nav-status').href = address(state, { view: 'status' });
  document.title = { alerts: 'Armor console', agents: 'Agents \u2013 Armor', status: 'Status \u2013 Armor', letters: 'Dead letters \u2013 Armor', rule: `Rule ${state.rule} \u2013 Armor` }[state.view];
}

function drawView() {
  const { view } = page.state;
  for (const name of ['alerts', 'agents', 'status', 'letters', 'rule']) byId(`view-${name}`).hidden = name !== view;
  if (view === 'agents') drawAgents(byId('view-agents'), zone());
  if (view === 'status') drawStatus(byId('view-status'), zone(), lettersOf);
  if (view === 'letters') drawLetters(byId('view-letters'), page.state.reason, { of: lettersOf, zone: zone() });
  if (view === 'rule') drawRule(byId('view-rule'), page.state, { alerts: (id) => alertsWith('rule.id', id), group: (name) => alertsWith('rule.groups', name), rule: ruleAddress, zone: zone() });
}

/** The address of the dead letters of one reason, or of all. */
const lettersOf = (reason) => address(page.state, { view: 'letters', reason, page: '' });

/** The address of the alerts of one value, in the same time range. */
const alertsWith = (field, value) => address(readState(''), { range: page.state.range, filters: [{ field, value: String(value), not: false }] });

/** The dashboards to choose from, while one is shown. */
function drawBoards() {
  const { state } = page;
  const shown = state.view === 'alerts' && Boolean(state.board);
  byId('boards').hidden = !shown;
  byId('charts').hidden = byId('tiles').hidden = shown;
  byId('board').hidden = !shown;
  drawNav();
  if (!shown) board.draw(null);
  else replace(byId('boards'), page.boards.map((b) => el('a', { href: address(state, { board: b.id, page: '' }), class: 'board-link', 'aria-current': b.id === state.board ? 'true' : null, title: b.description }, b.title)));
}

/** Chooses the time range to open with: the last 24 hours, unless what there is lies elsewhere. */
async function chooseRange(signal) {
  const { total, newest, oldest } = page.span;
  const recent = (await fetchAlerts({ range: defaultRange, filters: [] }, 1, '', signal)).total;
  const range = total === 0 || recent === total || (recent > 0 && total >= established) ? defaultRange : 'all';
  if (range === 'all') {
    page.note = recent === 0 ? `No alert is younger than 24 hours, so all time is shown: ${stamp(oldest, zone())} to ${stamp(newest, zone())} (${zone()}).` : '';
  }
  page.state = { ...page.state, range };
  history.replaceState(null, '', address(page.state));
  toolbar.show(page.state);
}

/** Brings up to date what changes slowly: the extent of the store, and the agents and groups to choose from. */
async function surroundings(signal) {
  if (page.surveyed === page.state.range && Date.now() - page.surveyedAt < surveyEvery) return;
  const [span, values] = await Promise.all([fetchSpan(signal), fetchValues(page.state, signal)]);
  page.span = span;
  toolbar.values(page.state, values.agents, values.groups);
  page.surveyed = page.state.range;
  page.surveyedAt = Date.now();
}

async function refresh() {
  clearTimeout(page.retry);
  page.request?.abort();
  const request = new AbortController();
  page.request = request;
  byId('results').setAttribute('aria-busy', 'true');
  const started = performance.now();
  let early = 0;
  try {
    if (!page.state.range) {
      page.span = await fetchSpan(request.signal);
      await chooseRange(request.signal);
    }
    const { state } = page;
    const listed = fetchAlerts(state, pageSize, pageOf(state).token, request.signal, false);
    listed.then((list) => { early = setTimeout(() => drawEarly(request, list), slowAfter); }, () => {}); // what went wrong is told below
    const [overview, list] = await Promise.all([
      state.board ? fetchBoard(state, request.signal) : fetchOverview(state, request.signal), listed, surroundings(request.signal)]);
    if (overview.total === 0) page.span = await fetchSpan(request.signal);
    if (page.request !== request) return;
    page.overview = overview;
    page.shownAt = Date.now();
    page.alerts = list.alerts;
    page.next = list.next;
    page.total = overview.total;
    page.failures = 0;
    toolbar.queryError(null);
    drawBanner(null);
    redraw();
  } catch (err) {
    if (err.name !== 'AbortError' && page.request === request) failed(err);
  } finally {
    clearTimeout(early);
    if (page.request === request) {
      page.request = null;
      byId('results').removeAttribute('aria-busy');
      // A slow store is not asked without a break.
      page.tookUntil = performance.now() + Math.max(refreshEvery, 2 * (performance.now() - started));
    }
  }
}

/** Shows the alerts while the figures are still being counted. */
function drawEarly(request, list) {
  if (page.request !== request || list.alerts.length === 0) return;
  hideEmpty();
  byId('results').hidden = false;
  table.draw(list.alerts, 0, 0);
  byId('shown').textContent = 'Counting\u2026';
}

function failed(err) {
  if (!(err instanceof ApiError)) {
    drawBanner({ kind: 'other', message: String(err?.message ?? err) }, refresh);
    throw err;
  }
  if (err.kind === 'query') {
    drawBanner(null);
    toolbar.queryError(err, page.state.q);
    return;
  }
  toolbar.queryError(null);
  drawBanner(err, refresh, page.overview ? stamp(page.shownAt, zone()) : '');
  if (!page.overview) drawTiles(null, speed.now(live), null);
  page.failures += 1;
  if (err.kind !== 'session') page.retry = setTimeout(refresh, Math.min(30_000, 1000 * 2 ** page.failures));
}

function redraw() {
  const { state, overview } = page;
  if (!overview) return;
  const nothing = overview.total === 0;
  byId('results').hidden = nothing;
  const deps = { zone: zone(), change, note: page.note };
  if (nothing) {
    table.clear();
    drawEmpty(state, page.span, deps);
  } else {
    hideEmpty();
    if (state.board && overview.rows) {
      board.draw(overview, zone());
    } else if (overview.rules) {
      pie.draw(overview.rules);
      bars.draw(overview.groups, zone());
    }
    table.draw(page.alerts, page.total, (pageOf(state).number - 1) * pageSize);
    pager.draw(state, page.next, pageSize, page.total);
  }
  drawHint(state, overview, page.span, deps);
  byId('export-csv').href = exportAddress(state, 'csv');
  byId('export-json').href = exportAddress(state, 'ndjson');
  byId('order').title = state.order ? 'Oldest first; choose for newest first' : 'Newest first; choose for oldest first';
  byId('time-column').setAttribute('aria-sort', state.order ? 'ascending' : 'descending');
  tiles();
}

function tiles() {
  if (page.overview && !page.state.board) drawTiles(page.overview, speed.now(live), speed.connected, () => change({ level: 12 }));
}

function arrived(batch) {
  const n = batch.count + batch.missed;
  page.missed += batch.missed;
  if (page.paused) {
    page.waiting += n;
    drawLink();
    return;
  }
  for (const timer of page.timers) clearTimeout(timer);
  page.timers = settle.map((wait) => setTimeout(liveRefresh, wait));
  // In a steady stream the waits above never end: the first of them is kept.
  if (performance.now() >= page.tookUntil) liveRefresh();
}

function liveRefresh() {
  if (page.paused || document.hidden || page.state.view !== 'alerts') return;
  const wait = page.request ? refreshEvery : page.tookUntil - performance.now();
  if (wait > 0) {
    clearTimeout(page.later);
    page.later = setTimeout(liveRefresh, wait);
    return;
  }
  const before = page.overview?.total ?? 0;
  refresh().then(() => {
    const grown = (page.overview?.total ?? 0) - before;
    if (grown > 0) announce(plural(grown, 'new alert'));
  });
}

function pause(on) {
  page.paused = on;
  if (!on) {
    page.waiting = 0;
    refresh();
  }
  byId('live').textContent = on ? 'Resume' : 'Pause';
  byId('live').setAttribute('aria-pressed', String(!on));
  drawLink();
}

function drawLink() {
  const words = { connecting: 'Connecting', live: 'Live', polling: 'Every 10 s', reconnecting: 'Reconnecting' };
  const state = page.paused ? 'paused' : page.link;
  byId('link').dataset.state = state;
  byId('link-text').textContent = page.paused ? `Paused${page.waiting ? `, ${plural(page.waiting, 'new alert')}` : ''}` : words[page.link];
  byId('link').title = page.missed ? `${plural(page.missed, 'live alert')} came too fast for this page to follow; all are in the store.` : 'New alerts appear by themselves';
}

async function everyFiveSeconds() {
  if (document.hidden) return;
  try {
    speed.take(await fetchStatus());
  } catch {
    speed.take(null); // no manager: alerts a second are shown instead
  }
  tiles();
}

byId('live').addEventListener('click', () => pause(!page.paused));
byId('order').addEventListener('click', () => change({ order: page.state.order ? '' : 'oldest' }));
document.addEventListener('click', (event) => {
  const link = event.target.closest?.('a[href^="/"]');
  if (!link || link.hasAttribute('download') || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0 || link.pathname !== '/') return;
  event.preventDefault();
  if (link.href !== location.href) history.pushState(null, '', link.href);
  take(readState());
  scrollTo(0, 0);
});
window.addEventListener('popstate', () => take(readState()));
document.addEventListener('visibilitychange', () => { if (!document.hidden && !page.paused) liveRefresh(); });
setInterval(() => { if (page.link !== 'live') liveRefresh(); }, pollEvery);
setInterval(everyFiveSeconds, 5000);

toolbar.show(page.state);
drawChips(page.state, change);
drawBoards();
drawView();
drawLink();
drawTiles(null, speed.now(live), null);
if (page.state.view === 'alerts') refresh();
live.open();
everyFiveSeconds();
fetchBoards().then(({ boards }) => { page.boards = boards; drawBoards(); }, () => {}); // the page itself says when the console is away
new Keyboard({ table, live: () => pause(!page.paused), page: (by) => pager.turn(by), go: (name) => byId(`nav-${name}`).click() });
