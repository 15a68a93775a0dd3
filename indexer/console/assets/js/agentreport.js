// Reads what an agent said about itself (AgentReport): the same figures as `armor agents show`.

import { plural } from './text.js';
import { ago, stamp } from './time.js';

const high = 80; // per cent of the spool from which on the agent itself says that it is high

export const isConnected = (a) => a.state === 'AGENT_STATE_CONNECTED';

/** How old the oldest event is that is not finished, milliseconds; 0: there is none. */
export const lag = (r, now) => (r.oldest_unfinished ? Math.max(0, now - new Date(r.oldest_unfinished).getTime()) : 0);

/** How long before its reading the newest record of an input happened, milliseconds. */
export const inputLag = (input) => Math.max(0, 1000 * Number.parseFloat(input.lag)); // a duration in JSON: "312.5s"

/** How full the spool is, per cent; null: the agent has no spool. */
export function spoolUse(r) {
  const most = Number(r.spool_max_bytes ?? 0);
  return most > 0 ? (100 * Number(r.spool_bytes ?? 0)) / most : null;
}

/** How many events the agent has read that are not finished. */
export function waiting(a) {
  if (a.report && isConnected(a)) return Number(a.report.spooled_events ?? 0);
  return Math.max(0, Number(a.last_known_sequence ?? 0) - Number(a.last_finished_sequence ?? 0));
}

/** Events that were accepted once and lost to damage of the disk. */
export const lost = (r) => Number(r.lost_events ?? 0);

/** Events not taken, as [reason, number] pairs in order of the reasons. */
export const dropped = (r) => Object.entries(r.dropped_events ?? {}).map(([reason, n]) => [reason, Number(n)]).filter(([, n]) => n > 0).sort(([a], [b]) => (a < b ? -1 : 1));

/** What is wrong with an agent, each in words; the texts may be an attacker's. */
export function problems(a, zone) {
  const out = [];
  if (a.gone_since) out.push(`Gone since ${stamp(a.gone_since, zone)} (${ago(a.gone_since)})`);
  const r = a.report;
  if (!r) return out;
  if (lost(r) > 0) out.push(`${plural(lost(r), 'event')} lost to damage of the disk`);
  for (const [reason, n] of dropped(r)) out.push(`${plural(n, 'event')} dropped: ${reason}`);
  for (const input of r.inputs ?? []) {
    if (input.problem) out.push(`Input ${input.name ?? ''}: ${input.problem}`);
    if (Number(input.damaged ?? 0) > 0) out.push(`Input ${input.name ?? ''}: ${plural(Number(input.damaged), 'part')} could not be read whole`);
  }
  const use = spoolUse(r);
  if (use !== null && use > high) out.push(`Spool ${use.toFixed(0)} % full`);
  return out;
}
