#!/usr/bin/env python3
"""Faults on a running server, and a client that knows every byte that must come.

    tests/chaos/chaos.py --address 127.0.0.1:9999 --model fault --faults SCRIPT --count 100 --pid $(pidof model_api)

Keeps --streams answers under way and strikes by SCRIPT, which README.md explains, until --count faults are injected or
--duration is over. Then it waits until everything has ended and is as it was before. The exit status is 0 if no answer
was lost, doubled or changed and the server has healed, 1 if not, 2 for what cannot be run.

The same --seed gives the same requests and the same faults in the same order. What they meet with is up to the clock.
"""
import argparse, contextlib, math, os, signal, sys
from pathlib import Path
import fault_model, fault_script
from baseline import Baseline
from campaign import Campaign, Settings, request_prefix
from client import Server
from ledger import Ledger, attempts_in
from report import report, verdict


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--address", required=True, metavar="HOST:PORT")
    add("--model", required=True, metavar="NAME")
    add("--streams", type=int, default=8, help="answers under way at any time (default 8)")
    add("--faults", required=True, metavar="SCRIPT")
    add("--seed", type=int, default=1, help="of the requests and the faults (default 1)")
    add("--count", type=int, default=1000, help="faults (default 1000)")
    add("--counted", default="", metavar="VERB", help="count these alone")
    add("--duration", default="", metavar="TIME", help="of the faults at most, like 20s")
    add("--pid", type=int, help="the server's, for the verbs about workers")
    add("--oracle", default="fault", choices=["fault", "baseline"],
        help="where the truth comes from: the entry fault, computed here, or any model, asked before the faults")
    add("--baseline-size", type=int, default=24, metavar="N", help="different requests for that (default 24)")
    add("--limit", default="2m", metavar="TIME", help="for one answer (default 2m)")
    add("--patience", default="1m", metavar="TIME", help="how long 429 and 503 are taken for one answer (default 1m)")
    add("--healing", default="30s", metavar="TIME", help="for everything to end after the faults (default 30s)")
    add("--log", metavar="FILE", help="the server's log as text, for the number of resumed replies")
    add("--ledger", metavar="FILE", help="write every answer there, a line of JSON each")
    return parser.parse_args()


def settings_of(args: argparse.Namespace) -> Settings:
    script = fault_script.parse_script(Path(args.faults).read_text(encoding="utf-8"))
    time = fault_script.parse_time
    return Settings(args.streams, args.seed, script, args.count, args.counted,
                    time(args.duration) if args.duration else math.inf, args.pid, time(args.limit),
                    time(args.patience), time(args.healing))


def run_and_report(server: Server, settings: Settings, question_of, log: str | None, ledger: str | None) -> bool:
    """Whether it has passed."""
    log_begins = os.path.getsize(log) if log else 0
    with open(ledger, "w", encoding="utf-8") if ledger else contextlib.nullcontext() as file:
        result = Campaign(server, settings, question_of, Ledger(file)).run()
    attempts = None
    if log:
        with open(log, encoding="utf-8", errors="replace") as said:
            said.seek(log_begins)
            attempts = attempts_in(said.read(), request_prefix(settings.seed))
    print(report(result, attempts), flush=True)
    return not verdict(result)


def main() -> None:
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the faults are undone
    server = Server(args.address, args.model)
    try:
        settings = settings_of(args)
        if args.oracle == "baseline":
            question_of = Baseline(server, args.seed, args.baseline_size).question_of
        else:
            def question_of(number):
                return fault_model.question_of(args.seed, number)
        has_passed = run_and_report(server, settings, question_of, args.log, args.ledger)
    except (OSError, ValueError) as problem:
        print(f"chaos: {problem}", file=sys.stderr)
        raise SystemExit(2) from None
    raise SystemExit(0 if has_passed else 1)


if __name__ == "__main__":
    main()
