// The status view: readiness of every part, its counters with the check that nothing got lost, dead letters and the ruleset in force.

import { fetchLetters, fetchRuleset, fetchStatus } from './api.js';
import { balance } from './conservation.js';
import { el, replace } from './dom.js';
import { bytes, count, plural, visible } from './text.js';
import { ago, stamp } from './time.js';
import { unavailable } from './unavailable.js';

export async function drawStatus(box, zone) {
  const again = () => drawStatus(box, zone);
  if (!box.firstChild) replace(box, el('h1', {}, 'Status'), el('p', { class: 'sub' }, 'Loading\u2026'));
  // Each of the three may fail without the others.
  const [status, letters, ruleset] = await Promise.allSettled([fetchStatus(), fetchLetters(), fetchRuleset()]);
  const answer = status.value ?? {};
  replace(box,
    el('div', { class: 'view-head' }, el('h1', {}, 'Status'),
      el('span', { class: 'sub' }, answer.version ? `Armor ${visible(answer.version)}${answer.start_time ? `, started ${stamp(answer.start_time, zone)} ${zone} (${ago(answer.start_time)})` : ''}` : ''),
      el('button', { type: 'button', on: { click: again } }, 'Refresh')),
    status.reason ? unavailable(status.reason, again) : null,
    answer.manager_error ? el('p', { class: 'notice error', role: 'alert' }, visible(answer.manager_error)) : null,
    el('div', { class: 'components' }, (answer.components ?? []).map(component)),
    section('Dead letters', letters, again, (found) => letterTable(found.letters ?? [], zone)),
    section('Ruleset', ruleset, again, (found) => rulesetFigures(found, zone)));
}

function section(title, settled, again, draw) {
  return el('section', { class: 'panel', 'aria-label': title }, el('h2', {}, title), settled.reason ? unavailable(settled.reason, again) : draw(settled.value));
}

function component(c) {
  const b = balance(c);
  const inEquation = new Set(b ? [...b.into, ...b.out].map(([n]) => n) : []);
  const others = Object.entries(c.counters ?? {}).filter(([n]) => !inEquation.has(n)).sort().map(([n, v]) => figure(n, count(v), n.startsWith('state_evicted') && Number(v) > 0));
  const gauges = Object.entries(c.gauges ?? {}).sort().map(([n, v]) => figure(n, n.endsWith('_bytes') ? bytes(v) : Number(v).toLocaleString('en-GB', { maximumFractionDigits: 1 }), false));
  return el('section', { class: 'panel', 'aria-label': visible(c.name) },
    el('div', { class: 'panel-head' }, el('h2', {}, visible(c.name)), el('span', { class: c.ready ? 'state up' : 'state down' }, c.ready ? 'Ready' : 'Not ready')),
    c.reason ? el('p', { class: 'notice error' }, visible(c.reason)) : null,
    b ? equation(b) : null,
    others.length || gauges.length ? el('dl', { class: 'figures' }, others, gauges) : null);
}

function equation(b) {
  const side = (title, list) => el('div', {}, el('h3', { class: 'side' }, title), el('dl', { class: 'sum' },
    list.map(([n, v]) => figure(n, count(v), v > 0 && (n.startsWith('dropped') || n === 'dead_letter' || n === 'failed')))));
  let [kind, words] = ['up', 'Adds up: nothing is lost.'];
  if (b.left > 0) [kind, words] = ['wait', `Adds up but for ${count(b.left)} on the way.`];
  if (b.left < 0) [kind, words] = ['down', `Does not add up: ${count(-b.left)} more out than in. Please report this.`];
  return el('div', { class: 'equation' }, side('In', b.into), side('Out', b.out), el('p', { class: `state ${kind}` }, words));
}

function figure(name, value, alarm) {
  return el('div', { class: alarm ? 'alarm' : '' }, el('dt', {}, visible(name.replaceAll('_', ' '))), el('dd', {}, value));
}

function letterTable(letters, zone) {
  if (letters.length === 0) return el('p', { class: 'sub' }, 'None: everything could be handled.');
  return el('div', { class: 'scroll' }, el('table', { class: 'plain-table' },
    el('thead', {}, el('tr', {}, ['Reason', 'Count', `Newest (${zone})`, 'What went wrong with it'].map((h) => el('th', { scope: 'col' }, h)))),
    el('tbody', {}, letters.map((l) => el('tr', {}, el('td', {}, visible(l.reason)), el('td', { class: 'number alarm' }, count(l.messages)),
      el('td', {}, stamp(l.last, zone)), el('td', { class: 'value' }, visible(l.detail)))))));
}

function rulesetFigures(r, zone) {
  const problems = r.problems ?? [];
  return [
    el('dl', { class: 'figures' }, figure('rules', count(r.rules ?? 0)), figure('decoders', count(r.decoders ?? 0)), figure('lists', count(r.lists ?? 0)),
      figure('in force since', r.load_time ? stamp(r.load_time, zone) : '\u2013'), figure('source', visible(r.source || '\u2013'))),
    el('p', { class: 'hash' }, 'Hash ', el('code', {}, visible(r.hash ?? ''))),
    problems.length === 0 ? el('p', { class: 'sub' }, 'The loader found no problem.') : el('details', { open: problems.length <= 20 }, el('summary', {}, plural(problems.length, 'problem')),
      el('ul', { class: 'problems' }, problems.map((p) => el('li', { class: p.severity === 'SEVERITY_ERROR' ? 'bad' : '' },
        el('code', {}, visible(`${p.file ?? ''}${p.line ? `:${p.line}` : ''}`)), ` ${visible(p.subject ? `${p.subject}: ` : '')}${visible(p.message ?? '')}`)))),
  ];
}
