// The most frequent values of a field, each a bar as long as its share of the largest. Choosing one filters for it.

import { el, replace } from './dom.js';
import { count, percent, visible } from './text.js';

/**
 * @param {HTMLElement} list
 * @param {{buckets: {key: string, count: number}[], other: number}} values
 * @param {(key: string) => void} pick
 */
export function drawRanking(list, values, pick) {
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const most = Math.max(1, ...values.buckets.map((b) => b.count));
  const whole = values.other + values.buckets.reduce((sum, b) => sum + b.count, 0);
  replace(list, values.buckets.map((b) => {
    const bar = el('span', { class: 'rank-bar', 'aria-hidden': 'true' });
    bar.style.width = `${(100 * b.count) / most}%`;
    return el('li', {}, el('button', { type: 'button', data: { key: b.key }, title: `Filter for ${visible(b.key)}`, on: { click: () => pick(b.key) } },
      el('span', { class: 'name' }, visible(b.key)), el('span', { class: 'count' }, count(b.count)), el('span', { class: 'share' }, percent(b.count, whole)), bar));
  }), values.buckets.length === 0 ? el('li', { class: 'sub' }, 'None') : null,
  values.other > 0 ? el('li', { class: 'other' }, el('span', { class: 'name' }, 'Other'), el('span', { class: 'count' }, count(values.other)), el('span', { class: 'share' }, percent(values.other, whole))) : null);
  if (focused !== null) [...list.querySelectorAll('button')].find((b) => b.dataset.key === focused)?.focus();
}
