// Says what is broken. The last figures stay on the page, greyed: a store that does not answer is not a store without alerts.

import { byId, el, replace } from './dom.js';
import { visible } from './text.js';

const headings = {
  store: 'Alert store unreachable',
  offline: 'Console unreachable',
  session: 'Session ended',
  other: 'Something went wrong',
};

const advice = {
  store: 'Alerts are not lost: they wait in the queue until the store is back. This page tries again by itself.',
  offline: 'Armor may have been stopped. This page tries again by itself.',
  session: 'Open the console again with the address that it printed when it started.',
  other: 'This page tries again by itself.',
};

/**
 * @param {{kind: string, message: string}|null} error
 * @param {() => void} [retry]
 * @param {string} [shownSince] when the figures on the page were right; empty: there are none
 */
export function drawBanner(error, retry, shownSince) {
  document.body.classList.toggle('stale', Boolean(error));
  if (!error) {
    if (byId('banner').firstChild) replace(byId('banner'));
    return;
  }
  const kind = headings[error.kind] ? error.kind : 'other';
  const text = `${kind} ${error.message}`;
  if (byId('banner').dataset.text === text && byId('banner').firstChild) return; // said once is enough for a screen reader
  byId('banner').dataset.text = text;
  replace(byId('banner'), el('div', { class: 'notice error', data: { kind } },
    el('strong', {}, headings[kind]),
    el('p', {}, visible(error.message)),
    el('p', {}, advice[kind], shownSince ? ` The figures below are those of ${shownSince}.` : ''),
    kind === 'session' ? null : el('button', { type: 'button', on: { click: retry } }, 'Try now')));
}
