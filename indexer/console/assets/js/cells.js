// What stands in the cells of the table: values that filter on a click. The keyboard's way to the same filters is the open row.

import { el } from './dom.js';
import { visible } from './text.js';

/** A value that filters for itself on a click, and filters itself out with Alt. */
export function cell(field, value, filter, shown = value, extra = '') {
  return el('button', {
    type: 'button', class: `cell ${extra}`, tabindex: '-1', data: { field }, title: `Filter for ${field}: ${visible(value)} (Alt: filter it out)`,
    on: { click: (event) => filter({ field, value, not: event.altKey }) },
  }, visible(shown));
}

/** What happened: the facts of a call, or the log line. */
export function happened(alert, filter) {
  if (!alert.facts?.length) return el('span', { class: 'line' }, visible(alert.log) + (alert.log_cut ? '\u2026' : ''));
  return el('span', { class: 'facts' }, alert.facts.map((f) => el('span', { class: f.label === 'error' ? 'fact bad' : 'fact' },
    f.label ? el('span', { class: 'fact-label' }, `${f.label} `) : null,
    f.field ? cell(f.field, f.value || f.text, filter, f.text, f.label ? '' : 'strong') : el('span', {}, visible(f.text)), ' ')));
}
