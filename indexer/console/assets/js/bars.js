// Alerts over time, stacked by the values of a field ("Stacked Groups"). Choosing a bar filters for its value; dragging over the axis zooms.

import { drawLegend } from './legend.js';
import { cssColor, paletteOf } from './palette.js';
import { count, visible } from './text.js';
import { stamp, tick, width } from './time.js';

const maxBars = 2000;
const dragFrom = 8; // pixels: less is a click

export class StackedGroups {
  /**
   * @param {{canvas: HTMLCanvasElement, box: HTMLElement, legend: HTMLElement, sub: HTMLElement, field?: string, name: string}} place name: what the bars are stacked by, in the plural
   * @param {(key: string) => void} pick
   * @param {(from: string, to: string) => void} zoom
   */
  constructor(place, pick, zoom) {
    this.place = place;
    this.pick = pick;
    this.zoom = zoom;
    this.palette = paletteOf(place.field);
    this.starts = [];
    this.groups = [];
    this.chart = new Chart(place.canvas, {
      type: 'bar',
      data: { labels: [], datasets: [] },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        interaction: { mode: 'index', intersect: false },
        scales: {
          x: { stacked: true, grid: { display: false }, ticks: { autoSkip: true, autoSkipPadding: 16, maxRotation: 0 } },
          y: { stacked: true, beginAtZero: true, ticks: { precision: 0, maxTicksLimit: 6 }, border: { display: false } },
        },
        plugins: {
          legend: { display: false },
          tooltip: {
            filter: (item) => item.raw > 0,
            callbacks: { title: (items) => (items.length ? this.bucketName(items[0].dataIndex) : ''), label: (item) => ` ${item.dataset.label}: ${count(item.raw)}` },
          },
        },
        onClick: (event) => this.click(event),
      },
    });
    this.listenForDrag();
  }

  /**
   * @param {{interval: number, first: number, last: number, buckets: {key: string, count: number, times: [number, number][]}[], other: number}} groups times in Unix seconds
   * @param {string} zone
   */
  draw(groups, zone) {
    this.zone = zone;
    this.interval = groups.interval;
    this.groups = this.palette.order(groups.buckets);
    this.starts = [];
    for (let t = groups.first; t <= groups.last && this.starts.length < maxBars && groups.buckets.length > 0; t += groups.interval) this.starts.push(t);
    this.paint();
    drawLegend(this.place.legend, this.groups.map((b) => ({ key: b.key, count: b.count, swatch: this.palette.swatch(b.key) })), 0, 0, this.pick);
    this.place.sub.textContent = `Alerts per ${width(this.interval)}, ${this.place.name}${this.interval >= 3600 && zone !== 'UTC' ? ' (bars start at full hours and days of UTC)' : ''}`;
    this.place.canvas.setAttribute('aria-label', `Bars over time, ${this.groups.length} ${this.place.name}; the list below holds the sums.`);
  }

  paint() {
    const colors = this.palette.assign(this.groups.map((b) => b.key));
    const place = new Map(this.starts.map((t, i) => [t, i]));
    this.chart.data.labels = this.starts.map((t) => tick(t * 1000, this.zone, this.interval));
    this.chart.data.datasets = this.groups.map((b, i) => {
      const data = new Array(this.starts.length).fill(0);
      for (const [t, n] of b.times) if (place.has(t)) data[place.get(t)] = n;
      return { label: visible(b.key), data, backgroundColor: colors[i], borderWidth: 0, maxBarThickness: 48, minBarLength: 0, categoryPercentage: 0.9, barPercentage: 0.95 };
    });
    const { x, y } = this.chart.options.scales;
    x.ticks.color = y.ticks.color = cssColor('--muted');
    y.grid = { color: cssColor('--grid') };
    this.chart.update('none');
  }

  bucketName(index) {
    const t = this.starts[index] * 1000;
    return `${stamp(t, this.zone)} \u2013 ${stamp(t + this.interval * 1000, this.zone)}`;
  }

  click(event) {
    const [hit] = this.chart.getElementsAtEventForMode(event.native, 'nearest', { intersect: true }, true);
    if (hit && !this.dragged) this.pick(this.groups[hit.datasetIndex].key);
  }

  listenForDrag() {
    const { box } = this.place;
    const shade = document.createElement('div');
    shade.className = 'shade';
    shade.hidden = true;
    box.append(shade);
    let start = null;
    const at = (event) => event.clientX - box.getBoundingClientRect().left;
    box.addEventListener('pointerdown', (event) => {
      this.dragged = false;
      if (event.button === 0 && event.pointerType !== 'touch') start = at(event);
    });
    box.addEventListener('pointermove', (event) => {
      if (start === null || Math.abs(at(event) - start) < dragFrom) return;
      this.dragged = true;
      shade.hidden = false;
      shade.style.left = `${Math.min(start, at(event))}px`;
      shade.style.width = `${Math.abs(at(event) - start)}px`;
    });
    const end = (event) => {
      const from = start;
      start = null;
      shade.hidden = true;
      if (from === null || !this.dragged || event.type === 'pointercancel') return;
      const index = (px) => Math.min(this.starts.length - 1, Math.max(0, Math.round(this.chart.scales.x.getValueForPixel(px))));
      const [a, b] = [index(Math.min(from, at(event))), index(Math.max(from, at(event)))];
      if (this.starts.length) this.zoom(new Date(this.starts[a] * 1000).toISOString(), new Date((this.starts[b] + this.interval) * 1000).toISOString());
    };
    this.ended = new AbortController();
    window.addEventListener('pointerup', end, { signal: this.ended.signal });
    window.addEventListener('pointercancel', end, { signal: this.ended.signal });
  }

  destroy() {
    this.ended.abort();
    this.chart.destroy();
  }
}
