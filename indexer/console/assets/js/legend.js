// The legend of a chart: buttons with name, count and share. It is the keyboard's and the screen reader's way to what the canvas shows.

import { el, replace } from './dom.js';
import { count, percent, visible } from './text.js';

/**
 * @param {HTMLElement} list
 * @param {{key: string, count: number, swatch: string}[]} items
 * @param {number} whole what the shares are parts of; 0: no shares
 * @param {number} other alerts beyond the items
 * @param {(key: string) => void} pick
 */
export function drawLegend(list, items, whole, other, pick) {
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  replace(list, items.map(({ key, count: n, swatch }) => el('li', {},
    el('button', { type: 'button', data: { key }, title: `Filter for ${visible(key)}`, on: { click: () => pick(key) } },
      el('span', { class: `swatch ${swatch}`, 'aria-hidden': 'true' }),
      el('span', { class: 'name' }, visible(key)),
      el('span', { class: 'count' }, count(n)),
      whole ? el('span', { class: 'share' }, percent(n, whole)) : null))));
  if (other > 0) {
    list.append(el('li', { class: 'other' }, el('span', { class: 'swatch', 'aria-hidden': 'true' }), el('span', { class: 'name' }, 'Other'),
      el('span', { class: 'count' }, count(other)), whole ? el('span', { class: 'share' }, percent(other, whole)) : null));
  }
  if (focused !== null) [...list.querySelectorAll('button')].find((b) => b.dataset.key === focused)?.focus();
}
