// The rule view: what a rule is, where it comes from, and its definition as written.

import { fetchRule } from './api.js';
import { el, replace } from './dom.js';
import { levelClass, visible } from './text.js';
import { unavailable } from './unavailable.js';

export async function drawRule(box, id, alertsOf, ruleAddress) {
  replace(box, el('h1', {}, `Rule ${id}`), el('p', { class: 'sub' }, 'Loading\u2026'));
  let answer;
  try {
    answer = await fetchRule(id);
  } catch (err) {
    replace(box, el('h1', {}, `Rule ${id}`), unavailable(err, () => drawRule(box, id, alertsOf, ruleAddress)), el('p', {}, el('a', { href: alertsOf(id) }, 'Alerts of this rule')));
    return;
  }
  const rule = answer.rule ?? {};
  const level = Number(rule.level ?? 0);
  replace(box,
    el('div', { class: 'view-head' }, el('h1', {}, `Rule ${rule.id ?? id}`), el('span', { class: `level ${levelClass(level)}` }, `Level ${level}`), el('a', { href: alertsOf(id) }, 'Alerts of this rule')),
    el('section', { class: 'panel' },
      el('p', { class: 'lead' }, visible(rule.description ?? '')),
      el('dl', { class: 'figures wide' },
        item('Groups', (rule.groups ?? []).map((g) => el('span', { class: 'tag' }, visible(g)))),
        item('MITRE ATT&CK', (rule.mitre_ids ?? []).map((m) => el('span', { class: 'tag' }, visible(m)))),
        item('Hangs under', (rule.parents ?? []).map((p) => el('a', { href: ruleAddress(p) }, String(p)))),
        item('File', rule.file ? [el('code', {}, visible(`${rule.file}:${rule.line ?? 0}`))] : [])),
      answer.xml ? [el('h2', {}, 'Definition'), el('pre', { tabindex: '0' }, visible(answer.xml))] : null));
}

function item(name, values) {
  return el('div', {}, el('dt', {}, name), el('dd', {}, values.length ? values.flatMap((v) => [v, ' ']) : '\u2013'));
}
