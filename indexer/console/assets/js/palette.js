// Colours of the charts. A key keeps its colour while the page lives, so that live updates do not repaint what one has just learned to read.

const slots = 10;

export class Palette {
  constructor() {
    this.taken = new Map();
  }

  /** Colours for the keys shown now, in their order. */
  assign(keys) {
    for (const key of [...this.taken.keys()]) if (!keys.includes(key)) this.taken.delete(key);
    for (const key of keys) {
      if (this.taken.has(key)) continue;
      const used = new Set(this.taken.values());
      let slot = 0;
      while (used.has(slot) && slot < slots - 1) slot += 1;
      this.taken.set(key, slot);
    }
    return keys.map((key) => cssColor(`--series-${this.taken.get(key) + 1}`));
  }

  slot(key) {
    return (this.taken.get(key) ?? slots) + 1;
  }
}

export const cssColor = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
