// The agents view: who is connected, who was, and how far behind each is.

import { fetchAgents } from './api.js';
import { el, replace } from './dom.js';
import { count, plural, visible } from './text.js';
import { ago, stamp } from './time.js';
import { unavailable } from './unavailable.js';

const long = 24 * 3600 * 1000; // without a word for longer: said aloud

export async function drawAgents(box, zone) {
  if (!box.firstChild) replace(box, el('h1', {}, 'Agents'), el('p', { class: 'sub' }, 'Loading\u2026'));
  let answer;
  try {
    answer = await fetchAgents();
  } catch (err) {
    replace(box, el('h1', {}, 'Agents'), unavailable(err, () => drawAgents(box, zone)));
    return;
  }
  const agents = answer.agents ?? [];
  const connected = agents.filter(isConnected).length;
  const silent = agents.filter((a) => !isConnected(a) && a.last_seen && Date.now() - new Date(a.last_seen) > long).length;
  replace(box,
    el('div', { class: 'view-head' }, el('h1', {}, 'Agents'), el('span', { class: 'sub' }, `${plural(agents.length, 'agent')}, ${count(connected)} connected${silent ? `, ${count(silent)} not seen for a day` : ''}`),
      el('button', { type: 'button', on: { click: () => drawAgents(box, zone) } }, 'Refresh')),
    answer.next_page_token ? el('p', { class: 'notice' }, 'There are more agents than are shown here; ', el('code', {}, 'armor agents list'), ' has all.') : null,
    agents.length === 0 ? el('p', { class: 'notice' }, 'No agent has connected yet. Start one with ', el('code', {}, 'armor-agent --config agent.yaml'), '.') : el('section', { class: 'panel', 'aria-label': 'All agents' }, el('div', { class: 'scroll' }, agentTable(agents, zone))),
    el('p', { class: 'sub' }, '\u201cWaiting\u201d is the highest event that the agent said it holds, less the last one that a manager finished. How large its spool is on disk, only the agent itself tells (armor status, /metrics).'));
}

const isConnected = (a) => a.state === 'AGENT_STATE_CONNECTED';

const when = (time, zone) => (time ? `${stamp(time, zone)} (${ago(time)})` : '\u2013');

function agentTable(agents, zone) {
  return el('table', { class: 'plain-table' },
    el('thead', {}, el('tr', {}, ['Agent', 'Id', 'State', `Last seen (${zone})`, 'Last finished', 'Waiting', 'First seen', 'Address', 'Version', 'Manager'].map((h) => el('th', { scope: 'col' }, h)))),
    el('tbody', {}, agents.map((a) => {
      const finished = Number(a.last_finished_sequence ?? 0);
      const waiting = Math.max(0, Number(a.last_known_sequence ?? 0) - finished);
      return el('tr', {},
        el('td', {}, el('a', { href: `/?f=${encodeURIComponent(`agent.id:${a.id}`)}`, title: 'Alerts of this agent' }, visible(a.name || a.id))),
        el('td', {}, visible(a.id)),
        el('td', {}, el('span', { class: isConnected(a) ? 'state up' : 'state down' }, isConnected(a) ? 'Connected' : 'Disconnected')),
        el('td', {}, when(a.last_seen, zone)),
        el('td', { class: 'number', title: a.spool_id ? `Sequence in spool ${visible(a.spool_id)}` : 'Sequence' }, count(finished)),
        el('td', { class: waiting > 0 && !isConnected(a) ? 'number alarm' : 'number' }, count(waiting)),
        el('td', {}, when(a.first_seen, zone)),
        el('td', {}, visible(a.ip ?? '\u2013')),
        el('td', {}, visible(a.version ?? '\u2013')),
        el('td', {}, visible(a.manager_name ?? '\u2013')));
    })));
}
