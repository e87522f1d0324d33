#!/usr/bin/env python3
"""Our server beside llama-server under the same load, alternating in one run.

    bench/serving.py --program build/release/model_api --model FOLDER --gguf FILE [--rival COMMAND]

Call it in the root of the project. FOLDER is a Hugging Face folder, FILE the same weights as GGUF in
the number format of --dtype. COMMAND is put before `llama-server`, to run it where it is installed; it must see
the current folder as its own, so give FILE relative to it. Without --gguf ours is measured alone.

Workloads:
  unique   closed loop: each of C clients sends its next request when its last reply has ended; no two prompts
           begin alike
  shared   the same, but all prompts of a round begin with the same --shared tokens, new in each round, and end
           in --tail tokens of their own; so each slot of llama-server reads the beginning once in a round
  open     requests come at their own times, whether or not others have ended: the first --arrivals of --trace
           (lengths and times, and shared beginnings where the trace has them), or without it a Poisson process
           with prompts of --prompt and replies of --tokens tokens; --rate a second on average
  long     C replies of --long-beside tokens run, and --long-after seconds later a prompt of --long tokens comes, which
           has a slot of its own; how far the largest gap is above the median one says whether it stalls them

Both programs are started afresh for each workload and concurrency C, with C slots, the same threads and room
for the keys and values of the same number of tokens (llama-server with --cache-ram 0, without its cache beside the
slots), and are asked once before it counts. Then they take turns for --rounds: both stay loaded, so that a turn
begins at once, and who is not asked sleeps, which is checked. Both get the same prompts, as token ids at
/v1/completions, and must make exactly the tokens asked for, greedily, past any end of reply. Every request is waited
for; what is refused, cut short or late is a failure, and then the exit status is 1.

Columns, medians over the rounds, times in milliseconds:
  tokens/s   tokens of all replies, as the servers count them, by the time from the first request to the last end
  first      from a request's connection to its first event with text
  gap        between events with text of one reply, as they are read from the connection; both send an event a token,
             except where a character needs several: that is one event and one gap ("tokens an event" says how often)
  peak MB    the most memory that was ever resident in the process, together with those pages of mapped files (weights,
             libraries) that it touched: the system may drop them, and other processes may share them
  own MB     what is resident at the end of a round and belongs to no file
  ratio      ours by theirs, median over neighbouring rounds
The line below them says whether they can be believed: a core that others use is one that a server did not have, and
llama-server, whose threads wait for each other in a loop, suffers most.
"""
import argparse, collections, contextlib, json, os, resource, signal, statistics, sys, tempfile, time
import serving_load as load
import serving_report as report
import serving_workload as work
from decode import machine
from serving_servers import Sizes, machine_cpu_seconds, start_ours, start_theirs


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--program", required=True, help="our server")
    add("--model", required=True, metavar="FOLDER", help="the Hugging Face folder")
    add("--dtype", default="bf16", choices=["bf16", "fp32"], help="number format of our weights (default bf16)")
    add("--gguf", metavar="FILE", help="the same weights for llama-server, in the same number format")
    add("--rival", default="", metavar="COMMAND", help="what to put before llama-server")
    add("--rival-options", default="", metavar="WORDS",
        help="more options of llama-server, given as --rival-options='...'")
    add("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of each server (default: all cores)")
    add("--workload", nargs="+", default=["unique", "shared"], choices=["unique", "shared", "open", "long"])
    add("--concurrency", type=int, nargs="+", default=[1, 8, 32], metavar="C",
        help="clients and slots; in the open loop slots only (default 1 8 32)")
    add("--rounds", type=int, default=3, help="of each program (default 3)")
    add("--repeat", type=int, default=3, help="requests that each client sends in a round (default 3)")
    add("--prompt", type=int, default=64, help="tokens of a prompt (default 64)")
    add("--tokens", type=int, default=64, help="tokens of a reply (default 64)")
    add("--shared", type=int, default=512, help="tokens that all prompts of a round begin with (default 512)")
    add("--tail", type=int, default=16, help="tokens after those (default 16)")
    add("--long", type=int, default=4000, help="tokens of the long prompt (default 4000)")
    add("--long-after", type=float, default=3, metavar="SECONDS", help="when it comes (default 3)")
    add("--long-beside", type=int, default=512, help="tokens of the replies beside it (default 512)")
    add("--trace", metavar="FILE", help=".csv of Azure or Vidur, .jsonl of Mooncake")
    add("--arrivals", type=int, default=60, help="requests of a round in the open loop (default 60)")
    add("--rate", type=float, default=1.0, help="of them in a second, on average (default 1)")
    add("--prompt-scale", type=float, default=1.0, help="factor for the trace's prompt lengths (default 1)")
    add("--reply-scale", type=float, default=1.0, help="factor for the trace's reply lengths (default 1)")
    add("--seed", type=int, default=1, help="of the prompts and the Poisson process (default 1)")
    add("--timeout", type=float, default=600, help="seconds after which a request counts as failed (default 600)")
    add("--json", metavar="FILE", help="write the settings and the figures of every round there")
    return parser.parse_args()


def requests_of(workload, args, vocabulary, concurrency, number):
    """The requests of round `number`; the warm-up is round 0."""
    seed = f"{args.seed}/{workload}/{concurrency}/{number}"
    count = max(8, args.repeat * concurrency)
    if workload == "unique":
        return work.unique_prompts(seed, vocabulary, count, args.prompt, args.tokens)
    if workload == "shared":
        return work.shared_prefix(seed, vocabulary, count, args.shared, args.tail, args.tokens)
    if workload == "long":
        beside = work.unique_prompts(seed, vocabulary, concurrency, args.prompt, args.long_beside)
        return beside + work.long_prompt(seed, vocabulary, args.long, args.tokens, args.long_after)
    if args.trace:
        arrivals = work.scaled(work.read_trace(args.trace, args.arrivals), args.prompt_scale, args.reply_scale)
    else:
        arrivals = [work.Arrival(None, args.prompt, args.tokens)] * args.arrivals
    return work.from_trace(seed, vocabulary, work.at_rate(arrivals, args.rate, args.seed), args.prompt_scale)


def context_for(requests):
    """Tokens of the longest prompt and reply together, up to the next 256, which llama-server would do itself."""
    longest = max(len(request.prompt) + request.tokens for request in requests)
    return (longest + 1 + 255) // 256 * 256


def cpu_seconds(servers, server):
    """What the machine has spent so far on the client, on `server`, on the servers beside it, and on others."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    client, asked = own.ru_utime + own.ru_stime, server.cpu_seconds()
    idle = sum(other.cpu_seconds() for other in servers if other is not server)
    return {"client": client, "idle server": idle, "others": machine_cpu_seconds() - client - asked - idle}


def measure(servers, workload, concurrency, requests_of_round, args):
    """Rounds of figures by server, and the shares of a core that went elsewhere than to the server that was asked."""
    rounds = {server.name: [] for server in servers}
    elsewhere, seconds = collections.Counter(), 0.0
    for server in servers:
        warm = load.run(server, requests_of_round(0)[:1], 1, args.timeout)
        if warm[0].failure:
            raise SystemExit(f"{server.name}: the first request failed: {warm[0].failure}\n{server.said()}")
    for number in range(1, args.rounds + 1):
        requests = requests_of_round(number)
        for server in servers:
            start, before = time.monotonic(), cpu_seconds(servers, server)
            clients = None if workload in ("open", "long") else concurrency
            outcomes = load.run(server, requests, clients, args.timeout)
            seconds += time.monotonic() - start
            peak, own = server.memory()
            rounds[server.name].append(report.figures(outcomes) | {"peak_mb": peak, "anonymous_mb": own})
            elsewhere.update({who: spent - before[who] for who, spent in cpu_seconds(servers, server).items()})
    return rounds, {who: spent / seconds for who, spent in elsewhere.items()}


def run_cell(workload, concurrency, args, vocabulary):
    """One workload at one concurrency: starts both, measures, prints; gives what goes into the JSON."""
    def requests_of_round(number):
        return requests_of(workload, args, vocabulary, concurrency, number)

    requests = requests_of_round(1)
    slots = concurrency + 1 if workload == "long" else concurrency
    sizes = Sizes(slots, context_for(requests), args.threads)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        servers = [stack.enter_context(start_ours(args.program, args.model, args.dtype, sizes, folder))]
        if args.gguf:
            theirs = start_theirs(args.rival, args.gguf, args.dtype, args.rival_options, sizes)
            servers.append(stack.enter_context(theirs))
        rounds, elsewhere = measure(servers, workload, concurrency, requests_of_round, args)
    prompt, reply = (statistics.fmean(lengths) for lengths in zip(*((len(r.prompt), r.tokens) for r in requests)))
    print(f"{workload}, {slots} slots of {sizes.context} tokens; {len(requests)} requests a round, "
          f"prompts of {prompt:.0f} tokens, replies of {reply:.0f}")
    for name, each in rounds.items():
        print(report.row(name, each))
    if len(servers) == 2:
        print(report.ratio_row(*rounds.values()))
    print(report.remarks(rounds, elsewhere))
    for name, each in rounds.items():
        for failure in dict.fromkeys(failure for figures in each for failure in figures["failures"]):
            print(f"  {name} failed: {failure}")
    print(end="", flush=True)
    return {"workload": workload, "slots": slots, "context": sizes.context, "rounds": rounds,
            "cores_elsewhere": elsewhere}


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the servers are stopped too
    vocabulary = work.ordinary_tokens(args.model)
    print(f"machine: {machine()}; {args.threads} threads, {args.dtype}, {args.rounds} rounds")
    print(report.header(), flush=True)
    result = {"machine": machine(), "settings": vars(args), "cells": []}
    for workload in args.workload:
        for concurrency in args.concurrency:
            result["cells"].append(run_cell(workload, concurrency, args, vocabulary))
            if args.json:
                with open(args.json, "w", encoding="utf-8") as file:
                    json.dump(result, file, indent=1)
    failures = sum(len(figures["failures"]) for cell in result["cells"] for rounds in cell["rounds"].values()
                   for figures in rounds)
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
