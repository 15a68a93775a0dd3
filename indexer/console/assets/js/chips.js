// The filters in force, each with a button that takes it away and one that turns it round.

import { byId, el, replace } from './dom.js';
import { visible } from './text.js';

const shown = 80;

export function drawChips(state, change) {
  const box = byId('chips');
  const remove = (f) => change({ filters: state.filters.filter((x) => x !== f) });
  const turn = (f) => change({ filters: state.filters.map((x) => (x === f ? { ...x, not: !x.not } : x)) });
  box.hidden = state.filters.length === 0;
  replace(box, state.filters.map((f) => {
    const value = visible(f.value.length > shown ? `${f.value.slice(0, shown)}\u2026` : f.value);
    const text = `${f.field}${f.not ? ' is not' : ':'} ${value}`;
    return el('span', { class: f.not ? 'chip not' : 'chip' },
      el('button', { type: 'button', class: 'chip-text', title: f.not ? 'Filter for this instead' : 'Filter it out instead', on: { click: () => turn(f) } },
        f.not ? el('b', {}, 'not ') : null, el('span', { class: 'chip-field' }, visible(f.field)), ' ', el('span', {}, value)),
      el('button', { type: 'button', class: 'chip-remove', 'aria-label': `${text}: remove filter`, on: { click: () => remove(f) } }, '\u00d7'));
  }), state.filters.length > 1 ? el('button', { type: 'button', class: 'plain', on: { click: () => change({ filters: [] }) } }, 'Clear filters') : null);
}
