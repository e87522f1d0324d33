#!/usr/bin/env python3
"""Tokens a second of causal_lm beside transformers, alternating in one run.

    bench/decode.py --program build/release/bench/decode --model FOLDER [--rival COMMAND]

Call it in the root of the project. COMMAND is put before `python3`, to run it where
transformers is installed; it must see this folder as its own. Both get the same weights,
prompts, threads and number format; both take all rows of the batch at once and answer
greedily. Prints the median of each, and the median of the ratios of neighbouring runs.
"""
import argparse, json, os, platform, shlex, statistics, subprocess


def start(command):
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                            stderr=subprocess.DEVNULL)


def take_turns(turns, number):
    """Every other round begins with the other one."""
    for turn in turns if number % 2 == 0 else reversed(turns):
        turn()


def ask(process, batch, args):
    return ask_line(process, f"{batch} {args.prompt} {args.tokens}")


def ask_line(process, question):
    process.stdin.write(question + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{shlex.join(process.args)} ended without an answer")
    return json.loads(line)


def machine():
    name = platform.processor() or platform.machine()
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                name = line.split(":")[1].strip()
    return f"{name}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}"


def same(ours, theirs):
    count = 0
    for a, b in zip(ours["tokens"], theirs["tokens"]):
        if a != b:
            break
        count += 1
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--rival", default="", help="what to put before python3")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--dtype", nargs="+", default=["bf16", "fp32"])
    parser.add_argument("--prompt", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    weights = sum(os.path.getsize(os.path.join(args.model, file))
                  for file in os.listdir(args.model) if file.endswith(".safetensors"))
    print(f"machine: {machine()}; {args.threads} threads, prompts of {args.prompt} tokens, "
          f"{args.tokens} new ones, {args.rounds} rounds, weights in the file {weights / 1e6:.0f} MB")
    print(f"{'':14}{'whole reply, tokens/s':>34}{'after the first token':>34}")
    print(f"{'':14}" + 2 * f"{'ours':>10}{'theirs':>12}{'ratio':>12}" + f"{'same tokens':>14}")
    for dtype in args.dtype:
        ours = start([args.program, args.model, dtype, str(args.threads)])
        theirs = start(shlex.split(args.rival) + ["python3", "bench/decode_transformers.py", args.model, dtype,
                                                  str(args.threads)])
        for batch in args.batch:
            rows = []
            for round_number in range(args.rounds + 1):
                a, b = ask(ours, batch, args), ask(theirs, batch, args)
                if round_number == 0:  # warms up
                    agree = same(a, b)
                    continue
                whole = [batch * args.tokens / x["total"] for x in (a, b)]
                rest = [batch * (args.tokens - 1) / (x["total"] - x["first"]) for x in (a, b)]
                rows.append(whole + [whole[0] / whole[1]] + rest + [rest[0] / rest[1]])
            medians = [statistics.median(column) for column in zip(*rows)]
            print(f"{dtype}, batch {batch:<3}" + "".join(
                f"{medians[i]:>10.1f}{medians[i + 1]:>12.1f}{medians[i + 2]:>12.2f}" for i in (0, 3))
                + f"{agree:>10} of {args.tokens}", flush=True)
        for process in (ours, theirs):
            process.stdin.close()
            process.wait()


if __name__ == "__main__":
    main()
