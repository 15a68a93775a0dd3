// The status view: readiness and counters of every part of the process.

import { fetchStatus } from './api.js';
import { el, replace } from './dom.js';
import { count, visible } from './text.js';
import { ago, stamp } from './time.js';
import { unavailable } from './unavailable.js';

export async function drawStatus(box, zone) {
  if (!box.firstChild) replace(box, el('h1', {}, 'Status'), el('p', { class: 'sub' }, 'Loading\u2026'));
  let answer;
  try {
    answer = await fetchStatus();
  } catch (err) {
    replace(box, el('h1', {}, 'Status'), unavailable(err, () => drawStatus(box, zone)));
    return;
  }
  replace(box,
    el('div', { class: 'view-head' }, el('h1', {}, 'Status'),
      el('span', { class: 'sub' }, `Armor ${visible(answer.version ?? '')}${answer.start_time ? `, started ${stamp(answer.start_time, zone)} ${zone} (${ago(answer.start_time)})` : ''}`),
      el('button', { type: 'button', on: { click: () => drawStatus(box, zone) } }, 'Refresh')),
    el('div', { class: 'components' }, (answer.components ?? []).map(component)));
}

function component(c) {
  const counters = Object.entries(c.counters ?? {}).sort().map(([name, n]) => figure(name, count(n), name.startsWith('dropped') || name === 'dead_letter' || name === 'failed' ? Number(n) > 0 : false));
  const gauges = Object.entries(c.gauges ?? {}).sort().map(([name, n]) => figure(name, Number(n).toLocaleString('en-GB', { maximumFractionDigits: 1 }), false));
  return el('section', { class: 'panel', 'aria-label': visible(c.name) },
    el('div', { class: 'panel-head' }, el('h2', {}, visible(c.name)), el('span', { class: c.ready ? 'state up' : 'state down' }, c.ready ? 'Ready' : 'Not ready')),
    c.reason ? el('p', { class: 'notice error' }, visible(c.reason)) : null,
    el('dl', { class: 'figures' }, counters, gauges));
}

function figure(name, value, alarm) {
  return el('div', { class: alarm ? 'alarm' : '' }, el('dt', {}, visible(name.replaceAll('_', ' '))), el('dd', {}, value));
}
