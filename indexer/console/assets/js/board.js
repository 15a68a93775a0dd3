// A dashboard: rows of panels as the console's own definition has them, which Kibana's dashboards are made of too.

import { StackedGroups } from './bars.js';
import { el, replace } from './dom.js';
import { PieChart } from './pie.js';
import { drawRanking } from './ranking.js';
import { count } from './text.js';

export class Board {
  /**
   * @param {HTMLElement} box
   * @param {{filter: (field: string, value: string) => void, zoom: (from: string, to: string) => void}} deps
   */
  constructor(box, deps) {
    this.box = box;
    this.deps = deps;
    this.id = '';
    this.panels = new Map();
  }

  /** @param {Object|null} answer of the API; null takes the dashboard away @param {string} zone */
  draw(answer, zone) {
    if (!answer) {
      this.clear();
      return;
    }
    if (answer.id !== this.id) this.build(answer);
    for (const box of answer.rows.flat()) this.panels.get(box.id)?.draw(box, zone);
  }

  paint() {
    for (const { chart } of this.panels.values()) chart?.paint();
  }

  clear() {
    for (const { chart } of this.panels.values()) chart?.destroy();
    this.panels.clear();
    this.id = '';
    if (this.box.firstChild) replace(this.box);
  }

  build(answer) {
    this.clear();
    this.id = answer.id;
    replace(this.box, el('p', { class: 'sub' }, answer.description), answer.rows.map((row) => {
      if (row.every((b) => b.kind === 'tile')) return el('dl', { class: 'tiles' }, row.map((b) => this.tile(b)));
      return el('div', { class: `board-row n${row.length}${row[0].width < row.at(-1).width ? ' uneven' : ''}` }, row.map((b) => this.panel(b)));
    }));
    // A chart measures its canvas: it is made when that stands on the page.
    for (const panel of this.panels.values()) panel.start?.();
  }

  tile(box) {
    const figure = el('span', { class: 'figure' }, '\u2013');
    this.panels.set(box.id, { draw: (b) => { figure.textContent = `${count(b.number)}${b.more ? '+' : ''}`; } });
    return el('div', { class: 'tile' }, el('dt', {}, box.title), el('dd', {}, figure));
  }

  panel(box) {
    const id = `board-${box.id}`;
    const pick = (value) => this.deps.filter(box.field, value);
    const head = el('h2', { id }, box.title);
    const sub = el('p', { class: 'sub' }, `By ${box.field}`);
    const label = { 'aria-label': `${box.title}: choose one to filter` };
    const canvas = el('canvas', { role: 'img', 'aria-label': `${box.title}, not drawn yet` });
    const section = (...inside) => el('section', { class: box.kind === 'stacked' ? 'panel wide' : 'panel', 'aria-labelledby': id, data: { panel: box.id } }, head, sub, ...inside);
    const panel = { chart: null };
    this.panels.set(box.id, panel);
    if (box.kind === 'pie') {
      const legend = el('ul', { class: 'legend', ...label });
      panel.start = () => { panel.chart = new PieChart({ canvas, legend, field: box.field, name: `values of ${box.field}` }, pick); };
      panel.draw = (b) => panel.chart.draw(b.values);
      return section(el('div', { class: 'pie' }, el('div', { class: 'canvas pie-canvas' }, canvas), legend));
    }
    if (box.kind === 'stacked') {
      const legend = el('ul', { class: 'legend row', ...label });
      const frame = el('div', { class: 'canvas bars-canvas' }, canvas);
      panel.start = () => { panel.chart = new StackedGroups({ canvas, box: frame, legend, sub, field: box.field, name: `by ${box.field}` }, pick, this.deps.zoom); };
      panel.draw = (b, zone) => panel.chart.draw(b.times, zone);
      return section(frame, legend);
    }
    const list = el('ol', { class: 'legend ranking', ...label });
    panel.draw = (b) => drawRanking(list, b.values, pick);
    return section(list);
  }
}
