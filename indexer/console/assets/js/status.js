// The status view: readiness of every part, its counters with the check that nothing got lost, dead letters and the ruleset in force.

import { fetchLetterReasons, fetchRuleset, fetchStatus } from './api.js';
import { balance } from './conservation.js';
import { el, replace } from './dom.js';
import { bytes, count, plural, visible } from './text.js';
import { ago, duration, stamp } from './time.js';
import { unavailable } from './unavailable.js';

/** @param {HTMLElement} box @param {string} zone @param {(reason: string) => string} lettersOf the address of the dead letters of a reason, or of all */
export async function drawStatus(box, zone, lettersOf) {
  const again = () => drawStatus(box, zone, lettersOf);
  if (!box.firstChild) replace(box, el('h1', {}, 'Status'), el('p', { class: 'sub' }, 'Loading\u2026'));
  // Each of the three may fail without the others.
  const [status, letters, ruleset] = await Promise.allSettled([fetchStatus(), fetchLetterReasons(), fetchRuleset()]);
  const answer = status.value ?? {};
  replace(box,
    el('div', { class: 'view-head' }, el('h1', {}, 'Status'),
      el('span', { class: 'sub' }, answer.version ? `Armor ${visible(answer.version)}${answer.start_time ? `, started ${stamp(answer.start_time, zone)} ${zone} (${ago(answer.start_time)})` : ''}` : ''),
      el('button', { type: 'button', on: { click: again } }, 'Refresh')),
    status.reason ? unavailable(status.reason, again) : null,
    answer.manager_error ? el('p', { class: 'notice error', role: 'alert' }, visible(answer.manager_error)) : null,
    el('div', { class: 'components' }, (answer.components ?? []).map((c) => component(c, lettersOf('')))),
    section('Dead letters', letters, again, (found) => letterTable(found.letters ?? [], zone, lettersOf)),
    section('Ruleset', ruleset, again, (found) => rulesetFigures(found, zone)));
}

function section(title, settled, again, draw) {
  return el('section', { class: 'panel', 'aria-label': title }, el('h2', {}, title), settled.reason ? unavailable(settled.reason, again) : draw(settled.value));
}

function component(c, letters) {
  const b = balance(c);
  const inEquation = new Set(b ? [...b.into, ...b.out].map(([n]) => n) : []);
  const others = Object.entries(c.counters ?? {}).filter(([n]) => !inEquation.has(n)).sort().map(([n, v]) => figure(n, count(v), n.startsWith('state_evicted') && Number(v) > 0));
  const gauges = Object.entries(c.gauges ?? {}).sort().map(([n, v]) => gauge(n, Number(v), letters));
  return el('section', { class: 'panel', 'aria-label': visible(c.name) },
    el('div', { class: 'panel-head' }, el('h2', {}, visible(c.name)), el('span', { class: c.ready ? 'state up' : 'state down' }, c.ready ? 'Ready' : 'Not ready')),
    c.reason ? el('p', { class: 'notice error' }, visible(c.reason)) : null,
    b ? equation(b, letters) : null,
    others.length || gauges.length ? el('dl', { class: 'figures' }, others, gauges) : null);
}

const losses = new Set(['snapshot_failing', 'agents_lost', 'agents_dropped', 'lost_ever', 'dead_letters']); // gauges that are 0 while all is well

function gauge(name, value, letters) {
  if (name.endsWith('_seconds')) return figure(name.slice(0, -'_seconds'.length), duration(value * 1000), false);
  if (name.endsWith('_bytes')) return figure(name, bytes(value), false);
  const text = value.toLocaleString('en-GB', { maximumFractionDigits: 1 });
  const alarm = losses.has(name) && value > 0;
  return figure(name, alarm && name === 'dead_letters' ? el('a', { href: letters }, text) : text, alarm);
}

function equation(b, letters) {
  const one = ([n, v]) => {
    const alarm = v > 0 && (n.startsWith('dropped') || n === 'dead_letter' || n === 'failed');
    return figure(n, alarm && !n.startsWith('dropped') ? el('a', { href: letters, title: 'Dead letters' }, count(v)) : count(v), alarm);
  };
  const side = (title, list) => el('div', {}, el('h3', { class: 'side' }, title), el('dl', { class: 'sum' }, list.map(one)));
  let [kind, words] = ['up', 'Adds up: nothing is lost.'];
  if (b.left > 0) [kind, words] = ['wait', `Adds up but for ${count(b.left)} on the way.`];
  if (b.left < 0) [kind, words] = ['down', `Does not add up: ${count(-b.left)} more out than in. Please report this.`];
  return el('div', { class: 'equation' }, side('In', b.into), side('Out', b.out), el('p', { class: `state ${kind}` }, words));
}

function figure(name, value, alarm) {
  return el('div', { class: alarm ? 'alarm' : '' }, el('dt', {}, visible(name.replaceAll('_', ' '))), el('dd', {}, value));
}

function letterTable(letters, zone, lettersOf) {
  if (letters.length === 0) return el('p', { class: 'sub' }, 'None: everything could be handled.');
  return [el('div', { class: 'scroll' }, el('table', { class: 'plain-table' },
    el('thead', {}, el('tr', {}, ['Reason', 'Count', `Newest (${zone})`, 'What went wrong with it'].map((h) => el('th', { scope: 'col' }, h)))),
    el('tbody', {}, letters.map((l) => el('tr', {}, el('td', {}, visible(l.reason)),
      el('td', { class: 'number alarm' }, el('a', { href: lettersOf(l.reason), 'aria-label': `${count(l.messages)}: list the dead letters of ${visible(l.reason)}` }, count(l.messages))),
      el('td', {}, stamp(l.last, zone)), el('td', { class: 'value' }, visible(l.detail))))))),
  el('p', {}, el('a', { href: lettersOf('') }, 'All dead letters'))];
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
