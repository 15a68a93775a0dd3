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

  /** The class of a key's mark in the legend. */
  swatch(key) {
    return `s${(this.taken.get(key) ?? slots) + 1}`;
  }

  /** Values in the order in which they are drawn and listed. */
  order(buckets) {
    return buckets;
  }
}

/** Colours of levels: each level has its own, from grey over blue, green and yellow to red and purple, and they stand in order of severity. */
export class LevelPalette {
  assign(keys) {
    return keys.map((key) => cssColor(`--level-${key}`) || cssColor('--series-other'));
  }

  swatch(key) {
    return `l${key}`;
  }

  order(buckets) {
    return [...buckets].sort((a, b) => Number(a.key) - Number(b.key));
  }
}

/** The palette for the values of a field. */
export const paletteOf = (field) => (field === 'rule.level' ? new LevelPalette() : new Palette());

export const cssColor = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
