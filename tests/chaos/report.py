"""The table and the verdict of a campaign."""
import collections
from campaign import Result
from ledger import FAILURES, LEFT, REFUSED, WHOLE, Record

MOST_SHOWN = 10  # failures that are printed in full


def verdict(result: Result) -> list[str]:
    """Why the campaign has failed; empty if it has not."""
    outcomes = result.ledger.outcomes()
    reasons = [f"{outcomes[kind]} {kind}" for kind in FAILURES if outcomes[kind]]
    if result.ledger.unaccounted:
        reasons.append(f"{result.ledger.unaccounted} answers are not in the books once: this tool is broken")
    if not outcomes[WHOLE]:
        reasons.append("no answer came whole, so nothing is shown")
    if not result.faults.injected.total():
        reasons.append("no fault was injected, so nothing is shown")
    if result.ended_early:
        reasons.append("the faults ended early, for want of a target")
    if result.not_healed:
        reasons.append("not healed")
    return reasons


def report(result: Result, attempts: list[int] | None) -> str:
    """`attempts`, from the server's log: of each reply, the workers that it had."""
    outcomes, records = result.ledger.outcomes(), result.ledger.records
    faults = result.faults
    kinds = ", ".join(f"{verb} {count}" for verb, count in sorted(faults.injected.items()))
    hit = [record for record in records if record.faults and record.outcome == WHOLE]
    rows = [
        ("answers", len(records), f"{outcomes[WHOLE]} whole, {outcomes[LEFT]} left by their client, "
                                  f"{outcomes[REFUSED]} refused to the end"),
        ("tokens", sum(record.tokens for record in records), f"in {result.seconds:.1f} s of faults and "
                                                             f"{result.healing_seconds:.1f} s of healing"),
        ("refusals", sum(record.refusals for record in records), "429 and 503 before an answer, asked for again"),
        ("faults", faults.injected.total(), kinds),
        ("under fire", len(hit), "answers came whole though faults struck the server meanwhile"),
        ("moved", faults.moved_replies, "replies went on elsewhere after a remove"),
        resumed_row(attempts),
        ("lost", outcomes["lost"], ""), ("doubled", outcomes["doubled"], ""), ("changed", outcomes["changed"], ""),
    ]
    lines = [f"{name:10} {count:>8}  {remark}".rstrip() for name, count, remark in rows]
    lines += [failure_text(record) for record in result.ledger.failed()[:MOST_SHOWN]]
    for title, remarks in (("not healed", result.not_healed), ("no target", result.missed),
                           ("by the way", faults.problems)):
        lines += [f"{title}: {remark}" + (f" ({count} times)" if count > 1 else "")
                  for remark, count in collections.Counter(remarks).items()]
    reasons = verdict(result)
    return "\n".join(lines + [f"verdict: FAILED: {', '.join(reasons)}" if reasons else "verdict: passed"])


def resumed_row(attempts: list[int] | None) -> tuple[str, object, str]:
    if attempts is None:
        return "resumed", "?", "only the server's log tells: --log"
    resumed = [count for count in attempts if count > 1]
    return ("resumed", len(resumed), f"replies went on after the loss of their worker, {sum(resumed) - len(resumed)} "
                                     f"losses in all, at most {max(resumed, default=1) - 1} for one reply")


def failure_text(record: Record) -> str:
    return (f"answer {record.number} {record.outcome}: {record.remark}\n    after {record.seconds:.2f} s, "
            f"{record.faults} faults, {record.refusals} refusals; asked {record.request}")
