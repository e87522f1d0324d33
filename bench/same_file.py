#!/usr/bin/env python3
"""The same .gguf file through our entry and through llama.cpp, alternating in one run.

    bench/same_file.py --build build/release --rival COMMAND FILE.gguf ... [--rounds 3] [--threads 2]

Tokens a second of one stream behind 128 tokens, of eight, and of reading a prompt of 512: `bench/passes` against
llama-bench and llama-batched-bench (COMMAND stands before their names). Medians, and the ratio with its range over the
rounds. Ours guesses nothing.
"""
import argparse, json, os, statistics, sys
from cpu import ask_ours, ask_theirs
from cpu_report import Question
from cpu_rival import Rival
from decode import ask_line, machine, start, take_turns

ASKED = [("decode, 1 stream", Question("decode", 1, 128)), ("8 streams", Question("decode", 8, 128)),
         ("prefill 512", Question("prefill", 1, 512))]


class FileRival(Rival):
    """Each form is a file."""

    def file(self, form):
        return form


def measure(path, args, rival):
    program = start([f"{args.build}/bench/passes", str(args.threads), f"path={path}"])
    found = {name: ([], []) for name, _ in ASKED}
    try:
        if not json.loads(program.stdout.readline() or "null"):
            raise SystemExit(f"passes does not load {path}")
        ask_line(program, "1 128 8")
        for number in range(args.rounds):
            for name, question in ASKED:
                turns = [lambda: found[name][0].append(ask_ours(program, question, args.tokens)),
                         lambda: found[name][1].append(ask_theirs(rival, path, question, args.tokens))]
                take_turns(turns, number)
    finally:
        program.stdin.close()
        program.wait()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--build", required=True, metavar="FOLDER")
    parser.add_argument("--rival", required=True, metavar="COMMAND")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=32)
    args = parser.parse_args()
    print(f"machine: {machine()}; {args.threads} threads, {args.rounds} rounds")
    print(f"{'':34}" + "".join(f"{name:>36}" for name, _ in ASKED))
    rival = FileRival(args.rival, "", args.threads)
    for path in args.files:
        cells = []
        for ours, theirs in measure(path, args, rival).values():
            ratios = [a / b for a, b in zip(ours, theirs)]
            cells.append(f"{statistics.median(ours):.1f} / {statistics.median(theirs):.1f} = "
                         f"{statistics.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})")
        print(f"{os.path.basename(path):34}" + "".join(f"{cell:>36}" for cell in cells), flush=True)


if __name__ == "__main__":
    sys.exit(main())
