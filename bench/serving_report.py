"""Figures of a round, medians over rounds, and the table of both programs."""
import math, statistics

COLUMNS = (  # key, title, width, digits
    ("tokens_per_s", "tokens/s", 10, 1),
    ("first_p50", "first p50", 11, 1),
    ("first_p99", "first p99", 11, 1),
    ("gap_p50", "gap p50", 10, 2),
    ("gap_p99", "gap p99", 10, 2),
    ("gap_max", "gap max", 10, 2),
    ("peak_mb", "peak MB", 9, 0),
    ("anonymous_mb", "own MB", 8, 0),
)


def percentile(values, percent):
    """The smallest of the values that at least `percent` of a hundred do not exceed; NaN for none."""
    if not values:
        return math.nan
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


def figures(outcomes):
    """What a round gave; times in milliseconds. Replies that failed count as failures and nowhere else."""
    whole = [outcome for outcome in outcomes if not outcome.failure]
    first = [1e3 * (outcome.pieces[0] - outcome.sent) for outcome in whole]
    gaps = [1e3 * (b - a) for outcome in whole for a, b in zip(outcome.pieces, outcome.pieces[1:])]
    tokens = sum(outcome.usage["completion_tokens"] for outcome in whole)
    cached = [(outcome.usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0) for outcome in whole]
    seconds = max((o.ended for o in whole), default=0) - min((o.sent for o in whole), default=0)
    return {
        "requests": len(outcomes), "failures": [outcome.failure for outcome in outcomes if outcome.failure],
        "seconds": seconds, "tokens": tokens, "pieces": sum(len(outcome.pieces) for outcome in whole),
        "tokens_per_s": tokens / seconds if seconds else math.nan,
        "first_p50": percentile(first, 50), "first_p99": percentile(first, 99),
        "first_mean": statistics.fmean(first) if first else math.nan,
        "gap_p50": percentile(gaps, 50), "gap_p99": percentile(gaps, 99),
        "gap_max": max(gaps, default=math.nan),
        "cached_mean": statistics.fmean(cached) if cached else math.nan,
    }


def median_of(rounds, key):
    return statistics.median(each[key] for each in rounds)


def median_ratio(ours, theirs, key):
    """Of neighbouring rounds, because the machine's speed drifts."""
    return statistics.median(a[key] / b[key] if b[key] else math.nan for a, b in zip(ours, theirs))


def header():
    return f"{'':14}" + "".join(f"{title:>{width}}" for _, title, width, _ in COLUMNS) + f"{'failed':>12}"


def row(name, rounds):
    failed, requests = (sum(counts) for counts in zip(*((len(each["failures"]), each["requests"]) for each in rounds)))
    values = "".join(f"{median_of(rounds, key):>{width}.{digits}f}" for key, _, width, digits in COLUMNS)
    return f"  {name:12}{values}{failed:>5} of {requests}"


def ratio_row(ours, theirs):
    return f"  {'ratio':12}" + "".join(f"{median_ratio(ours, theirs, key):>{width}.2f}" for key, _, width, _ in COLUMNS)


def remarks(rounds_by_name, elsewhere):
    """What says whether the figures can be believed."""
    parts = []
    for name, rounds in rounds_by_name.items():
        tokens, pieces = (sum(each[key] for each in rounds) for key in ("tokens", "pieces"))
        parts.append(f"{name}: {tokens / pieces if pieces else math.nan:.2f} tokens an event, "
                     f"{median_of(rounds, 'cached_mean'):.0f} prompt tokens cached")
    parts.append("of a core: " + ", ".join(f"{who} {share:.0%}" for who, share in elsewhere.items()))
    return f"  ({'; '.join(parts)})"
