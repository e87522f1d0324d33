// Reads the text format of Prometheus.

/**
 * The samples of each name: a map from name to a list of `{labels, value}`.
 * Comments, time stamps and lines that are none are passed over.
 */
export function parse_metrics(text) {
  const metrics = new Map();
  for (const line of text.split('\n')) {
    const sample = parse_sample(line.trim());
    if (!sample) continue;
    if (!metrics.has(sample.name)) metrics.set(sample.name, []);
    metrics.get(sample.name).push(sample);
  }
  return metrics;
}

function parse_sample(line) {
  const name = /^[A-Za-z_:][\w:]*/.exec(line)?.[0];
  if (!name) return null;
  let at = name.length;
  const labels = {};
  if (line[at] === '{') {
    at = parse_labels(line, at + 1, labels);
    if (at < 0) return null;
  }
  const number = /^\s*(\S+)/.exec(line.slice(at))?.[1];
  const value = number === undefined ? NaN : parse_number(number);
  return Number.isNaN(value) ? null : { name, labels, value };
}

function parse_number(text) {
  if (text === '+Inf' || text === 'Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

const label = /\s*([A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?/y;
const escapes = { n: '\n' };

// Where the labels end, or -1 if they don't.
function parse_labels(line, at, labels) {
  for (;;) {
    label.lastIndex = at;
    const found = label.exec(line);
    if (!found) break;
    const [whole, name, value] = found;
    labels[name] = value.replace(/\\(.)/g, (_, c) => escapes[c] ?? c);
    at += whole.length;
  }
  const end = /^\s*\}/.exec(line.slice(at));
  return end ? at + end[0].length : -1;
}
