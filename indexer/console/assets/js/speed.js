// How fast things come in: events a second from the manager's counters where a manager answers, else alerts a second from the live stream.

const memory = 60_000;

export class Speed {
  constructor() {
    this.samples = [];
    this.connected = null;
  }

  /** @param {Object|null} status of the process, or null when there is none */
  take(status) {
    const managers = (status?.components ?? []).filter((c) => c.name === 'manager');
    if (managers.length === 0) {
      this.samples = [];
      this.connected = null;
      return;
    }
    const accepted = managers.reduce((sum, c) => sum + Number(c.counters?.accepted ?? 0), 0);
    const agents = managers.map((c) => c.gauges?.agents).filter((n) => n !== undefined);
    this.connected = agents.length ? agents.reduce((a, b) => a + b, 0) : null;
    const now = Date.now();
    if (this.samples.length && accepted < this.samples.at(-1)[1]) this.samples = []; // the process started again
    this.samples = [...this.samples.filter(([t]) => now - t <= memory), [now, accepted]];
  }

  now(live) {
    if (this.samples.length >= 2) {
      const [[t0, n0], [t1, n1]] = [this.samples[0], this.samples.at(-1)];
      return { label: 'Events / s', perSecond: t1 > t0 ? (n1 - n0) / ((t1 - t0) / 1000) : null };
    }
    return this.samples.length ? { label: 'Events / s', perSecond: null } : { label: 'Alerts / s', perSecond: live.rate() };
  }
}
