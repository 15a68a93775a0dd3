// "Last alerts": one row an alert, in order of time. A row opens its details; the arrow keys, j and k go from row to row.

import { byId, el, replace } from './dom.js';
import { cell, happened } from './cells.js';
import { drawDetails } from './details.js';
import { count, levelClass, visible } from './text.js';
import { stamp } from './time.js';

export class AlertTable {
  /** @param {{zone: () => string, filter: (f: {field: string, value: string, not: boolean}) => void, rule: (id: string) => string}} deps */
  constructor(deps) {
    this.deps = deps;
    this.rows = [];
    this.open = new Map();
    this.known = null;
    byId('rows').addEventListener('keydown', (event) => this.move(event));
  }

  /** @param {Object[]} alerts @param {number} total @param {number} before alerts on the pages before */
  draw(alerts, total, before) {
    const body = byId('rows');
    const focused = body.contains(document.activeElement) ? document.activeElement.closest('tr')?.dataset.id : undefined;
    const fresh = this.known;
    this.known = new Set(alerts.map((a) => a.id));
    for (const id of [...this.open.keys()]) if (!this.known.has(id)) this.open.delete(id);
    const zone = this.deps.zone();
    const have = new Map([...body.children].map((tr) => [tr.dataset.key, tr]));
    const want = [];
    for (const alert of alerts) {
      const key = `${alert.id} ${zone}`;
      want.push(have.get(key) ?? this.row(alert, key, fresh !== null && !fresh.has(alert.id)));
      if (this.open.has(alert.id)) want.push(this.open.get(alert.id));
    }
    // Rows that stay are not touched, so that focus, selection and scroll places outlive a live update.
    let at = body.firstChild;
    for (const tr of want) {
      if (tr === at) at = at.nextSibling;
      else body.insertBefore(tr, at);
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
    this.shown = alerts.length;
    byId('time-head').textContent = `Time (${zone})`;
    byId('shown').textContent = total > 0 && alerts.length > 0 ? `${count(before + 1)}\u2013${count(before + alerts.length)} of ${count(total)}` : '';
    if (focused && !body.contains(document.activeElement)) body.querySelector('tr.alert button')?.focus();
  }

  /** Takes a change of what is asked for: rows that come now are not "new". */
  reset() {
    this.known = null;
  }

  row(alert, key, isNew) {
    const { rule, agent } = alert;
    const level = Number(rule.level);
    const { filter } = this.deps;
    const time = stamp(alert.time, this.deps.zone());
    const opener = el('button', { type: 'button', class: 'opener', 'aria-expanded': 'false', 'aria-label': `Details of the alert of ${time}, level ${level}: ${visible(rule.description)}` },
      el('span', { class: 'arrow', 'aria-hidden': 'true' }), el('time', { datetime: alert.time }, time));
    const tr = el('tr', { class: isNew ? 'alert new' : 'alert', data: { id: alert.id, key } },
      el('td', { class: 'c-time', 'data-label': 'Time' }, opener),
      el('td', { class: 'c-agent', 'data-label': 'Agent' }, agent.name ? cell('agent.name', agent.name, filter) : cell('agent.id', agent.id, filter)),
      el('td', { class: 'c-rule', 'data-label': 'Rule' }, el('a', { href: this.deps.rule(rule.id), title: `Rule ${rule.id}` }, rule.id)),
      el('td', { class: 'c-level', 'data-label': 'Level' }, el('span', { class: 'visually-hidden' }, 'Level '), cell('rule.level', String(level), filter, String(level), `level ${levelClass(level)}`)),
      el('td', { class: 'c-description', 'data-label': 'Description' }, visible(rule.description)),
      el('td', { class: 'c-groups', 'data-label': 'Groups' }, (rule.groups ?? []).map((g) => cell('rule.groups', g, filter, g, 'tag'))),
      el('td', { class: 'c-log', 'data-label': 'What happened' }, happened(alert, filter)));
    tr.addEventListener('click', (event) => {
      if (event.target.closest('a, .cell') || (!event.target.closest('button') && String(getSelection()))) return;
      this.toggle(alert, tr, opener);
    });
    return tr;
  }

  toggle(alert, tr, opener) {
    if (this.open.has(alert.id)) {
      this.open.get(alert.id).remove();
      this.open.delete(alert.id);
      opener.setAttribute('aria-expanded', 'false');
      tr.classList.remove('open');
      return;
    }
    const id = `details-${alert.id}`;
    const cell = el('td', { colspan: '7', id });
    const details = el('tr', { class: 'details', data: { key: id } }, cell);
    this.open.set(alert.id, details);
    tr.after(details);
    tr.classList.add('open');
    opener.setAttribute('aria-expanded', 'true');
    opener.setAttribute('aria-controls', id);
    drawDetails(cell, alert.id, this.deps);
  }

  clear() {
    this.open.clear();
    replace(byId('rows'));
    this.known = null;
  }

  /** Goes to the next or the previous alert, from wherever the focus is. */
  step(by) {
    const openers = [...byId('rows').querySelectorAll('.opener')];
    if (openers.length === 0) return;
    const row = document.activeElement?.closest?.('#rows tr');
    const opener = row?.classList.contains('details') ? row.previousElementSibling?.querySelector('.opener') : row?.querySelector('.opener');
    const at = openers.indexOf(opener);
    const to = openers[Math.min(openers.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    to.focus();
    to.closest('tr').scrollIntoView({ block: 'nearest' });
  }

  /** Closes the open alert that the focus is in, or the last one. */
  close() {
    const rows = [...byId('rows').querySelectorAll('tr.alert.open')];
    const row = document.activeElement?.closest?.('#rows tr');
    const mine = rows.find((tr) => tr === row || tr.nextElementSibling === row) ?? rows.at(-1);
    const opener = mine?.querySelector('.opener');
    opener?.click();
    opener?.focus();
  }

  move(event) {
    if (!['ArrowDown', 'ArrowUp', 'Home', 'End'].includes(event.key) || !event.target.classList.contains('opener')) return;
    const openers = [...byId('rows').querySelectorAll('.opener')];
    const at = openers.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: openers.length - 1 }[event.key];
    if (openers[to]) {
      event.preventDefault();
      openers[to].focus();
    }
  }
}
