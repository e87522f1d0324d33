#!/usr/bin/env python3
"""What it costs that workers are processes of their own: beside threads, on a second machine, and when they die.

    bench/isolation.py --program build/release/model_api --model FOLDER [--only tokens,echo,resume,frozen]
    bench/isolation.py --program build/release/model_api --short

Call it in the root of the project. FOLDER is a Hugging Face folder. --short asks whether all of this works, in a
minute, with models/tiny-chat, whose steps are so short that its figures say nothing about real models.

Parts:
  tokens  output tokens a second with --isolation thread, with processes, and with the only worker on a second machine,
          which is a program on this one, over loopback; a closed loop of C clients as in bench/serving.py, prompts that
          nobody has seen, greedy, exact lengths. Aim: at least 0.98 of threads for processes.
  echo    requests a second and the 99th percentile of the entry `echo`, 16 kept connections, with wrk (Debian: apt-get
          install wrk), which takes little of the cores; 5 tokens a reply, so it is the dearest case there is
  resume  SIGKILL to the worker that has a reply under way, while another of the same model is ready and has served:
          pause    from one token to the next at the client, the longest that ended after the kill
          usual    the median of the same reply before the kill
          prefill  median of first tokens of new prompts as long as prompt and reply up to the kill, same server
          Aim: pause less prefill under 100 ms. A worker is started again after a second, as by default, however often.
          A kill that hit no reply, because all of it had been made, is told and repeated.
  frozen  SIGSTOP to the second machine, its program and its worker, until the front logs `node_lost`; default
          heartbeats (0.5 s, lost after 3 s), at random times between two of them

All forms stay loaded and take turns in each round. Columns are medians over rounds; a ratio is the median over
neighbouring rounds, with the lowest and the highest in brackets. Below each part stands how much of a core others used
meanwhile; ratios of a few percent want a quiet machine. What fails ends the run with status 1.
"""
import argparse, contextlib, json, os, random, resource, shutil, signal, statistics, sys, tempfile, time
from pathlib import Path
import isolation_resume as resume
import serving_load as load
import serving_report as report
import serving_workload as work
from decode import machine
from http_overhead import BODY, run_wrk
from isolation_servers import Machine, Ours, write_config
from serving import measure
from serving_servers import NO_QUEUE_LIMITS, machine_cpu_seconds

PARTS = ("tokens", "echo", "resume", "frozen")
SHORT = {"model": "models/tiny-chat", "rounds": 1, "concurrency": [1, 2], "repeat": 1, "tokens": 16, "seconds": 1,
         "kills": 2, "kill_after": 32, "resume_tokens": 900, "freezes": 1}
FAULT_TOKENS = 200


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--program", required=True, help="our server")
    add("--model", metavar="FOLDER", help="the Hugging Face folder")
    add("--short", action="store_true", help="a little of everything")
    add("--only", default=",".join(PARTS), metavar="PARTS", help=f"of {','.join(PARTS)} (default all)")
    add("--rounds", type=int, default=3, help="of each form (default 3)")
    add("--concurrency", type=int, nargs="+", default=[1, 8, 32], metavar="C", help="clients (default 1 8 32)")
    add("--repeat", type=int, default=3, help="requests that each client sends in a round (default 3)")
    add("--prompt", type=int, default=32, help="tokens of a prompt (default 32)")
    add("--tokens", type=int, default=64, help="tokens of a reply (default 64)")
    add("--seconds", type=int, default=4, help="of a round of echo (default 4)")
    add("--kills", type=int, default=20, help="of workers of each model (default 20)")
    add("--kill-after", type=int, default=64, help="events of a reply of the real model (default 64)")
    add("--resume-tokens", type=int, default=128, help="tokens of that reply (default 128)")
    add("--freezes", type=int, default=5, help="of the second machine (default 5)")
    add("--timeout", type=float, default=600, help="seconds after which a request counts as failed (default 600)")
    args = parser.parse_args()
    if args.short:
        vars(args).update(SHORT)
    args.only = args.only.split(",")
    if unknown := set(args.only) - set(PARTS):
        parser.error(f"there is no part {', '.join(unknown)}")
    if not args.model:
        parser.error("--model or --short")
    if "echo" in args.only and not shutil.which("wrk"):
        parser.error("the part echo needs wrk: apt-get install wrk")
    return args


def ratio(ours, theirs):
    """Median, lowest and highest over neighbouring rounds."""
    ratios = [a / b for a, b in zip(ours, theirs)]
    return f"{statistics.median(ratios):.3f} ({min(ratios):.2f}..{max(ratios):.2f})"


def row(first, columns):
    return f"  {first:16}" + "".join(f"{column:>20}" for column in columns)


def milliseconds(seconds):
    return f"{1e3 * seconds:.1f} ms"


def spent_by_others():
    """Seconds of all cores that went neither to us nor to what we have started and waited for."""
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return machine_cpu_seconds() - sum(usage.ru_utime + usage.ru_stime for usage in own)


def tokens_part(args, config, vocabulary):
    print(f"tokens a second: prompts of {args.prompt} tokens, replies of {args.tokens}, {args.rounds} rounds")
    print(row("clients", ("threads", "processes", "ratio", "second machine", "ratio")))
    options = ["--batch-size", str(max(args.concurrency)), *NO_QUEUE_LIMITS]
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Ours(name, args.program, config, "bench", *options, *form))
                   for name, form in (("threads", ["--isolation", "thread"]), ("processes", []),
                                      ("second machine", ["--cluster-listen", "127.0.0.1:0"]))]
        stack.enter_context(Machine(args.program, config, servers[-1]))
        for concurrency in args.concurrency:
            def requests_of_round(number):
                count = max(8, args.repeat * concurrency)
                return work.unique_prompts(f"{concurrency}/{number}", vocabulary, count, args.prompt, args.tokens)

            rounds, _ = measure(servers, "unique", concurrency, requests_of_round, args)
            if failures := [failure for each in rounds.values() for figures in each for failure in figures["failures"]]:
                raise SystemExit(f"{len(failures)} requests failed, the first: {failures[0]}")
            rates = [[figures["tokens_per_s"] for figures in rounds[server.name]] for server in servers]
            threads, processes, second = (f"{statistics.median(each):.1f}" for each in rates)
            print(row(concurrency, (threads, processes, ratio(rates[1], rates[0]), second, ratio(rates[2], rates[0]))),
                  flush=True)


def echo_part(args, config, _):
    print(f"echo: requests a second, 16 connections, {args.rounds} rounds of {args.seconds} s")
    print(row("", ("threads", "processes", "ratio")))
    script = config.with_name("post.lua")
    script.write_text(f"wrk.method = 'POST'\nwrk.body = {json.dumps(BODY)}\n")
    options = ["--log-level", "warning", "--isolation"]
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Ours(f"{form} echo", args.program, config, "echo", *options, form))
                   for form in ("thread", "process")]

        def ask(server, seconds):
            return run_wrk(server.address[1], "/api/v1/echo/call", 16, seconds, str(script))

        for server in servers:
            ask(server, 1)
        turns = [[ask(server, args.seconds) for server in servers] for _ in range(args.rounds)]
    for title, show, by_form in (("requests/s", "{:.0f}".format, [[turn[i][0] for turn in turns] for i in (0, 1)]),
                                 ("p99", "{:.0f} us".format, [[turn[i][1] for turn in turns] for i in (0, 1)])):
        print(row(title, (*(show(statistics.median(each)) for each in by_form), ratio(by_form[1], by_form[0]))))


def resume_part(args, config, vocabulary):
    print(f"resume: {args.kills} kills of each; median and worst")
    print(row("", ("pause", "worst", "usual", "prefill", "pause less prefill", "worst")))
    options = ["--virtual-devices", "1", "--restart-limit", "0", "--restart-pause-most", "1s"]

    def show(name, broken, missed, prefill):
        pauses = sorted(each.pause() for each in broken)
        usual = statistics.median(each.usual() for each in broken)
        middle = statistics.median(pauses)
        print(row(name, map(milliseconds, (middle, pauses[-1], usual, prefill, middle - prefill, pauses[-1] - prefill)))
              + "".join(f"\n  (one more missed: {why})" for why in missed), flush=True)

    def start(model):
        return Ours("resume", args.program, config, model, *options, devices=("cpu", "virtual:0"))

    with start("fault") as server:
        message = resume.chat_message("fault", f"len={FAULT_TOKENS} sleep_ms=5")
        show("fault", *resume.break_streams(server, args.kills, lambda _: message, FAULT_TOKENS, FAULT_TOKENS // 2,
                                            lambda _: None), 0.0)
    with start("bench") as server:
        firsts = []

        def figures_of(seed, count, prompt):
            """Of new prompts, all at the same time."""
            outcomes = load.run(server, work.unique_prompts(seed, vocabulary, count, prompt, 16), count, args.timeout)
            figures = report.figures(outcomes)
            if figures["failures"]:
                raise SystemExit(figures["failures"][0])
            return figures

        def prepare(number):
            figures_of(f"warm/{number}", 2, args.prompt)  # one on each worker
            firsts.append(figures_of(f"first/{number}", 1, args.prompt + args.kill_after)["first_p50"] / 1e3)

        def message_of(number):
            (request,) = work.unique_prompts(f"kill/{number}", vocabulary, 1, args.prompt, args.resume_tokens)
            return load.message_of(request, "localhost", "bench")

        broken, missed = resume.break_streams(server, args.kills, message_of, args.resume_tokens, args.kill_after,
                                              prepare)
        show(Path(args.model).name, broken, missed, statistics.median(firsts))


def frozen_part(args, config, _):
    source = random.Random(1)
    with Ours("frozen", args.program, config, "echo", "--cluster-listen", "127.0.0.1:0") as front, \
            Machine(args.program, config, front) as second:
        seconds = []
        for _ in range(args.freezes):
            time.sleep(1 + source.uniform(0, 0.5))
            seconds.append(second.seconds_until_lost())
    print(f"frozen: noticed after {statistics.median(seconds):.2f} s, "
          f"{min(seconds):.2f} to {max(seconds):.2f} ({args.freezes} times)")


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the servers are stopped too
    print(f"machine: {machine()}", flush=True)
    vocabulary = work.ordinary_tokens(args.model)
    context = (args.prompt + max(args.tokens, args.resume_tokens) + 1 + 255) // 256 * 256
    parts = {"tokens": tokens_part, "echo": echo_part, "resume": resume_part, "frozen": frozen_part}
    with tempfile.TemporaryDirectory() as folder:
        config = write_config(folder, args.model, max(args.concurrency), context)
        for name in args.only:
            start, before = time.monotonic(), spent_by_others()
            parts[name](args, config, vocabulary)
            others = (spent_by_others() - before) / (time.monotonic() - start)
            print(f"  (of a core: others {others:.0%})", flush=True)


if __name__ == "__main__":
    main()
