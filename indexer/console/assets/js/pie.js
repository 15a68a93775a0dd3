// "Pie Chart": the most frequent rule descriptions. Choosing a slice filters for it.

import { drawLegend } from './legend.js';
import { cssColor, paletteOf } from './palette.js';
import { count, percent, visible } from './text.js';

export class PieChart {
  /**
   * @param {{canvas: HTMLCanvasElement, legend: HTMLElement, field?: string, name: string}} place name: what is counted, in the plural
   * @param {(key: string) => void} pick
   */
  constructor(place, pick) {
    this.place = place;
    this.pick = pick;
    this.palette = paletteOf(place.field);
    this.items = [];
    this.chart = new Chart(place.canvas, {
      type: 'pie',
      data: { labels: [], datasets: [{ data: [], backgroundColor: [] }] },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        plugins: {
          legend: { display: false },
          tooltip: { callbacks: { label: (item) => ` ${count(item.raw)} (${percent(item.raw, this.whole)})` } },
        },
        onClick: (_event, hits) => { if (hits.length && hits[0].index < this.items.length) this.pick(this.items[hits[0].index].key); },
        onHover: (event, hits) => { event.native.target.style.cursor = hits.length && hits[0].index < this.items.length ? 'pointer' : 'default'; },
      },
    });
  }

  /** @param {{buckets: {key: string, count: number}[], other: number}} rules */
  draw(rules) {
    this.items = rules.buckets;
    this.other = rules.other;
    this.whole = rules.other + rules.buckets.reduce((sum, b) => sum + b.count, 0);
    this.paint();
    drawLegend(this.place.legend, this.items.map((b) => ({ ...b, swatch: this.palette.swatch(b.key) })), this.whole, this.other, this.pick);
    this.place.canvas.setAttribute('aria-label', `Pie of ${this.items.length} ${this.place.name}; the list beside it holds the same figures.`);
  }

  paint() {
    const colors = this.palette.assign(this.items.map((b) => b.key));
    const [data] = this.chart.data.datasets;
    this.chart.data.labels = this.items.map((b) => visible(b.key));
    data.data = this.items.map((b) => b.count);
    data.backgroundColor = colors;
    data.borderColor = cssColor('--surface');
    data.borderWidth = this.items.length + (this.other > 0 ? 1 : 0) > 1 ? 1 : 0; // a whole pie has no cut
    if (this.other > 0) {
      this.chart.data.labels.push('Other');
      data.data.push(this.other);
      data.backgroundColor = [...colors, cssColor('--series-other')];
    }
    this.chart.update('none');
  }

  destroy() {
    this.chart.destroy();
  }
}
