// Keys that work anywhere on the page but in a field one types in, and the list of them.

import { byId, el, replace } from './dom.js';

const keys = [
  ['/', 'Search'],
  ['j  k', 'Next and previous alert'],
  ['Enter', 'Open or close the alert'],
  ['Esc', 'Close what is open: this list, the alert, the search'],
  ['n  p', 'Next and previous page'],
  ['l', 'Pause the live updates, or go on with them'],
  ['g a, g d, g f, g s', 'Go to the alerts, the dashboards, the agents (fleet), the status'],
  ['Alt + click', 'Filter a value of the table out'],
  ['?', 'This list'],
];

const chordWait = 1200;

export class Keyboard {
  /** @param {{table: Object, live: () => void, page: (by: number) => void, go: (view: string) => void}} deps */
  constructor(deps) {
    this.deps = deps;
    this.chord = 0;
    this.dialog = byId('help');
    replace(this.dialog, el('h2', { id: 'help-title' }, 'Keyboard'),
      el('dl', { class: 'keys' }, keys.map(([k, what]) => el('div', {}, el('dt', {}, k.split('  ').map((one) => [el('kbd', {}, one), ' '])), el('dd', {}, what)))),
      el('form', { method: 'dialog' }, el('button', { class: 'primary' }, 'Close')));
    byId('help-open').addEventListener('click', () => this.help());
    document.addEventListener('keydown', (event) => this.down(event));
  }

  help() {
    if (!this.dialog.open) this.dialog.showModal();
  }

  down(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || this.dialog.open) return;
    const at = document.activeElement;
    if (event.key === 'Escape') {
      if (at?.id === 'q') at.blur();
      else this.deps.table.close();
      return;
    }
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(at?.tagName ?? '') || at?.isContentEditable) return;
    if (this.act(event.key)) event.preventDefault();
  }

  act(key) {
    if (Date.now() < this.chord) {
      this.chord = 0;
      const view = { a: 'alerts', d: 'board', f: 'agents', s: 'status' }[key];
      if (view) this.deps.go(view);
      return Boolean(view);
    }
    switch (key) {
      case '/': return true; // the toolbar takes it when the key comes up, so that it does not end up in the search
      case '?': this.help(); return true;
      case 'j': this.deps.table.step(1); return true;
      case 'k': this.deps.table.step(-1); return true;
      case 'n': this.deps.page(1); return true;
      case 'p': this.deps.page(-1); return true;
      case 'g': this.chord = Date.now() + chordWait; return true;
      case 'l': this.deps.live(); return true;
      default: return false;
    }
  }
}
