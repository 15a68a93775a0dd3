// Four figures: alerts, those of level 12 and above, agents reporting, and how fast things come in.

import { byId, el, replace } from './dom.js';
import { count, rate } from './text.js';

const unknown = '\u2013';

/**
 * @param {{total: number, high: number, agents: number}|null} overview
 * @param {{label: string, perSecond: number|null}} speed
 * @param {number|null} connected agents connected now; null: not known
 */
export function drawTiles(overview, speed, connected, showHigh) {
  const known = (n) => (overview ? count(n) : unknown);
  const high = overview?.high ?? 0;
  replace(byId('tiles'),
    tile('Alerts', known(overview?.total), null, 'tile-alerts'),
    tile('Level \u2265 12', known(high), null, 'tile-high', high > 0 ? 'alarm' : '', high > 0 ? showHigh : null),
    tile('Agents reporting', known(overview?.agents), connected === null ? null : `${count(connected)} connected now`, 'tile-agents'),
    tile(speed.label, speed.perSecond === null ? unknown : rate(speed.perSecond), 'last minute', 'tile-rate'));
}

function tile(name, figure, note, id, extra = '', pick = null) {
  const body = pick ? el('button', { type: 'button', class: 'figure', id, title: 'Filter for level 12 and above', on: { click: pick } }, figure) : el('span', { class: 'figure', id }, figure);
  return el('div', { class: `tile ${extra}` }, el('dt', {}, name), el('dd', {}, body, note ? el('span', { class: 'note' }, note) : null));
}
