// Time ranges, and times as people read them. A range is written "24h", "all" or "FROM..TO" with ISO times (either end may be empty).

const minute = 60_000, hour = 60 * minute, day = 24 * hour;

export const presets = [
  ['15m', 'Last 15 minutes', 15 * minute],
  ['1h', 'Last hour', hour],
  ['6h', 'Last 6 hours', 6 * hour],
  ['24h', 'Last 24 hours', day],
  ['7d', 'Last 7 days', 7 * day],
  ['30d', 'Last 30 days', 30 * day],
  ['90d', 'Last 90 days', 90 * day],
  ['365d', 'Last year', 365 * day],
];

export const defaultRange = '24h';

export function isRange(text) {
  if (text === 'all' || presets.some(([key]) => key === text)) return true;
  const parts = String(text).split('..');
  return parts.length === 2 && parts.some(Boolean) && parts.every((p) => !p || !Number.isNaN(Date.parse(p)));
}

/** The bounds of a range as {since, until} in ISO form; an absent bound is open. */
export function bounds(range, now = Date.now()) {
  if (range === 'all') return {};
  const preset = presets.find(([key]) => key === range);
  if (preset) return { since: new Date(now - preset[2]).toISOString() };
  const [from, to] = range.split('..');
  return { since: from ? new Date(from).toISOString() : undefined, until: to ? new Date(to).toISOString() : undefined };
}

export function rangeName(range, zone) {
  if (range === 'all') return 'All time';
  const preset = presets.find(([key]) => key === range);
  if (preset) return preset[1];
  const [from, to] = range.split('..');
  return `${from ? stamp(from, zone) : 'the beginning'} \u2013 ${to ? stamp(to, zone) : 'now'}`;
}

export const localZone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

const formats = new Map();

function parts(time, zone) {
  if (!formats.has(zone)) {
    formats.set(zone, new Intl.DateTimeFormat('en-GB', {
      timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
    }));
  }
  const out = {};
  for (const { type, value } of formats.get(zone).formatToParts(new Date(time))) out[type] = value;
  return out;
}

/** "2026-02-03 14:05:06" in the zone; the text itself when it is no time. */
export function stamp(time, zone) {
  if (Number.isNaN(new Date(time).getTime())) return String(time);
  const p = parts(time, zone);
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}`;
}

/** A label of the time axis, as long as the width of its bucket (seconds) needs. */
export function tick(time, zone, interval) {
  const p = parts(time, zone);
  if (interval >= 86400) return `${p.year}-${p.month}-${p.day}`;
  const clock = interval >= 60 ? `${p.hour}:${p.minute}` : `${p.hour}:${p.minute}:${p.second}`;
  return `${p.month}-${p.day} ${clock}`;
}

/** The value of a datetime-local input in the zone. */
export const inputValue = (time, zone) => stamp(time, zone).replace(' ', 'T');

/** The time that a datetime-local value means in the zone, ISO form; undefined for none. */
export function fromInput(value, zone) {
  if (!value) return undefined;
  const wall = Date.parse(`${value}Z`);
  if (Number.isNaN(wall)) return undefined;
  // The zone's offset depends on the time sought: two steps settle it.
  let time = wall;
  for (let i = 0; i < 2; i++) time = wall - (Date.parse(`${stamp(time, zone).replace(' ', 'T')}Z`) - time);
  return new Date(time).toISOString();
}

export function width(seconds) {
  const units = [[86400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']];
  const [size, name] = units.find(([s]) => seconds % s === 0) ?? units[3];
  const n = seconds / size;
  return n === 1 ? name : `${n} ${name}s`;
}

export function ago(time, now = Date.now()) {
  const s = Math.max(0, Math.round((now - new Date(time).getTime()) / 1000));
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} d ago`;
}

/** "45 s", "3 min 20 s", "2 h 5 min", "3 d 4 h": how long something lasts or lasted, from milliseconds. */
export function duration(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  const two = (n, unit, rest, small) => (rest ? `${n} ${unit} ${rest} ${small}` : `${n} ${unit}`);
  if (s < 60) return `${s} s`;
  if (s < 3600) return two(Math.floor(s / 60), 'min', s % 60, 's');
  if (s < 86400) return two(Math.floor(s / 3600), 'h', Math.floor((s % 3600) / 60), 'min');
  return two(Math.floor(s / 86400), 'd', Math.floor((s % 86400) / 3600), 'h');
}
