// Pages of the table. A page stands in the address by its number and by the alert that it starts behind, so that it stays the same while new alerts come.

import { byId } from './dom.js';
import { pageOf } from './state.js';
import { count } from './text.js';

export class Pager {
  /** @param {(changes: Object) => void} change */
  constructor(change) {
    this.change = change;
    this.trail = new Map(); // the address of each page seen, by its number
    byId('first-page').addEventListener('click', () => this.first());
    byId('previous-page').addEventListener('click', () => this.turn(-1));
    byId('next-page').addEventListener('click', () => this.turn(1));
  }

  /** @param {Object} state @param {string} next token of the next page; empty: there is none @param {number} size alerts of a page @param {number} total */
  draw(state, next, size, total) {
    const { number } = pageOf(state);
    this.number = number;
    this.trail.set(number, state.page);
    this.next = next ? `${number + 1}-${next}` : '';
    byId('pager').hidden = number === 1 && !next;
    byId('first-page').disabled = byId('previous-page').disabled = number === 1;
    byId('next-page').disabled = !next;
    byId('page-number').textContent = `Page ${count(number)} of ${count(Math.max(number, Math.ceil(total / size)))}`;
  }

  first() {
    this.change({ page: '' });
  }

  turn(by) {
    if (by > 0 && this.next) this.change({ page: this.next });
    if (by < 0 && this.number > 1) this.change({ page: this.trail.get(this.number - 1) ?? '' });
  }

  /** Forgets the pages of another question. */
  reset() {
    this.trail.clear();
  }
}
