// The details of one alert: its full log, and every field with "filter for" and "filter out".

import { fetchAlert } from './api.js';
import { announce, el, replace } from './dom.js';
import { count, visible } from './text.js';

const longValue = 2000;
const maxFields = 2000;

/** The leaves of a document as [name, value] pairs, dots between the levels; a list gives one pair a value. */
export function flatten(value, name = '', out = []) {
  if (out.length >= maxFields) return out;
  if (Array.isArray(value)) for (const v of value) flatten(v, name, out);
  else if (value !== null && typeof value === 'object') for (const [k, v] of Object.entries(value)) flatten(v, name ? `${name}.${k}` : k, out);
  else if (value !== null && value !== undefined) out.push([name, String(value)]);
  return out;
}

const textFields = new Set(['full_log', 'previous_output']);
const noFilter = /^(@?timestamp|event\.(created|ingested)|full_log_truncated|unmapped_data\..*)$/; // times are narrowed by the range; the last is not indexed

export async function drawDetails(cell, id, deps) {
  replace(cell, el('p', { class: 'sub' }, 'Loading\u2026'));
  let doc;
  try {
    doc = await fetchAlert(id);
  } catch (err) {
    replace(cell, el('p', { class: 'notice error', role: 'alert' }, `The details cannot be shown: ${visible(err.message)}`),
      el('button', { type: 'button', on: { click: () => drawDetails(cell, id, deps) } }, 'Try again'));
    return;
  }
  const log = doc.full_log ?? '';
  const fields = flatten(doc).filter(([name]) => !textFields.has(name)).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const views = { Fields: fieldTable(fields, deps.filter), JSON: el('pre', { tabindex: '0', class: 'json' }, visible(JSON.stringify(doc, null, 2))) };
  replace(cell, el('div', { class: 'details-body' },
    el('div', { class: 'details-head' },
      el('h3', {}, visible(doc.rule?.description ?? '')),
      el('a', { href: deps.rule(doc.rule?.id ?? '') }, `Rule ${doc.rule?.id ?? ''}`),
      copyButton('Copy as JSON', () => JSON.stringify(doc, null, 2))),
    el('section', { 'aria-label': 'Full log' },
      el('h4', {}, 'Full log', doc.full_log_truncated ? ' (cut at 768 KiB)' : '', el('span', { class: 'sub' }, `${count([...log].length)} characters`), copyButton('Copy', () => log)),
      log ? el('pre', { tabindex: '0' }, visible(log)) : el('p', { class: 'sub' }, 'The rule asks not to keep it.')),
    doc.previous_output ? el('section', { 'aria-label': 'Earlier logs' }, el('h4', {}, 'Earlier logs of the correlation'),
      el('pre', { tabindex: '0' }, visible([].concat(doc.previous_output).join('\n')))) : null,
    el('section', { 'aria-label': 'Fields' }, el('h4', {}, chooser(views), el('span', { class: 'sub' }, `${count(fields.length)} fields`)), Object.values(views)),
    fields.length >= maxFields ? el('p', { class: 'sub' }, `Only the first ${count(maxFields)} fields are shown; "Copy as JSON" has all.`) : null));
}

/** Buttons of which one is pressed, each for a view; the first is shown. */
export function chooser(views, label = 'Form of the fields') {
  const names = Object.keys(views);
  const show = (chosen) => names.forEach((n, i) => {
    views[n].hidden = n !== chosen;
    buttons[i].setAttribute('aria-pressed', String(n === chosen));
  });
  const buttons = names.map((n) => el('button', { type: 'button', class: 'choice', on: { click: () => show(n) } }, n));
  show(names[0]);
  return el('span', { role: 'group', 'aria-label': label }, buttons);
}

function fieldTable(fields, filter) {
  return el('table', { class: 'fields' }, el('thead', { class: 'visually-hidden' }, el('tr', {}, el('th', { scope: 'col' }, 'Filter'), el('th', { scope: 'col' }, 'Field'), el('th', { scope: 'col' }, 'Value'))),
    el('tbody', {}, fields.map(([name, value]) => fieldRow(name, value, filter))));
}

function fieldRow(name, value, filter) {
  const short = visible(value.length > 60 ? `${value.slice(0, 60)}\u2026` : value);
  const button = (sign, not, label) => el('button', { type: 'button', class: 'sign', title: label, 'aria-label': `${label}: ${visible(name)} ${short}`, on: { click: () => filter({ field: name, value, not }) } }, sign);
  const usable = value.length <= 1024 && !noFilter.test(name);
  return el('tr', {},
    el('td', { class: 'signs' }, el('button', { type: 'button', class: 'sign copy', title: 'Copy the value', 'aria-label': `Copy: ${visible(name)} ${short}`, on: { click: (event) => copy(value, event.currentTarget) } }),
      usable ? button('+', false, 'Filter for') : null, usable ? button('\u2212', true, 'Filter out') : null),
    el('th', { scope: 'row' }, visible(name)),
    el('td', { class: 'value' }, visible(value.length > longValue ? `${value.slice(0, longValue)}\u2026` : value)));
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.classList.add('done');
    announce('Copied');
    setTimeout(() => button.classList.remove('done'), 1500);
  } catch {
    announce('The browser refuses to copy');
  }
}

export function copyButton(label, text) {
  const button = el('button', { type: 'button', class: 'plain', on: { click: async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'The browser refuses';
    }
    setTimeout(() => { button.textContent = label; }, 1500);
  } } }, label);
  return button;
}
