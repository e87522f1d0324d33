// The figures of the server as plots.
import { h } from './dom.js';
import {
  gauge, quantiles, rate, share_of_counters, share_of_gauges, snapshot_before,
} from './figures.js';
import { plot } from './plot.js';
import { figures } from './watch.js';

const number = (value) =>
  value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)));

const seconds = (value) =>
  value < 1 ? `${number(value * 1000)} ms` : `${number(value)} s`;

const percent = (value) => `${value.toFixed(0)} %`;

function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  for (; value >= 1024 && i + 1 < units.length; ++i) value /= 1024;
  return `${number(value)} ${units[i]}`;
}

// What an answer takes is told over so many seconds, for want of more.
const short = 10, long = 60;
const ranks = [{ label: 'median', q: 0.5 }, { label: 'p95', q: 0.95 }];

const plots = [
  {
    title: 'Tokens per second', hint: 'Made by each device', format: number,
    figure: (past, now, model) =>
      rate(past(short), now, 'generation_tokens_total', model),
  },
  {
    title: 'Time to first token', hint: 'Of the replies of the last minute',
    format: seconds,
    figure: (past, now, model) =>
      quantiles(past(long), now, 'time_to_first_token_seconds', ranks, model),
  },
  {
    title: 'Queue', hint: 'Replies that wait for a place', format: number,
    least: 2,
    figure: (_, now, model) => gauge(now, 'requests_waiting', model),
  },
  {
    title: 'Batch fill', hint: 'Places in the batch that are taken',
    format: percent, ceiling: 100,
    figure: (_, now, model) =>
      share_of_gauges(now, 'requests_running', 'batch_capacity', model),
  },
  {
    title: 'Cache hits', hint: 'Tokens of prompts that had been read before',
    format: percent, ceiling: 100,
    figure: (past, now, model) =>
      share_of_counters(past(long), now, 'prefix_cache_hit_tokens_total',
        'prefix_cache_query_tokens_total', model),
  },
  {
    title: 'Memory', hint: 'Held by each device', format: bytes,
    unit: 1024,
    figure: (_, now, model) => gauge(now, 'device_memory_bytes', model),
  },
];

export class figures_view {
  #plots = plots.map((each) => ({ ...each, view: new plot(each) }));
  #rows = new WeakMap(); // snapshot to the figures of all plots
  #model = '';

  constructor(root) {
    this.problem = h('p', { class: 'problem', role: 'status', hidden: true });
    this.select = h('select', { 'aria-label': 'Model',
                                onchange: () => this.#show() },
      h('option', { value: '' }, 'All models'));
    this.bar = [this.select];
    root.append(h('div', { class: 'wide' }, this.problem,
      h('div', { class: 'plots' },
        this.#plots.map(({ view }) => view.element))));
    figures.addEventListener('change', () => this.#show());
  }

  #show() {
    this.problem.hidden = !figures.error;
    this.problem.textContent = figures.error
      ? `No figures: ${figures.error.message}` : '';
    const snapshots = figures.value ?? [];
    if (snapshots.length === 0 || this.select.closest('[hidden]')) return;
    this.#list_models(snapshots.at(-1));
    if (this.#model !== this.select.value) this.#rows = new WeakMap();
    this.#model = this.select.value;
    snapshots.forEach((_, i) => this.#add_row(snapshots.slice(0, i + 1)));
    this.#plots.forEach(({ view }, k) =>
      view.show(snapshots.map((each) => ({
        age: snapshots.at(-1).time - each.time,
        figure: this.#rows.get(each)[k],
      }))));
  }

  // Figures of the last one; what was before does not change any more.
  #add_row(snapshots) {
    const now = snapshots.at(-1);
    if (this.#rows.has(now)) return;
    const past = (age) => snapshot_before(snapshots, age);
    this.#rows.set(now,
      this.#plots.map(({ figure }) => figure(past, now, this.#model)));
  }

  #list_models({ metrics }) {
    const names = new Set([''].concat([...metrics.values()].flat()
      .map(({ labels }) => labels.model).filter(Boolean)));
    if (names.size === this.select.options.length) return;
    const chosen = this.select.value;
    this.select.replaceChildren(...[...names].sort().map((name) =>
      h('option', { value: name }, name || 'All models')));
    this.select.value = chosen;
  }
}
