// The dead letters: what Armor could neither handle nor throw away, each with its bytes and the command that tries it again.

import { fetchLetter, fetchLetters } from './api.js';
import { chooser, copyButton } from './details.js';
import { announce, el, replace } from './dom.js';
import { bytes, count, visible } from './text.js';
import { ago, stamp } from './time.js';
import { hexDump, readBase64 } from './hex.js';
import { unavailable } from './unavailable.js';

const headings = ['Number', 'Time', 'Reason', 'What went wrong', 'Size', 'Id'];
let asked = 0; // the newest question; the answer to an older one is not shown any more

/**
 * @param {HTMLElement} box
 * @param {string} reason empty: any
 * @param {{of: (reason: string) => string, zone: string}} deps the address of the letters of a reason
 */
export async function drawLetters(box, reason, deps) {
  const mine = ++asked;
  const again = () => drawLetters(box, reason, deps);
  const title = el('h1', {}, 'Dead letters');
  replace(box, title, el('p', { class: 'sub' }, 'Loading\u2026'));
  let answer;
  try {
    answer = await fetchLetters(reason, '');
  } catch (err) {
    if (mine === asked) replace(box, title, unavailable(err, again));
    return;
  }
  if (mine !== asked) return;
  const body = el('tbody');
  const add = (letters) => body.append(...letters.map((l) => letterRow(l, deps)));
  add(answer.letters);
  const shown = el('span', { class: 'sub', role: 'status' });
  const tell = (next) => { shown.textContent = `${count(body.querySelectorAll('tr.letter').length)} shown, oldest first${next ? '; there are more' : ''}`; };
  tell(answer.next);
  const nothing = answer.letters.length === 0;
  replace(box,
    el('div', { class: 'view-head' }, title, reason ? el('span', {}, 'of reason ', el('strong', {}, visible(reason)), ' ', el('a', { href: deps.of('') }, 'All reasons')) : null, nothing ? null : shown,
      el('button', { type: 'button', on: { click: again } }, 'Refresh')),
    nothing ? el('p', { class: 'notice' }, reason ? 'None of this reason is left: they were retried or removed, or never there.' : 'None: everything could be handled.')
      : el('section', { class: 'panel', 'aria-label': 'List of dead letters' }, el('div', { class: 'scroll' }, el('table', { class: 'plain-table letters' },
        el('thead', {}, el('tr', {}, headings.map((h) => el('th', { scope: 'col' }, h === 'Time' ? `Time (${deps.zone})` : h)))), body)), moreButton(reason, answer.next, add, tell)),
    nothing ? null : el('p', { class: 'sub' }, 'A dead letter stays until it is retried with success, or removed. The console changes nothing: ', el('code', {}, `armor alerts dead-letters retry ${reason ? `--reason ${reason}` : '--all'}`), ' tries all of these again.'));
}

/** A button that adds the next page, for as long as there is one. */
function moreButton(reason, next, add, tell) {
  if (!next) return null;
  const place = el('div', { class: 'pager' });
  const button = el('button', { type: 'button', on: { click: async () => {
    button.disabled = true;
    try {
      const answer = await fetchLetters(reason, next);
      add(answer.letters);
      next = answer.next;
      tell(next);
      replace(place, next ? button : null);
    } catch (err) {
      replace(place, button, el('p', { class: 'notice error', role: 'alert' }, visible(err.message)));
    }
    button.disabled = false;
  } } }, 'Show more');
  place.append(button);
  return place;
}

function letterRow(l, deps) {
  const row = el('tr', { class: 'letter', data: { number: l.number } });
  const opener = el('button', { type: 'button', class: 'opener', 'aria-expanded': 'false', 'aria-label': `Details of dead letter ${l.number}`, on: { click: () => {
    const on = opener.getAttribute('aria-expanded') === 'false';
    opener.setAttribute('aria-expanded', String(on));
    if (!on) {
      row.nextElementSibling.remove();
      return;
    }
    const cell = el('td', { colspan: String(headings.length) });
    row.after(el('tr', { class: 'details' }, cell));
    drawLetter(cell, l.number);
  } } }, el('span', { class: 'arrow', 'aria-hidden': 'true' }), l.number);
  replace(row, el('td', {}, opener), el('td', { title: ago(l.time) }, stamp(l.time, deps.zone)), el('td', {}, el('a', { href: deps.of(l.reason) }, visible(l.reason))),
    el('td', { class: 'value' }, visible(l.detail)), el('td', { class: 'number' }, bytes(l.size)), el('td', { class: 'value id' }, visible(l.id)));
  return row;
}

async function drawLetter(cell, number) {
  replace(cell, el('p', { class: 'sub' }, 'Loading\u2026'));
  let l;
  try {
    l = await fetchLetter(number);
  } catch (err) {
    replace(cell, el('p', { class: 'notice error', role: 'alert' }, `The dead letter cannot be shown: ${visible(err.message)}`),
      el('button', { type: 'button', on: { click: () => drawLetter(cell, number) } }, 'Try again'));
    return;
  }
  const data = readBase64(l.data ?? '');
  const views = {
    ...(l.document && { Document: pre(reading(l)) }),
    Text: pre(new TextDecoder().decode(data)),
    Hex: pre(hexDump(data), 'hex'),
  };
  const retry = `armor alerts dead-letters retry ${number}`;
  replace(cell, el('div', { class: 'details-body' },
    el('div', { class: 'details-head' }, el('h3', {}, visible(l.detail || l.reason))),
    l.incomplete ? el('p', { class: 'notice error' }, 'Some of its bytes are missing, because a process ended while it wrote or removed the letter. It cannot be retried.')
      : el('p', {}, 'Once the reason is mended: ', el('code', {}, retry), ' ', copyButton('Copy', () => retry)),
    el('section', { 'aria-label': 'Bytes' }, el('h4', {}, chooser(views, 'Form of the bytes'), el('span', { class: 'sub' }, size(l, data))), Object.values(views)),
    data.length < l.size ? el('p', { class: 'sub' }, 'All of it: ', el('code', {}, `armor alerts dead-letters show ${number} --raw`)) : null));
  announce(`Dead letter ${number} is shown`);
}

const pre = (text, more = '') => el('pre', { tabindex: '0', class: `json ${more}` }, visible(text));

/** What the bytes say, laid out where all of it is here. */
function reading(l) {
  if (l.document_cut) return `${l.document}\u2026`;
  try {
    return JSON.stringify(JSON.parse(l.document), null, 2);
  } catch {
    return l.document;
  }
}

function size(l, data) {
  const what = { alert: 'an alert', event: 'an event of an agent' }[l.kind];
  return `${data.length < l.size ? `the first ${count(data.length)} of ${count(l.size)} bytes` : `${count(l.size)} bytes`}${what ? `: ${what}` : ''}`;
}
