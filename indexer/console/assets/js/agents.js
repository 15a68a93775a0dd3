// The agents view: who is connected, who was, what each said about itself, and first of all those that have a problem.

import { agentDetails } from './agentdetails.js';
import { dropped, isConnected, lag, lost, problems, spoolUse, waiting } from './agentreport.js';
import { fetchAgents } from './api.js';
import { el, replace } from './dom.js';
import { count, plural, visible } from './text.js';
import { ago, duration, stamp } from './time.js';
import { unavailable } from './unavailable.js';

const day = 24 * 3600 * 1000; // without a word for longer: said aloud
const open = new Set(); // agents whose details are shown: they stay open over a refresh

export async function drawAgents(box, zone) {
  const again = async (event) => {
    const held = event?.currentTarget?.id;
    await drawAgents(box, zone);
    if (held) box.querySelector(`#${held}`)?.focus();
  };
  if (!box.firstChild) replace(box, el('h1', {}, 'Agents'), el('p', { class: 'sub' }, 'Loading\u2026'));
  let answer;
  try {
    answer = await fetchAgents();
  } catch (err) {
    replace(box, el('h1', {}, 'Agents'), unavailable(err, again));
    return;
  }
  const agents = (answer.agents ?? []).map((agent) => ({ agent, problems: problems(agent, zone) }));
  agents.sort((a, b) => Number(b.problems.length > 0) - Number(a.problems.length > 0)); // by id among themselves
  const now = Date.now();
  const troubled = agents.filter((a) => a.problems.length > 0).length;
  const silent = agents.filter(({ agent }) => !isConnected(agent) && agent.last_seen && now - new Date(agent.last_seen) > day).length;
  const summary = [plural(agents.length, 'agent'), `${count(agents.filter((a) => isConnected(a.agent)).length)} connected`];
  if (troubled) summary.push(`${count(troubled)} with a problem`);
  if (silent) summary.push(`${count(silent)} not seen for a day`);
  replace(box,
    el('div', { class: 'view-head' }, el('h1', {}, 'Agents'), el('span', { class: 'sub' }, summary.join(', ')),
      el('button', { type: 'button', id: 'agents-refresh', on: { click: again } }, 'Refresh')),
    answer.next_page_token ? el('p', { class: 'notice' }, 'There are more agents than are shown here; ', el('code', {}, 'armor agents list'), ' has all.') : null,
    agents.length === 0 ? el('p', { class: 'notice' }, 'No agent has connected yet. Start one with ', el('code', {}, 'armor-agent --config agent.yaml'), '.')
      : el('section', { class: 'panel', 'aria-label': 'All agents' }, el('div', { class: 'scroll' }, agentTable(agents, zone, now))),
    el('p', { class: 'sub' }, 'An agent reports every ten seconds. \u201cLag\u201d is the age of the oldest event that is not finished, \u201cwaiting\u201d how many there are. Agents with a problem stand first.'));
}

const headings = ['Agent', 'State', 'Problems', 'Lag', 'Waiting', 'Spool', 'Replayable', 'Lost', 'Dropped', 'Report'];

function agentTable(agents, zone, now) {
  const body = el('tbody');
  for (const { agent, problems: found } of agents) body.append(...agentRows(agent, found, zone, now));
  return el('table', { class: 'plain-table agents' },
    el('thead', {}, el('tr', {}, headings.map((h) => el('th', { scope: 'col' }, h)))), body);
}

/** The row of an agent and, while it is open, that of its details. */
function agentRows(a, found, zone, now) {
  const name = visible(a.name || a.id);
  const row = el('tr', { class: found.length ? 'agent troubled' : 'agent', data: { id: a.id } });
  const more = () => el('tr', { class: 'details' }, el('td', { colspan: String(headings.length) }, agentDetails(a, zone)));
  const opener = el('button', { type: 'button', class: 'opener', 'aria-expanded': String(open.has(a.id)), 'aria-label': `Details of agent ${name}`, on: { click: () => {
    const on = !open.delete(a.id);
    if (on) {
      open.add(a.id);
      row.after(more());
    } else {
      row.nextElementSibling.remove();
    }
    opener.setAttribute('aria-expanded', String(on));
  } } }, el('span', { class: 'arrow', 'aria-hidden': 'true' }), el('span', { class: 'c-agent' }, name));
  replace(row,
    el('td', {}, opener, el('span', { class: 'sub under' }, `Id ${visible(a.id)}`)),
    el('td', {}, state(a, zone)),
    el('td', { class: 'c-problems' }, found.length === 0 ? el('span', { class: 'sub' }, 'None') : el('ul', { class: 'warnings' }, found.map((text) => el('li', { class: 'warning' }, visible(text))))),
    ...figures(a, now));
  return open.has(a.id) ? [row, more()] : [row];
}

/** What an agent says about itself, as cells. */
function figures(a, now) {
  const r = a.report;
  const number = (text, alarm = false) => el('td', { class: alarm ? 'number alarm' : 'number' }, text);
  if (!r) return [number('\u2013'), number(count(waiting(a))), ...Array.from({ length: 4 }, () => number('\u2013')), el('td', {}, el('span', { class: 'sub' }, 'No report yet'))];
  const use = spoolUse(r);
  const gone = dropped(r).reduce((sum, [, n]) => sum + n, 0);
  return [number(duration(lag(r, now))), number(count(waiting(a))), number(use === null ? '\u2013' : `${use.toFixed(0)} %`), number(count(r.replayable_events ?? 0)),
    number(count(lost(r)), lost(r) > 0), number(count(gone), gone > 0), el('td', {}, a.report_time ? ago(a.report_time, now) : '\u2013')];
}

function state(a, zone) {
  if (a.gone_since) return [el('span', { class: 'state down' }, 'Gone'), el('span', { class: 'sub under' }, `since ${stamp(a.gone_since, zone)}`)];
  if (isConnected(a)) return el('span', { class: 'state up' }, 'Connected');
  return [el('span', { class: 'state down' }, 'Disconnected'), a.last_seen ? el('span', { class: 'sub under' }, `seen ${ago(a.last_seen)}`) : null];
}
