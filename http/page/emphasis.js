// Pairs the runs of `*`, `_` and `~` that make words stand out.

/** Whether a run may open and close, by what stands on both sides of it. */
export function flanks(before = ' ', after = ' ', c) {
  const is_space = (x) => /\s/.test(x);
  const is_mark = (x) => /[\p{P}\p{S}]/u.test(x);
  const left =
    !is_space(after)
    && (!is_mark(after) || is_space(before) || is_mark(before));
  const right =
    !is_space(before)
    && (!is_mark(before) || is_space(after) || is_mark(after));
  if (c !== '_') return { can_open: left, can_close: right };
  return {
    can_open: left && (!right || is_mark(before)),
    can_close: right && (!left || is_mark(after)),
  };
}

/**
 * Pairs the runs from `first` on, as CommonMark does: each notes what it opens
 * and closes. Where a search has failed, the same one is not begun again.
 */
export function match_runs(runs, first) {
  const openers = [];
  const failed_below = new Map();
  for (const closer of runs.slice(first)) {
    if (closer.can_close) {
      const kind = `${closer.c}${closer.can_open}${closer.mod}`;
      while (closer.count > 0) {
        const bottom = failed_below.get(kind) ?? 0;
        let i = openers.length - 1;
        while (i >= bottom && !fit(openers[i], closer)) --i;
        if (i < bottom) {
          failed_below.set(kind, openers.length);
          break;
        }
        pair(openers[i], closer);
        openers.length = openers[i].count > 0 ? i + 1 : i;
        for (const [each, place] of failed_below)
          failed_below.set(each, Math.min(place, openers.length));
      }
    }
    if (closer.can_open && closer.count > 0) openers.push(closer);
  }
}

function fit(opener, closer) {
  if (opener.c !== closer.c) return false;
  const either = opener.can_close || closer.can_open;
  const sum = opener.mod + closer.mod;
  return !either || sum % 3 !== 0 || (opener.mod === 0 && closer.mod === 0);
}

function pair(opener, closer) {
  const width = opener.count > 1 && closer.count > 1 ? 2 : 1;
  const type =
    opener.c === '~' ? 'strike' : width === 2 ? 'strong' : 'em';
  opener.count -= width;
  closer.count -= width;
  opener.opens.unshift({ type });
  closer.closes.push(type);
}
