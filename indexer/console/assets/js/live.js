// Follows new alerts over one event stream. A hidden tab closes it (browsers allow six connections to one host), a silent one is opened again.

const silence = 50_000;
const rateWindow = 60_000;

export class Live {
  /**
   * @param {(batch: {count: number, missed: number}) => void} onAlerts
   * @param {(state: string) => void} onState connecting, live, polling (no stream: the page asks from time to time) or reconnecting
   */
  constructor(onAlerts, onState) {
    this.onAlerts = onAlerts;
    this.onState = onState;
    this.source = null;
    this.heard = 0;
    this.opened = 0;
    this.arrivals = [];
    this.retry = 0;
    this.failures = 0;
    document.addEventListener('visibilitychange', () => (document.hidden ? this.close() : this.open()));
    setInterval(() => { if (this.source && Date.now() - this.heard > silence) this.reopen('reconnecting'); }, 10_000);
  }

  open() {
    clearTimeout(this.retry);
    if (this.source || document.hidden) return;
    this.heard = Date.now();
    this.source = new EventSource('/api/v1/watch');
    this.source.addEventListener('ready', () => {
      this.failures = 0;
      this.opened = Date.now();
      this.heard = this.opened;
      this.arrivals = [];
      this.onState('live');
    });
    this.source.addEventListener('heartbeat', () => { this.heard = Date.now(); });
    this.source.addEventListener('alerts', (event) => {
      this.heard = Date.now();
      const batch = JSON.parse(event.data);
      this.arrivals.push([this.heard, batch.count + batch.missed]);
      this.onAlerts(batch);
    });
    // `unavailable` says that there will be no stream for now: no NATS, or too many watchers.
    this.source.addEventListener('unavailable', () => this.reopen('polling'));
    this.source.onerror = () => this.reopen('reconnecting');
  }

  reopen(state) {
    this.close();
    this.onState(state);
    this.failures += 1;
    const wait = Math.min(30_000, 500 * 2 ** this.failures) * (0.5 + Math.random() / 2);
    this.retry = setTimeout(() => this.open(), wait);
  }

  close() {
    clearTimeout(this.retry);
    this.source?.close();
    this.source = null;
  }

  /** Alerts a second over the last minute, or since the stream opened when that is shorter; null without a stream. */
  rate(now = Date.now()) {
    if (!this.source || !this.opened) return null;
    this.arrivals = this.arrivals.filter(([t]) => now - t <= rateWindow);
    const span = Math.min(rateWindow, Math.max(5000, now - this.opened));
    return this.arrivals.reduce((sum, [, n]) => sum + n, 0) / (span / 1000);
  }
}
