// The tests of a rule: which lines it must fire on and be silent on.

import { el } from './dom.js';
import { count, plural, visible } from './text.js';

/** @param {Object} answer the manager's answer about a rule */
export function ruleTests(answer) {
  const tests = answer.tests ?? [];
  const total = Number(answer.tests_total ?? 0);
  const problems = answer.test_problems ?? [];
  return el('section', { class: 'panel rule-tests', 'aria-label': 'Tests' },
    el('h2', {}, total > tests.length ? `Tests (the first ${count(tests.length)} of ${count(total)})` : 'Tests'),
    tests.length === 0 ? el('p', { class: 'sub' }, 'No tests. They stand in the folder tests/ beside rules/, or in tests.yaml; ', el('code', {}, 'armor rules test'), ' runs them.') : null,
    tests.map(ruleTest),
    problems.length ? [el('h3', {}, 'Test files that cannot be read'), el('ul', { class: 'problems' }, problems.map((p) => el('li', {}, visible(p))))] : null);
}

function ruleTest(test) {
  const events = test.events ?? [];
  const more = Number(test.events_total ?? 0) - events.length;
  return el('article', { class: 'rule-test' },
    el('h3', {}, visible(test.name ?? ''), ' ', el('span', { class: 'tag' }, test.fires ? 'Fires' : 'Silent')),
    el('p', { class: 'sub' }, el('code', {}, visible(`${test.file ?? ''}:${test.line ?? 0}`))),
    el('ol', {}, events.map(testEvent)),
    more > 0 ? el('p', { class: 'sub' }, `and ${plural(more, 'more event')}`) : null);
}

function testEvent(event) {
  const repeat = Number(event.repeat ?? 1);
  const after = Number(event.after_seconds ?? 0);
  const when = [after > 0 ? `${count(after)} s later` : '', repeat > 1 ? `${count(repeat)} times, the last is judged` : ''].filter(Boolean).join(', ');
  return el('li', {},
    when ? el('p', { class: 'sub' }, when) : null,
    el('pre', { tabindex: '0', 'aria-label': 'Log line' }, visible(event.log ?? '') + (event.log_cut ? '\u2026' : '')),
    el('p', {}, 'Must end in: ', el('span', { class: 'expect' }, (event.expect ?? []).length ? visible(event.expect.join(' \u00b7 ')) : 'anything')));
}
