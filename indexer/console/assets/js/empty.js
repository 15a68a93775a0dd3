// What stands in place of the charts when there is nothing to draw: each reason has its own words and its own way on.

import { byId, el, replace } from './dom.js';
import { plural, visible } from './text.js';
import { rangeName, stamp } from './time.js';
import { narrowed } from './state.js';

/**
 * @param {Object} state
 * @param {{total: number, oldest?: string, newest?: string}} span of the whole store
 * @param {{zone: string, change: (changes: Object) => void}} deps
 */
export function drawEmpty(state, span, deps) {
  const box = byId('empty');
  box.hidden = false;
  if (span.total === 0) {
    replace(box, el('h2', {}, 'No alerts yet'),
      el('p', {}, 'The alert store works and is empty. Alerts appear here as soon as a rule fires.'),
      el('ul', {},
        el('li', {}, 'Read a folder of CloudTrail records: ', el('code', {}, 'armor up --cloudtrail DIR')),
        el('li', {}, 'Follow log files: ', el('code', {}, "armor up --logfile '/var/log/auth.log'")),
        el('li', {}, 'Try what the rules make of a line: ', el('code', {}, 'armor logtest')),
        el('li', {}, 'See whether agents are connected: ', el('a', { href: '/?view=agents' }, 'Agents'))));
    return;
  }
  const actions = [];
  if (narrowed(state)) actions.push(el('button', { type: 'button', class: 'primary', on: { click: () => deps.change({ q: '', level: 0, agent: '', group: '', board: '', filters: [] }) } }, 'Clear search and filters'));
  if (state.range !== 'all') actions.push(el('button', { type: 'button', id: 'show-all-time', class: narrowed(state) ? '' : 'primary', on: { click: () => deps.change({ range: 'all' }) } }, 'Show all time'));
  replace(box, el('h2', {}, 'No alerts match'),
    el('p', {}, narrowed(state) ? 'No alert in this time range matches the search and the filters.' : `There are no alerts in this time range (${visible(rangeName(state.range, deps.zone))}).`),
    el('p', {}, `The store holds ${plural(span.total, 'alert')}, from ${stamp(span.oldest, deps.zone)} to ${stamp(span.newest, deps.zone)}.`),
    el('div', { class: 'actions' }, actions));
}

export function hideEmpty() {
  byId('empty').hidden = true;
  replace(byId('empty'));
}

/** Says that alerts lie outside the range shown, with one click to them; nothing when none do. */
export function drawHint(state, overview, span, deps) {
  const outside = span && overview && state.range !== 'all' && !narrowed(state) ? span.total - overview.total : 0;
  if (deps.note) {
    replace(byId('hint'), deps.note);
    return;
  }
  if (outside <= 0 || overview.total === 0) {
    replace(byId('hint'));
    return;
  }
  replace(byId('hint'), `${plural(outside, 'more alert')} outside this time range, since ${stamp(span.oldest, deps.zone)}. `,
    el('button', { type: 'button', class: 'plain', on: { click: () => deps.change({ range: 'all' }) } }, 'Show all time'));
}
