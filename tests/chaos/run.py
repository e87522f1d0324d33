#!/usr/bin/env python3
"""Starts the real program, kills its workers until it has had enough, and sees whether anybody noticed.

    tests/chaos/run.py --program build/release/model_api                  a thousand kills, ten minutes or more
    tests/chaos/run.py --program build/release/model_api --short          40 kills, half a minute
    tests/chaos/run.py --program build/release/model_api --machines 2     and a second machine, killed, frozen, cut off
    tests/chaos/run.py --program build/release/model_api --seed 7         what a failure has printed, again

The program serves the entry `fault` on several virtual devices. The exit status is 0 if the verdict is passed (see
chaos.py), the program ends with status 0 after SIGTERM, and no process is left of it.
"""
import argparse, math, shutil, signal, sys, tempfile, time
from pathlib import Path
import fault_model
from campaign import Settings
from chaos import run_and_report
from fault_script import parse_script
from local_server import LocalServer, adopt_orphans

SCRIPT = """
pause 20ms..400ms
ready 1..3
kill-serving 10
kill-worker 1
stop-serving 1 for=200ms..2s
remove-add 1 for=0ms..200ms
slow-client 1 for=100ms..1s
leave-client 2
"""
TWO_MACHINES = SCRIPT + """
kill-machine 2 for=0ms..1s
stop-machine 1 for=200ms..3s
cut-machine 1 for=200ms..3s
"""
SHORT_KILLS = 40
SHORT_SECONDS = 25


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--program", required=True)
    add("--kills", type=int, default=1000, help="of workers that have replies under way (default 1000)")
    add("--short", action="store_true", help=f"{SHORT_KILLS} kills, or as many as come in {SHORT_SECONDS} s")
    add("--seed", type=int, default=1, help="(default 1)")
    add("--streams", type=int, default=8, help="answers under way at any time (default 8)")
    add("--devices", type=int, default=3, help="that serve, on each machine (default 3)")
    add("--machines", type=int, choices=[1, 2], default=1, help="(default 1)")
    add("--faults", metavar="SCRIPT", help="another script; --kills then counts all its faults")
    add("--keep", metavar="FOLDER", help="leave log and ledger there, however it ends")
    add("--server-options", default="", metavar="WORDS", help="more options of the program, as --server-options='...'")
    return parser.parse_args()


def settings_of(args: argparse.Namespace, local: LocalServer) -> Settings:
    usual = TWO_MACHINES if args.machines > 1 else SCRIPT
    text = Path(args.faults).read_text(encoding="utf-8") if args.faults else usual
    return Settings(args.streams, args.seed, parse_script(text), count=SHORT_KILLS if args.short else args.kills,
                    duration=SHORT_SECONDS if args.short else math.inf,
                    counted="" if args.faults else "kill-serving", pid=local.process.pid,
                    machine=local.machine, limit=600)


def run(args: argparse.Namespace, folder: Path) -> bool:
    """Whether all was well."""
    local = LocalServer(args.program, folder, args.devices, args.machines, args.server_options.split())
    try:
        server = local.wait_until_ready()
        has_passed = run_and_report(server, settings_of(args, local),
                                    lambda number: fault_model.question_of(args.seed, number), str(local.log),
                                    str(folder / "ledger.jsonl"))
        wrong = local.zombies() + local.stop()
    finally:
        local.kill()
    for remark in wrong:
        print(f"FAILED: {remark}")
    return has_passed and not wrong


def main() -> None:
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the server is stopped too
    adopt_orphans()
    folder, started = Path(args.keep or tempfile.mkdtemp(prefix="chaos-")), time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        is_well = run(args, folder)
    except OSError as problem:
        raise SystemExit(f"chaos: {problem}; log and ledger are in {folder}") from None
    print(f"seed {args.seed}, {time.monotonic() - started:.1f} s"
          + ("" if is_well and not args.keep else f"; log and ledger are in {folder}"))
    if is_well and not args.keep:
        shutil.rmtree(folder)
    raise SystemExit(0 if is_well else 1)


if __name__ == "__main__":
    main()
