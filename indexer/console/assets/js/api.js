// Talks to the console's own API. Every failure is an ApiError whose kind says what the page can do about it.

import { bounds } from './time.js';
import { filterParams } from './state.js';

export class ApiError extends Error {
  /** @param {string} kind query, store, manager, session, missing, limit, offline or other */
  constructor(kind, message, position) {
    super(message);
    this.kind = kind;
    this.position = position;
  }
}

export async function get(path, params = new URLSearchParams(), signal = undefined) {
  const query = params.toString();
  let response;
  try {
    response = await fetch(query ? `${path}?${query}` : path, { signal, credentials: 'same-origin', headers: { Accept: 'application/json' } });
  } catch (err) {
    if (err.name === 'AbortError') throw err;
    throw new ApiError('offline', 'The console does not answer.');
  }
  let body = null;
  try {
    body = await response.json();
  } catch (err) {
    if (err.name === 'AbortError') throw err;
  }
  if (response.ok && body !== null) return body;
  const error = body?.error;
  throw new ApiError(error?.kind ?? 'other', error?.message ?? `The console answered with status ${response.status}.`, error?.position);
}

/** Query parameters of a state: filters and the bounds of its time range. */
export function questionParams(state, now = Date.now()) {
  const p = new URLSearchParams();
  const { since, until } = bounds(state.range || 'all', now);
  if (since) p.set('since', since);
  if (until) p.set('until', until);
  filterParams(state, p);
  return p;
}

export const fetchSpan = (signal) => get('/api/v1/span', undefined, signal);
export const fetchBoards = (signal) => get('/api/v1/boards', undefined, signal);
export const fetchBoard = (state, signal) => get(`/api/v1/boards/${encodeURIComponent(state.board)}`, questionParams(state), signal);
export const fetchRuleset = (signal) => get('/api/v1/ruleset', undefined, signal);
export const fetchLetterReasons = (signal) => get('/api/v1/deadletters', undefined, signal);
export const fetchLetters = (reason, page, signal) => get('/api/v1/letters', new URLSearchParams({ ...(reason && { reason }), ...(page && { page }) }), signal);
export const fetchLetter = (number, signal) => get(`/api/v1/letters/${encodeURIComponent(number)}`, undefined, signal);
export const fetchOverview = (state, signal) => get('/api/v1/overview', questionParams(state), signal);
export const fetchValues = (state, signal) => get('/api/v1/values', questionParams({ ...state, q: '', level: 0, agent: '', group: '', board: '', filters: [] }), signal);
export const fetchAlert = (id, signal) => get(`/api/v1/alerts/${encodeURIComponent(id)}`, undefined, signal);
export const fetchAgents = (signal) => get('/api/v1/agents', undefined, signal);
export const fetchStatus = (signal) => get('/api/v1/status', undefined, signal);
export const fetchRule = (id, signal) => get(`/api/v1/rules/${encodeURIComponent(id)}`, undefined, signal);

/** One page of alerts; the total is in it only where it is asked for. */
export function fetchAlerts(state, size, page, signal, counted = true) {
  const p = questionParams(state);
  p.set('size', String(size));
  if (state.order) p.set('order', state.order);
  if (page) p.set('page', page);
  if (!counted) p.set('count', 'no');
  return get('/api/v1/alerts', p, signal);
}

export function exportAddress(state, format) {
  const p = questionParams(state);
  if (state.order) p.set('order', state.order);
  p.set('format', format);
  return `/api/v1/export?${p}`;
}
