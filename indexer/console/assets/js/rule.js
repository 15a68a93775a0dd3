// The rule view: what a rule is, how often it fired, its place among the others, and its definition as written.

import { fetchAlerts, fetchOverview, fetchRule } from './api.js';
import { el, replace } from './dom.js';
import { technique } from './mitre.js';
import { count, levelClass, plural, visible } from './text.js';
import { ago, rangeName, stamp } from './time.js';
import { ruleTests } from './ruletests.js';
import { unavailable } from './unavailable.js';

let asked = 0; // the newest question; the answer to an older one is not shown any more

/**
 * @param {HTMLElement} box
 * @param {Object} state rule and time range
 * @param {{alerts: (id: string) => string, rule: (id: number) => string, group: (name: string) => string, zone: string}} deps addresses of what hangs together with it
 */
export async function drawRule(box, state, deps) {
  const mine = ++asked;
  const id = state.rule;
  const fired = el('p', { class: 'sub', id: 'fired' }, 'Counting how often it fired\u2026');
  replace(box, el('h1', {}, `Rule ${id}`), el('p', { class: 'sub' }, 'Loading\u2026'));
  try {
    const answer = await fetchRule(id);
    if (mine === asked) show(box, answer, fired, deps);
  } catch (err) {
    if (mine !== asked) return;
    replace(box, el('h1', {}, `Rule ${id}`), unavailable(err, () => drawRule(box, state, deps)), fired, el('p', {}, el('a', { href: deps.alerts(id) }, 'Alerts of this rule')));
  }
  countFired(fired, { range: state.range || 'all', filters: [{ field: 'rule.id', value: id, not: false }] }, deps.zone);
}

async function countFired(place, state, zone) {
  try {
    const [overview, list] = await Promise.all([fetchOverview(state), fetchAlerts(state, 1, '', undefined, false)]);
    const [last] = list.alerts;
    replace(place, el('strong', {}, overview.total === 0 ? 'No alert' : plural(overview.total, 'alert')), ` in the time range (${visible(rangeName(state.range, zone))})`,
      last ? `, from ${plural(overview.agents, 'agent')}, the last at ${stamp(last.time, zone)} ${zone} (${ago(last.time)}).` : '.');
  } catch (err) {
    replace(place, `How often it fired is not known: ${visible(err.message)}`);
  }
}

function show(box, answer, fired, deps) {
  const rule = answer.rule ?? {};
  const level = Number(rule.level ?? 0);
  replace(box,
    el('div', { class: 'view-head' }, el('h1', {}, `Rule ${rule.id}`), el('span', { class: `level ${levelClass(level)}` }, `Level ${level}`), el('a', { href: deps.alerts(String(rule.id)) }, 'Alerts of this rule')),
    el('section', { class: 'panel', 'aria-label': 'Rule' },
      el('p', { class: 'lead' }, visible(rule.description ?? '')),
      answer.info ? el('p', {}, visible(answer.info)) : null, fired,
      el('dl', { class: 'figures wide' },
        item('Groups', (rule.groups ?? []).map((g) => el('a', { class: 'tag', href: deps.group(g) }, visible(g)))),
        item('MITRE ATT&CK', (answer.mitre ?? (rule.mitre_ids ?? []).map((m) => ({ id: m }))).map(technique)),
        (answer.compliance ?? []).map((c) => item(visible(c.standard.replaceAll('_', ' ').toUpperCase()), (c.requirements ?? []).map((r) => el('span', { class: 'tag' }, visible(r))))),
        answer.frequency ? item('Fires after', [`${count(answer.frequency)} matches${answer.timeframe_seconds ? ` within ${count(answer.timeframe_seconds)} s` : ''}`]) : null,
        answer.ignore_seconds ? item('Then silent for', [`${count(answer.ignore_seconds)} s`]) : null,
        answer.no_alert || level === 0 ? item('Alert', ['None of its own: it carries others']) : null,
        item('File', rule.file ? [el('code', {}, visible(`${rule.file}:${rule.line ?? 0}`))] : [])),
      answer.xml ? [el('h2', {}, 'Definition'), el('pre', { tabindex: '0', 'aria-label': 'Definition' }, visible(answer.xml))] : null),
    ruleTests(answer),
    related('Hangs under', answer.parents ?? (rule.parents ?? []).map((p) => ({ id: p })), deps),
    related(`Rules under it${Number(answer.children_total ?? 0) > (answer.children ?? []).length ? ` (the first of ${count(answer.children_total)})` : ''}`, answer.children ?? [], deps));
}

function item(name, values) {
  return el('div', {}, el('dt', {}, name), el('dd', {}, values.length ? values.flatMap((v) => [v, ' ']) : '\u2013'));
}

function related(title, rules, deps) {
  if (rules.length === 0) return null;
  return el('section', { class: 'panel', 'aria-label': title }, el('h2', {}, title),
    el('div', { class: 'scroll' }, el('table', { class: 'plain-table' },
      el('thead', {}, el('tr', {}, ['Rule', 'Level', 'Description'].map((h) => el('th', { scope: 'col' }, h)))),
      el('tbody', {}, rules.map((r) => el('tr', {}, el('td', {}, el('a', { href: deps.rule(r.id) }, String(r.id))),
        el('td', {}, el('span', { class: `level ${levelClass(Number(r.level ?? 0))}` }, String(r.level ?? 0))), el('td', {}, visible(r.description ?? ''))))))));
}
