// Draws how figures went over the last minutes.
import { h, svg } from './dom.js';
import { lines_of } from './lines.js';

const width = 520, height = 190; // of the drawing, which is then scaled
const left = 52, right = 10, top = 10, bottom = 22;
const span = 300; // seconds
const most_lines = 6;

const x_of = (age) => left + (1 - age / span) * (width - left - right);

/**
 * One figure: its name, its lines and their last values in words. `format`
 * words a value. `ceiling` is the end of the scale, if it has one; else it is
 * `least` or more, in steps of a power of `unit`.
 */
export class plot {
  #lines = []; // {label, points: [{age, value}]}

  constructor({ title, hint, format, ceiling = null, least = 0, unit = 1000 }) {
    Object.assign(this, { title, format, ceiling, least, unit });
    this.drawing = svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img',
                                onpointermove: (event) => this.#point(event),
                                onpointerleave: () => this.#point(null) });
    this.legend = h('ul', { class: 'legend' });
    this.none = h('p', { class: 'no-data' }, 'No data');
    this.element = h('figure', { class: 'panel plot' },
      h('figcaption', {}, h('h3', {}, title), h('p', { class: 'hint' }, hint)),
      h('div', { class: 'canvas' }, this.drawing, this.none),
      this.legend);
    this.show([]);
  }

  /** `rows` are `{age, figure}` from old to new; a figure may be null. */
  show(rows) {
    const all = lines_of(rows);
    this.#lines = all.slice(0, most_lines);
    this.more = all.length - this.#lines.length;
    this.none.hidden = this.#lines.some(({ points }) =>
      points.some(({ value }) => value !== null));
    this.top = this.ceiling ?? round_up(Math.max(this.least,
      ...this.#lines.flatMap(({ points }) =>
        points.map(({ value }) => value ?? 0))), this.unit);
    this.drawing.replaceChildren(...this.#axes(),
      ...this.#lines.map((line, i) => this.#line(line, i)));
    this.#show_legend(({ points }) => points.at(-1)?.value);
    this.drawing.setAttribute('aria-label', this.#in_words());
  }

  #in_words() {
    if (!this.none.hidden) return `${this.title}: no data`;
    const values = this.#lines.map(({ label, points }) =>
      `${label} ${this.#word(points.at(-1)?.value)}`);
    return `${this.title}, now: ${values.join(', ')}`;
  }

  #word(value) {
    return value === null || value === undefined ? '–' : this.format(value);
  }

  #y_of(value) {
    const share = Math.min(1, value / this.top);
    return height - bottom - share * (height - top - bottom);
  }

  #axes() {
    const ticks = [0, 0.5, 1].map((share) => {
      const y = this.#y_of(share * this.top);
      return svg('g', {},
        svg('line', { class: 'grid', x1: left, x2: width - right, y1: y, y2: y }),
        svg('text', { class: 'tick', x: left - 8, y: y + 4,
                      'text-anchor': 'end' },
          this.format(share * this.top)));
    });
    const times = [[span, '5 min ago', 'start'], [0, 'now', 'end']].map(
      ([age, words, anchor]) =>
        svg('text', { class: 'tick', x: x_of(age), y: height - 5,
                      'text-anchor': anchor }, words));
    return [...ticks, ...times];
  }

  #line({ points }, i) {
    let path = '';
    let is_down = false;
    points.forEach(({ age, value }, k) => {
      if (value === null) {
        is_down = false;
        return;
      }
      const at = `${x_of(age).toFixed(1)} ${this.#y_of(value).toFixed(1)}`;
      // A value between two gaps is a dot.
      const is_alone = !is_down && (points[k + 1]?.value ?? null) === null;
      path += is_alone ? `M${at}h.01` : `${is_down ? 'L' : 'M'}${at}`;
      is_down = true;
    });
    return svg('path', { class: `line line-${i}`, d: path });
  }

  #show_legend(value_of) {
    const lines = this.#lines.map((line, i) =>
      h('li', {},
        h('span', { class: `key line-${i}` }),
        h('span', { class: 'name' }, line.label),
        h('span', { class: 'value' }, this.#word(value_of(line)))));
    if (this.more > 0) lines.push(h('li', {}, `and ${this.more} more`));
    this.legend.replaceChildren(...lines);
  }

  // Shows the values under the pointer.
  #point(event) {
    this.drawing.querySelector('.cursor')?.remove();
    const [first] = this.#lines;
    if (!event || !first) {
      this.#show_legend(({ points }) => points.at(-1)?.value);
      return;
    }
    const box = this.drawing.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * width;
    const nearest = first.points.reduce((best, each) =>
      Math.abs(x_of(each.age) - x) < Math.abs(x_of(best.age) - x) ? each : best);
    const at = x_of(nearest.age);
    this.drawing.append(svg('line', { class: 'cursor', x1: at, x2: at, y1: top,
                                      y2: height - bottom }));
    this.#show_legend(({ points }) =>
      points.find(({ age }) => age === nearest.age)?.value);
  }
}

// To a number whose half is as round, in the unit that is next below.
function round_up(value, unit) {
  if (value <= 0) return 1;
  let scale = 1;
  while (value >= scale * unit) scale *= unit;
  const power = scale * 10 ** Math.floor(Math.log10(value / scale));
  return [1, 2, 4, 6, 8, 10].find((step) => step * power >= value) * power;
}
