// Nothing gets lost: what went into a part has come out of it under a name. docs/architecture.md has the equations.

const equations = {
  agent: { into: ['recovered', 'read'], out: ['receipted', 'spooled'], prefix: 'dropped_' },
  manager: { into: ['accepted'], out: ['alerted', 'silent', 'duplicate', 'failed'] },
  indexer: { into: ['received'], out: ['indexed', 'duplicate', 'redelivered', 'dead_letter'] },
};

/**
 * Checks the counters of a part. More in than out is on its way; more out than in is an error.
 * @returns {{into: [string, number][], out: [string, number][], left: number}|null} null: the part has no equation
 */
export function balance(component) {
  const e = equations[component.name];
  if (!e) return null;
  const counters = component.counters ?? {};
  const take = (names) => names.map((n) => [n, Number(counters[n] ?? 0)]);
  const more = e.prefix ? Object.keys(counters).filter((n) => n.startsWith(e.prefix)).sort() : [];
  const into = take(e.into), out = take([...e.out, ...more]);
  const sum = (list) => list.reduce((total, [, n]) => total + n, 0);
  return { into, out, left: sum(into) - sum(out) };
}
