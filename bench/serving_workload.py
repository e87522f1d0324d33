"""Requests made from a seed: prompts that nobody has seen, prompts with one beginning, arrivals of a trace."""
import csv, json, random
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from serving_load import Request

TRACE_BLOCK = 512  # tokens that one of a trace's `hash_ids` stands for


@dataclass(frozen=True)
class Arrival:
    at: float  # seconds after the first; None where the trace has no times
    prompt: int  # tokens
    reply: int
    blocks: tuple = ()  # names of the prompt's blocks: the same name is the same text


def ordinary_tokens(folder):
    """The ids that text is made of: those of tokenizer.json's vocabulary without the added ones."""
    tokenizer = json.loads((Path(folder) / "tokenizer.json").read_text(encoding="utf-8"))
    added = {token["id"] for token in tokenizer["added_tokens"]}
    return sorted(set(tokenizer["model"]["vocab"].values()) - added)


def tokens_from(seed, vocabulary, count):
    return random.Random(seed).choices(vocabulary, k=count)


def unique_prompts(seed, vocabulary, count, prompt, reply):
    return [Request(tokens_from(f"{seed}/{i}", vocabulary, prompt), reply) for i in range(count)]


def shared_prefix(seed, vocabulary, count, shared, tail, reply):
    prefix = tokens_from(f"{seed}/prefix", vocabulary, shared)
    return [Request(prefix + tokens_from(f"{seed}/{i}", vocabulary, tail), reply) for i in range(count)]


def long_prompt(seed, vocabulary, prompt, reply, at):
    return [Request(tokens_from(f"{seed}/long", vocabulary, prompt), reply, at)]


def read_trace(path, count):
    """The first `count` arrivals of a trace: .csv of Azure (times) or Vidur (none), .jsonl of Mooncake (blocks)."""
    with open(path, encoding="utf-8", newline="") as file:
        if str(path).endswith(".jsonl"):
            arrivals = [from_json(json.loads(line)) for line, _ in zip(file, range(count))]
        else:
            arrivals = [from_csv(row) for row, _ in zip(csv.DictReader(file), range(count))]
    if not arrivals:
        raise ValueError(f"{path} has no arrivals")
    if arrivals[0].at is None:
        return arrivals
    return [replace(arrival, at=arrival.at - arrivals[0].at) for arrival in arrivals]


def from_json(line):
    return Arrival(line["timestamp"] / 1000, line["input_length"], line["output_length"], tuple(line["hash_ids"]))


def from_csv(row):
    if "TIMESTAMP" not in row:
        return Arrival(None, int(row["num_prefill_tokens"]), int(row["num_decode_tokens"]))
    # Seven digits of a second, of which datetime takes six.
    time = datetime.fromisoformat(row["TIMESTAMP"][:26]).timestamp()
    return Arrival(time, int(row["ContextTokens"]), int(row["GeneratedTokens"]))


def poisson(seed, count, rate):
    """Seconds of `count` arrivals, the first at 0, independent of each other, `rate` a second."""
    source, at, times = random.Random(f"{seed}/poisson"), 0.0, []
    for _ in range(count):
        times.append(at)
        at += source.expovariate(rate)
    return times


def at_rate(arrivals, rate, seed):
    """Stretches the times so that `rate` arrive in a second on average; draws them where there are none."""
    if arrivals[0].at is None:
        times = poisson(seed, len(arrivals), rate)
    else:
        last = arrivals[-1].at
        factor = (len(arrivals) - 1) / rate / last if last else 0
        times = [arrival.at * factor for arrival in arrivals]
    return [replace(arrival, at=at) for arrival, at in zip(arrivals, times)]


def scaled(arrivals, prompt_scale, reply_scale):
    def scale(count, factor):
        return max(1, round(count * factor))

    return [replace(arrival, prompt=scale(arrival.prompt, prompt_scale), reply=scale(arrival.reply, reply_scale))
            for arrival in arrivals]


def from_trace(seed, vocabulary, arrivals, prompt_scale):
    """Requests for arrivals whose lengths are scaled; blocks of one name have the same tokens, the rest is new."""
    size = max(1, round(TRACE_BLOCK * prompt_scale))
    requests = []
    for i, arrival in enumerate(arrivals):
        prompt = []
        for block in arrival.blocks:
            prompt += tokens_from(f"{seed}/block/{block}", vocabulary, size)
        prompt += tokens_from(f"{seed}/{i}", vocabulary, max(0, arrival.prompt - len(prompt)))
        requests.append(Request(prompt[:arrival.prompt], arrival.reply, arrival.at))
    return requests
