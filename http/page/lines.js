// Joins the figures of several moments to lines.

const words = ({ names }) => JSON.stringify(names);

/**
 * A line for all that has the same names, `{label, points: [{age, value}]}`
 * with a point for each row, null where it has none. `rows` are
 * `{age, figure}` from old to new; a figure may be null. First come the lines
 * that the newest row has; those that never had a value are left out.
 */
export function lines_of(rows) {
  const lines = new Map();
  for (const { figure } of [...rows].reverse())
    for (const each of figure ?? [])
      if (!lines.has(words(each))) lines.set(words(each), each.names);
  const newest = new Set((rows.at(-1)?.figure ?? []).map(words));
  const found = [...lines].map(([key, names]) => ({
    key,
    names,
    points: rows.map(({ age, figure }) => ({
      age,
      value: figure?.find((each) => words(each) === key)?.value ?? null,
    })),
  }));
  const shown = found.filter(({ key, points }) =>
    newest.has(key) || points.some(({ value }) => value !== null));
  const labels = labels_of(shown.map(({ names }) => names));
  return shown.map(({ points }, i) => ({ label: labels[i], points }));
}

/** The names of each line, as short as tells the lines apart. */
export function labels_of(all) {
  const varies = (i) => new Set(all.map((names) => names[i])).size > 1;
  const shown = all[0]?.map((_, i) => varies(i)) ?? [];
  if (!shown.includes(true) && shown.length > 0) shown[shown.length - 1] = true;
  return all.map((names) =>
    names.filter((_, i) => shown[i]).join(' · ') || 'all');
}
