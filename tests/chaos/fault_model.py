"""The entry `fault` computed again, and requests for it: see models/entries/fault.cpp and fault_reply.hpp."""
import math, random
from question import Question, Request, TrueReply, Truth

MASK = 2**64 - 1
SEEDS = 2**53 - 128  # above them, a request with n choices would run out of seeds
LONGEST = 400  # tokens of most replies
TORRENT = 6000  # tokens of the others


def fault_check(seed: int, number: int) -> int:
    """The sixteen bits of token `number`, the first is 1: the uppermost of a splitmix64."""
    x = (seed + number * 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & MASK
    return (x ^ x >> 31) >> 48


def fault_texts(seed: int, length: int) -> list[str]:
    """The text of each token."""
    return [f"{number}:{fault_check(seed, number):04x} " for number in range(1, length + 1)]


def held_back(text: str, end: int, stops: tuple[str, ...]) -> int:
    """Characters before `end` that may yet become a stop string, so that they are not sent."""
    return max((size for stop in stops for size in range(1, len(stop)) if text.endswith(stop[:size], 0, end)),
               default=0)


def true_reply(seed: int, length: int, stops: tuple[str, ...], max_tokens: int | None) -> TrueReply:
    """What a model of `length` tokens says under a request's limits."""
    is_cut = max_tokens is not None and max_tokens <= length
    texts = fault_texts(seed, max_tokens if is_cut else length)
    whole = "".join(texts)
    # The stop string that ends first counts, of several the longest.
    end, size = min(((whole.index(stop) + len(stop), -len(stop)) for stop in stops if stop in whole), default=(None, 0))
    sent_with, made = {}, 0
    for number, text in enumerate(texts, 1):
        made += len(text)
        if end is not None and made >= end:
            sent_with[number] = end + size
            return TrueReply(whole[:end + size], number, "stop", seed, sent_with)
        sent_with[number] = made - held_back(whole, made, stops)
    return TrueReply(whole, len(texts), "length" if is_cut else "stop", seed, sent_with)


def question_of(campaign_seed: int, number: int) -> Question:
    """Request `number` of a campaign; the same seed and number give the same one."""
    source = random.Random(f"{campaign_seed}/request/{number}")
    # Short and long ones alike, a step each few milliseconds, so that faults hit them everywhere; and a few that come
    # so fast that the server must wait for a slow client.
    length, burst = round(math.exp(source.uniform(0, math.log(LONGEST)))), source.choice([1, 1, 1, 2, 5])
    if source.random() < 0.03:
        length, burst = TORRENT, 20
    prompt = f"chaos {number} len={length} burst={burst} sleep_ms={source.randint(2, 20)}"
    seed, n = source.randrange(SEEDS), 2 if source.random() < 0.15 else 1
    stops = stops_from("".join(fault_texts(seed, length)), source) if source.random() < 0.25 else ()
    max_tokens = source.randint(1, length) if source.random() < 0.15 else None
    request = Request(prompt, seed, stream=source.random() < 0.85, n=n, stop=stops, max_tokens=max_tokens)
    replies = tuple(true_reply(seed + choice, length, stops, max_tokens) for choice in range(n))
    return Question(request, Truth(replies, prompt_tokens=len(prompt) + 1))  # a token a byte, and one for the end


def stops_from(text: str, source: random.Random) -> tuple[str, ...]:
    """One that comes, often across two tokens, and one that only begins to, which is held back and then sent."""
    comes, begins = (text[at:at + 8] for at in (source.randrange(len(text)), source.randrange(len(text))))
    return comes, begins[:5] + "?"
