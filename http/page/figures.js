// Turns the counts of two moments into the figures between them.
//
// A snapshot is `{time, metrics}`: seconds, and what `parse_metrics` gives. A
// figure is a list of `{names, value}`: the names of a line, of model and device
// say, and a value that is null where nothing was counted; no list at all where
// the server has no such metric.

const by_place = ['model', 'device'];

function samples(snapshot, name, model) {
  const found = snapshot?.metrics.get(`model_server_${name}`);
  return found?.filter(({ labels }) => !model || labels.model === model);
}

// Sums of the samples with the same values of these labels.
function sums(snapshot, name, model, by = by_place) {
  const found = samples(snapshot, name, model);
  if (!found) return null;
  const result = new Map();
  for (const { labels, value } of found) {
    const key = JSON.stringify(by.map((each) => labels[each] ?? ''));
    result.set(key, (result.get(key) ?? 0) + value);
  }
  return result;
}

// How much counters have grown. One that went down began anew at 0.
function growth(older, newer, name, model, by) {
  const now = sums(newer, name, model, by);
  if (!now) return null;
  const before = sums(older, name, model, by) ?? new Map();
  for (const [key, value] of now) {
    const from = before.get(key) ?? 0;
    now.set(key, value >= from ? value - from : value);
  }
  return now;
}

// With the values of the labels as names.
function named(values) {
  return [...values].map(([key, value]) => ({ names: JSON.parse(key), value }));
}

/** A gauge as it is. */
export function gauge(newer, name, model) {
  const values = sums(newer, name, model);
  return values && named(values);
}

/** What a counter grows by in a second. */
export function rate(older, newer, name, model) {
  if (!older) return samples(newer, name, model) ? [] : null;
  const grown = growth(older, newer, name, model);
  if (!grown) return null;
  const seconds = newer.time - older.time;
  for (const [key, value] of grown) grown.set(key, value / seconds);
  return named(grown);
}

// In percent; null where there is nothing to divide by.
function shares(parts, wholes) {
  if (!parts || !wholes) return null;
  const result = new Map();
  for (const [key, whole] of wholes)
    result.set(key, whole > 0 ? (100 * (parts.get(key) ?? 0)) / whole : null);
  return named(result);
}

/** How full something is. */
export function share_of_gauges(newer, part, whole, model) {
  return shares(sums(newer, part, model), sums(newer, whole, model));
}

/** Of what was counted between, how much was also counted as `part`. */
export function share_of_counters(older, newer, part, whole, model) {
  return shares(
    growth(older, newer, part, model),
    growth(older, newer, whole, model),
  );
}

/**
 * Quantiles of a histogram between two moments, in its unit: within a bucket
 * all values count as equally likely, as Prometheus has it.
 */
export function quantiles(older, newer, name, wanted, model) {
  const grown = growth(older, newer, `${name}_bucket`, model, ['le']);
  if (!grown) return null;
  const bound = (key) => {
    const [text] = JSON.parse(key);
    return text === '+Inf' ? Infinity : Number(text);
  };
  const buckets = [...grown]
    .map(([key, count]) => ({ bound: bound(key), count }))
    .sort((a, b) => a.bound - b.bound);
  return wanted.map(({ label, q }) => ({
    names: [label],
    value: quantile_of(buckets, q),
  }));
}

function quantile_of(buckets, q) {
  const total = buckets.at(-1)?.count ?? 0;
  if (total === 0) return null;
  const rank = q * total;
  let below = { bound: 0, count: 0 };
  for (const bucket of buckets) {
    if (bucket.count >= rank && bucket.count > below.count) {
      if (bucket.bound === Infinity) return below.bound;
      const into = (rank - below.count) / (bucket.count - below.count);
      return below.bound + into * (bucket.bound - below.bound);
    }
    below = bucket;
  }
  return below.bound;
}

/** The newest snapshot that is at least so old; else the oldest. */
export function snapshot_before(snapshots, seconds) {
  const newest = snapshots.at(-1);
  const old = snapshots.filter((each) => newest.time - each.time >= seconds);
  return old.at(-1) ?? (snapshots.length > 1 ? snapshots[0] : null);
}
