// What the page shows: time range and filters, kept in the address so that a link or the back button brings them back.

import { isRange } from './time.js';

const views = ['alerts', 'agents', 'status', 'letters', 'rule'];
const pageForm = /^([1-9]\d{0,6})-([A-Za-z0-9_-]{1,400})$/;
const reasonName = /^[A-Za-z0-9_-]{1,200}$/;
const boardName = /^[a-z0-9-]{1,60}$/;
const fieldName = /^[A-Za-z0-9_@][A-Za-z0-9_.@ -]*$/;

/** A filter is {field, value, not}. */
export function readState(search = location.search) {
  const p = new URLSearchParams(search);
  const level = Number(p.get('level'));
  const range = p.get('range');
  return {
    view: views.includes(p.get('view')) ? p.get('view') : 'alerts',
    rule: /^\d{1,10}$/.test(p.get('rule') ?? '') ? p.get('rule') : '',
    reason: reasonName.test(p.get('reason') ?? '') ? p.get('reason') : '',
    range: range && isRange(range) ? range : '',
    q: p.get('q') ?? '',
    level: Number.isInteger(level) && level >= 1 && level <= 16 ? level : 0,
    agent: p.get('agent') ?? '',
    group: p.get('group') ?? '',
    board: boardName.test(p.get('board') ?? '') ? p.get('board') : '',
    order: p.get('order') === 'oldest' ? 'oldest' : '',
    page: pageForm.test(p.get('page') ?? '') ? p.get('page') : '',
    filters: [...readFilters(p.getAll('f'), false), ...readFilters(p.getAll('n'), true)],
  };
}

function readFilters(texts, not) {
  return texts.map((t) => ({ field: t.slice(0, t.indexOf(':')), value: t.slice(t.indexOf(':') + 1), not }))
    .filter((f) => fieldName.test(f.field));
}

/** The address of a state; `changes` are laid over it. */
export function address(state, changes = {}) {
  const s = { ...state, ...changes };
  const p = new URLSearchParams();
  if (s.view !== 'alerts') p.set('view', s.view);
  if (s.view === 'rule') p.set('rule', s.rule);
  if (s.view === 'letters' && s.reason) p.set('reason', s.reason);
  if (s.range) p.set('range', s.range);
  filterParams(s, p);
  if (s.order) p.set('order', s.order);
  if (s.page) p.set('page', s.page);
  const text = p.toString();
  return text ? `/?${text}` : '/';
}

/** Adds what narrows the alerts (all but the time) to query parameters, in the form that the API takes too. */
export function filterParams(state, p) {
  if (state.q) p.set('q', state.q);
  if (state.level) p.set('level', String(state.level));
  if (state.agent) p.set('agent', state.agent);
  if (state.group) p.set('group', state.group);
  if (state.board) p.set('board', state.board);
  for (const f of state.filters) p.append(f.not ? 'n' : 'f', `${f.field}:${f.value}`);
}

/** The filters with one more; its opposite goes, and the same one twice stays once. */
export function withFilter(filters, add) {
  return [...filters.filter((f) => f.field !== add.field || f.value !== add.value), add];
}

/** Number of the page of the table, from 1, and where it starts; a page is written "3-TOKEN". */
export function pageOf(state) {
  const [, number, token] = pageForm.exec(state.page) ?? [null, '1', ''];
  return { number: Number(number), token };
}

export const narrowed = (s) => Boolean(s.q || s.level || s.agent || s.group || s.board || s.filters.length);
