#!/usr/bin/env python3
"""causal_lm on a CPU beside llama.cpp: same weights, same threads, taking turns in one run.

    bench/cpu.py --build build/release --model FOLDER [--gguf PREFIX [--rival COMMAND]] [--quick] [--json FILE]

Call it in the root of the project, after a build with the benchmarks. FOLDER is a Hugging Face folder (Llama, Qwen2).
With --gguf the rival is measured too, with the same weights as PREFIX-q8_0.gguf, PREFIX-q4_0.gguf and PREFIX-bf16.gguf;
those that are missing are made with --converter and llama-quantize. COMMAND is put before llama.cpp's programs, to run
them where they are installed; it must see the current folder as its own, so give FOLDER and PREFIX relative to it.

Parts (--only):
  table        decode with contexts of 128 and 1,024 tokens, with 8 and 32 streams, prefill of 512 tokens; ours through
               the entry that the server runs (bench/passes), theirs with llama-bench, many streams with llama-batched-bench
  serving      both servers, over HTTP: 8 clients, each sends its next request (a prompt of 64 tokens that nobody has
               seen, 64 tokens out) when its last reply has ended; its first token and the peak memory
  start        both servers from their start to the first token of a prompt of 16, weights cached by the system
  context      decode of one stream, 128 tokens of context to 8k
  concurrency  decode of 1 to 64 streams with a context of 128

Every figure is a median over --rounds, a ratio the median over neighbouring runs, with the lowest and the highest. Our
forms are made at load from the same folder, or once (--packed): int8 beside Q8_0, int4 beside Q4_0, bf16 beside BF16. Ours guesses nothing
ahead, unless --param speculation=auto. What others took of the cores meanwhile is told: with more than a few percent
of one, llama.cpp suffers more than we do, because its threads wait for each other in a loop. bench/plots.py draws --json.
"""
import argparse, contextlib, json, os, signal, subprocess, sys, tempfile, time
from types import SimpleNamespace
import cpu_report as report
import serving_load as load
import serving_workload as work
from cpu_report import COLUMNS, LESS, Cell, Question
from cpu_rival import Rival, parameters
from decode import ask_line, machine, start, take_turns
from isolation import spent_by_others
from serving import context_for, measure
from serving_servers import FORMATS, Sizes, start_ours, start_theirs

PARTS = ("table", "serving", "start", "context", "concurrency")
CONTEXTS = (128, 512, 1024, 2048, 4096, 8000)
STREAMS = (1, 2, 4, 8, 16, 32, 64)
CLIENTS = 8


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--build", required=True, metavar="FOLDER", help="where the programs were built")
    add("--model", required=True, metavar="FOLDER", help="the Hugging Face folder")
    add("--gguf", metavar="PREFIX", help="of the rival's files; without it ours is measured alone")
    add("--rival", default="", metavar="COMMAND", help="what to put before llama.cpp's programs")
    add("--converter", default="convert_hf_to_gguf.py {folder} --outtype {type} --outfile {file}", metavar="COMMAND",
        help="makes a GGUF file of a folder (default: %(default)s)")
    add("--forms", nargs="+", default=["int8", "int4", "bf16"], choices=["int8", "int4", "bf16"])
    add("--bf16", default="quantize", choices=["quantize", "dtype"],
        help="whether our bf16 is packed at load or used as it stands in the file (default quantize)")
    add("--packed", metavar="PREFIX",
        help="our forms packed once, in the folders PREFIX-int8 and so on, made if they are missing; else packed at each load")
    add("--param", nargs="+", default=[], metavar="NAME=VALUE", help="more params of our entry")
    add("--only", nargs="+", choices=PARTS, help="default: table, serving and start")
    add("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of each (default: all cores)")
    add("--rounds", type=int, default=5, help="of each program (default 5)")
    add("--tokens", type=int, default=64, help="that one stream makes in a round (default 64); many make half of it")
    add("--quick", action="store_true", help="one round of a few tokens: whether all works, no figures")
    add("--json", metavar="FILE", help="write all figures there")
    args = parser.parse_args()
    args.only = args.only or ["table", "serving", "start"]
    args.timeout = 600
    if args.quick:
        args.rounds, args.tokens = 1, 8
    return args


def params_of(form, args):
    given = dict(word.split("=", 1) for word in args.param)
    return given if args.packed else given | {args.bf16 if form == "bf16" else "quantize": form}


def folder_of(form, args):
    return f"{args.packed}-{form}" if args.packed else args.model


def pack(args):
    """Makes those folders that are missing."""
    for form in args.forms if args.packed else ():
        if not os.path.exists(folder_of(form, args)):
            subprocess.run([f"{args.build}/model_api", "quantize", args.model, "--to", form,
                            "--output", folder_of(form, args)], check=True, stdout=subprocess.DEVNULL)


def questions(args):
    """What is asked of the entry, each once."""
    asked = [question for _, question, _ in COLUMNS if question.kind in ("decode", "prefill")] if "table" in args.only else []
    if "context" in args.only:
        asked += [Question("decode", 1, context) for context in CONTEXTS]
    if "concurrency" in args.only:
        asked += [Question("decode", streams, 128) for streams in STREAMS]
    return list(dict.fromkeys(asked))


def ask_ours(program, question, tokens):
    if question.kind == "prefill":
        return question.context / ask_line(program, f"1 {question.context} 0")["first"]
    answer = ask_line(program, f"{question.streams} {question.context} {tokens}")
    return answer["made"] / answer["steps"]


def ask_theirs(rival, form, question, tokens):
    if question.kind == "prefill":
        return rival.prefill(form, question.context)
    return rival.decode(form, question.streams, question.context, tokens)


def run_passes(form, args, rival, note):
    """Both in turns, and the other first in every second round."""
    cells = [Cell(form, question) for question in questions(args)]
    if not cells:
        return []
    words = [f"{name}={value}" for name, value in params_of(form, args).items()]
    program = start([f"{args.build}/bench/passes", str(args.threads), f"path={folder_of(form, args)}", *words])
    try:
        loaded = json.loads(program.stdout.readline() or "null")
        if not loaded:
            raise SystemExit(f"passes does not load {folder_of(form, args)} with {' '.join(words)}")
        ask_line(program, "1 128 8")
        for number in range(args.rounds):
            for cell in cells:
                question = cell.question
                tokens = args.tokens if question.streams == 1 else max(4, args.tokens // 2)
                note(f"{form} {question.kind} {question.streams} {question.context}, round {number + 1}")
                turns = [lambda: cell.ours.append(ask_ours(program, question, tokens))]
                if rival:
                    turns.append(lambda: cell.theirs.append(ask_theirs(rival, form, question, tokens)))
                take_turns(turns, number)
    finally:
        program.stdin.close()
        program.wait()
    return cells


def servers(form, args, rival, sizes, folder):
    """How each is started; called when its turn comes."""
    more = params_of(form, args)
    yield lambda: start_ours(f"{args.build}/model_api", folder_of(form, args), more.pop("dtype", "auto"), sizes, folder, **more)
    if rival:
        yield lambda: start_theirs(args.rival, rival.file(form), form, "", sizes)


def run_serving(form, args, rival, note):
    vocabulary = work.ordinary_tokens(args.model)
    rounds, repeat, tokens = args.rounds, 1 if args.quick else 3, 16 if args.quick else 64

    def requests_of_round(number):
        return work.unique_prompts(f"cpu/{number}", vocabulary, repeat * CLIENTS, 64, tokens)

    note(f"{form} serving")
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        sizes = Sizes(CLIENTS, context_for(requests_of_round(1)), args.threads)
        running = [stack.enter_context(make()) for make in servers(form, args, rival, sizes, folder)]
        found, _ = measure(running, "unique", CLIENTS, requests_of_round,
                           SimpleNamespace(rounds=rounds, timeout=args.timeout))
    for name, each in found.items():
        for failure in (failure for figures in each for failure in figures["failures"]):
            raise SystemExit(f"{name}: a request failed: {failure}")
    return [Cell(form, Question(kind, CLIENTS), *([figures[key] for figures in each] for each in found.values()))
            for kind, key in (("serving", "tokens_per_s"), ("first", "first_p50"), ("memory", "peak_mb"))]


def run_start(form, args, rival, note):
    """The first start of each, which brings the weights into the system's cache, does not count."""
    vocabulary = work.ordinary_tokens(args.model)
    times, memory = Cell(form, Question("start")), Cell(form, Question("memory", 1))
    with tempfile.TemporaryDirectory() as folder:
        for number in range(args.rounds + 1):
            note(f"{form} start, round {number}")
            for side, make in zip(("ours", "theirs"), servers(form, args, rival, Sizes(1, 512, args.threads), folder)):
                begin = time.perf_counter()
                with make() as server:
                    outcome, = load.run(server, work.unique_prompts(f"start/{number}", vocabulary, 1, 16, 8), 1, args.timeout)
                    if outcome.failure:
                        raise SystemExit(f"{server.name}: {outcome.failure}\n{server.said()}")
                    if number > 0:
                        getattr(times, side).append(outcome.pieces[0] - begin)
                        getattr(memory, side).append(server.memory()[0])
    return [times, memory]


def limits(args, so_far):
    """The best so far: on a busy machine a single measurement finds less."""
    program = start([f"{args.build}/bench/peaks", str(args.threads)])
    found = json.loads(program.communicate()[0])
    return {key: max(value, so_far.get(key, value)) for key, value in found.items()}


def print_tables(cells, args, result, rival):
    formats = FORMATS if rival else None
    for title, columns in (("tokens/s", COLUMNS), ("less is better", LESS)):
        if any(report.find(cells, form, question) for form in args.forms for _, question, _ in columns):
            print(f"{title}\n{report.table(cells, args.forms, columns, formats)}")
    for part, asked in (("context", [Question("decode", 1, context) for context in CONTEXTS]),
                        ("concurrency", [Question("decode", streams, 128) for streams in STREAMS])):
        if part in args.only:
            columns = [(str(q.context if part == "context" else q.streams), q, {}) for q in asked]
            print(f"tokens/s against {part}\n{report.table(cells, args.forms, columns, formats)}")
    print("to the limit")
    print(report.to_the_limit(cells, args.forms, parameters(args.model), result["limits"], rival.weights if rival else {}))


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the servers are stopped too
    rival = Rival(args.rival, args.gguf, args.threads) if args.gguf else None
    print(f"machine: {machine()}; {args.threads} threads, {args.rounds} rounds, {args.model}"
          + ("" if rival else "; no --gguf, so ours alone"), flush=True)
    if rival:
        rival.make_files(args.forms, args.model, args.converter)
    pack(args)
    result = {"machine": machine(), "settings": vars(args), "limits": limits(args, {}), "others": {}, "cells": []}
    note = lambda text: print(f"\r{text:60}", end="", file=sys.stderr, flush=True) if sys.stderr.isatty() else None
    cells = []
    for form in args.forms:
        others, begin = spent_by_others(), time.monotonic()
        cells += run_passes(form, args, rival, note)
        for part, run in (("serving", run_serving), ("start", run_start)):
            if part in args.only:
                cells += run(form, args, rival, note)
        result["limits"] = limits(args, result["limits"])
        result["others"][form] = (spent_by_others() - others) / (time.monotonic() - begin)
        result["cells"] = report.as_json(cells)
        if args.json:
            with open(args.json, "w", encoding="utf-8") as file:
                json.dump(result, file, indent=1)
    note("")
    print_tables(cells, args, result, rival)
    print("  others took of a core: " + ", ".join(f"{form} {part:.0%}" for form, part in result["others"].items()))


if __name__ == "__main__":
    main()
