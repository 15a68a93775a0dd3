// The agents view: who is connected, who was, and how far behind each is.

import { fetchAgents } from './api.js';
import { el, replace } from './dom.js';
import { count, plural, visible } from './text.js';
import { ago, stamp } from './time.js';
import { unavailable } from './unavailable.js';

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
  const connected = agents.filter((a) => a.state === 'AGENT_STATE_CONNECTED').length;
  replace(box,
    el('div', { class: 'view-head' }, el('h1', {}, 'Agents'), el('span', { class: 'sub' }, `${plural(agents.length, 'agent')}, ${count(connected)} connected`),
      el('button', { type: 'button', on: { click: () => drawAgents(box, zone) } }, 'Refresh')),
    answer.next_page_token ? el('p', { class: 'notice' }, 'There are more agents than are shown here; ', el('code', {}, 'armor agents list'), ' has all.') : null,
    agents.length === 0 ? el('p', { class: 'notice' }, 'No agent has connected yet. Start one with ', el('code', {}, 'armor-agent --config agent.yaml'), '.') : el('section', { class: 'panel' }, el('div', { class: 'scroll' }, agentTable(agents, zone))));
}

function agentTable(agents, zone) {
  return el('table', { class: 'plain-table' },
    el('thead', {}, el('tr', {}, ['Agent', 'Id', 'State', `Last seen (${zone})`, 'Address', 'Version', 'Waiting', 'Manager'].map((h) => el('th', { scope: 'col' }, h)))),
    el('tbody', {}, agents.map((a) => {
      const up = a.state === 'AGENT_STATE_CONNECTED';
      const waiting = Number(a.last_known_sequence ?? 0) - Number(a.last_finished_sequence ?? 0);
      return el('tr', {},
        el('td', {}, el('a', { href: `/?agent=${encodeURIComponent(a.name || a.id)}` }, visible(a.name || a.id))),
        el('td', {}, visible(a.id)),
        el('td', {}, el('span', { class: up ? 'state up' : 'state down' }, up ? 'Connected' : 'Disconnected')),
        el('td', {}, a.last_seen ? `${stamp(a.last_seen, zone)} (${ago(a.last_seen)})` : '\u2013'),
        el('td', {}, visible(a.ip ?? '\u2013')),
        el('td', {}, visible(a.version ?? '\u2013')),
        el('td', { class: 'number', title: 'Events that the agent holds and the manager has not finished' }, count(Math.max(0, waiting))),
        el('td', {}, visible(a.manager_name ?? '\u2013')));
    })));
}
