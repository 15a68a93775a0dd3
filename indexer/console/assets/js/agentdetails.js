// What the row of an agent opens: its inputs, its spool, what it dropped and why, and where it is.

import { dropped, inputLag, isConnected, lag, lost, spoolUse, waiting } from './agentreport.js';
import { el } from './dom.js';
import { bytes, count, visible } from './text.js';
import { ago, duration, stamp } from './time.js';

export function agentDetails(a, zone) {
  const r = a.report;
  return el('div', { class: 'details-body' },
    el('section', { 'aria-label': 'Inputs' }, el('h4', {}, 'Inputs'), r ? inputs(r.inputs ?? [], zone) : el('p', { class: 'sub' }, 'No report yet: the agent tells after it has connected. One older than the reports never does.')),
    r ? el('section', { 'aria-label': 'Spool' }, el('h4', {}, 'Spool and losses', a.report_time ? el('span', { class: 'sub' }, `as reported ${stamp(a.report_time, zone)} ${zone} (${ago(a.report_time)})${isConnected(a) ? '' : '; it may have changed since'}`) : null), spool(a, r, zone)) : null,
    el('section', { 'aria-label': 'Connection' }, el('h4', {}, 'Connection'), connection(a, zone)),
    el('p', {}, el('a', { href: `/?f=${encodeURIComponent(`agent.id:${a.id}`)}` }, 'Alerts of this agent')));
}

const figure = (name, value, alarm = false) => el('div', { class: alarm ? 'alarm' : '' }, el('dt', {}, name), el('dd', {}, value));
const when = (time, zone) => (time ? `${stamp(time, zone)} (${ago(time)})` : '\u2013');

function inputs(list, zone) {
  if (list.length === 0) return el('p', { class: 'sub' }, 'The agent has none.');
  return el('div', { class: 'scroll inner' }, el('table', { class: 'plain-table inputs' },
    el('thead', {}, el('tr', {}, ['Input', 'Type', 'Problem', `Last event (${zone})`, 'Events', 'Files or objects', 'Pending', 'Lag', 'Damaged'].map((h) => el('th', { scope: 'col' }, h)))),
    el('tbody', {}, list.map((i) => {
      const damaged = Number(i.damaged ?? 0);
      return el('tr', {},
        el('td', { class: 'value' }, visible(i.name ?? '')),
        el('td', {}, visible(i.type ?? '')),
        el('td', { class: 'value' }, i.problem ? el('span', { class: 'warning' }, visible(i.problem)) : el('span', { class: 'sub' }, 'None')),
        el('td', {}, i.last_event ? when(i.last_event, zone) : 'None since the agent started'),
        el('td', { class: 'number' }, count(i.events ?? 0)),
        el('td', { class: 'number' }, count(i.sources ?? 0)),
        el('td', { class: 'number' }, count(i.pending ?? 0)),
        el('td', { class: 'number' }, i.lag ? duration(inputLag(i)) : '\u2013'),
        el('td', { class: damaged > 0 ? 'number alarm' : 'number' }, damaged > 0 ? `${count(damaged)} not read whole` : '0'));
    }))));
}

function spool(a, r, zone) {
  const use = spoolUse(r);
  return el('dl', { class: 'figures' },
    figure('spooled events', count(waiting(a))),
    figure('lag', r.oldest_unfinished ? `${duration(lag(r, Date.now()))}, since ${stamp(r.oldest_unfinished, zone)}` : '0 s'),
    figure('spool use', use === null ? '\u2013' : `${use.toFixed(0)} % (${bytes(r.spool_bytes ?? 0)} of ${bytes(r.spool_max_bytes)})`),
    figure('kept for a replay', count(r.replayable_events ?? 0)),
    figure('lost', count(lost(r)), lost(r) > 0),
    dropped(r).length === 0 ? figure('dropped', '0') : dropped(r).map(([reason, n]) => figure(`dropped: ${visible(reason)}`, count(n), true)));
}

function connection(a, zone) {
  return el('dl', { class: 'figures wide' },
    figure('last seen', when(a.last_seen, zone)), figure('first seen', when(a.first_seen, zone)),
    a.gone_since ? figure('gone since', when(a.gone_since, zone), true) : null,
    figure('address', visible(a.ip || '\u2013')), figure('version', visible(a.version || '\u2013')), figure('manager', visible(a.manager_name || '\u2013')),
    figure('spool', visible(a.spool_id || '\u2013')), figure('last finished event', count(a.last_finished_sequence ?? 0)), figure('last event held', count(a.last_known_sequence ?? 0)));
}
