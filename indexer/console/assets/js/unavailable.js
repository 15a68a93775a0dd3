// What a view shows when the manager has no answer for it.

import { el } from './dom.js';
import { visible } from './text.js';

export function unavailable(err, retry) {
  return el('div', { class: err.kind === 'missing' ? 'notice' : 'notice error', role: 'alert' },
    el('p', {}, visible(err.message)), err.kind === 'missing' ? null : el('button', { type: 'button', on: { click: retry } }, 'Try again'));
}
