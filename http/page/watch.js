// Asks the server again and again while somebody looks.
import { get_metrics, get_status } from './api.js';
import { parse_metrics } from './prometheus.js';

/**
 * Asks every so often. Tells `change` after each answer: then `value` is the
 * last good one and `error` what went wrong since, or null.
 */
class watch extends EventTarget {
  #timer = null;
  #is_asking = false;

  constructor(ask, period) {
    super();
    this.ask = ask;
    this.period = period;
    this.value = null;
    this.error = null;
    document.addEventListener('visibilitychange', () => this.refresh());
  }

  /** Milliseconds between an answer and the next question. */
  set_period(period) {
    this.period = period;
    this.refresh();
  }

  async refresh() {
    clearTimeout(this.#timer);
    if (this.#is_asking || document.hidden) return;
    this.#is_asking = true;
    try {
      this.value = await this.ask(this.value);
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    this.#is_asking = false;
    this.dispatchEvent(new Event('change'));
    // Without a key, or the route, there is no use in asking again.
    if (![401, 404].includes(this.error?.status))
      this.#timer = setTimeout(() => this.refresh(), this.period);
  }
}

const kept_for = 305; // seconds

async function add_snapshot(snapshots) {
  const metrics = parse_metrics(await get_metrics());
  const time = performance.now() / 1000;
  const kept = (snapshots ?? []).filter((each) => time - each.time < kept_for);
  return [...kept, { time, metrics }];
}

/** What `GET /api/v1/` answers. */
export const status = new watch(get_status, 3000);

/** The figures of the last five minutes, as snapshots. */
export const figures = new watch(add_snapshot, 2000);

/** The models that take chats now, those first that need not be loaded. */
export function active_models() {
  const all = Object.entries(status.value?.models ?? {})
    .filter(([, { entry, removed }]) => entry !== 'embedding' && !removed);
  const serves = ([, { state }]) => state === 'ready' || state === 'degraded';
  const loads = (each) => !serves(each) && each[1].load === 'on_demand';
  return [...all.filter(serves), ...all.filter(loads)].map(([name]) => name);
}
