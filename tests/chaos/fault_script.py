"""The script of a campaign: which faults, how often each, with which pauses between them."""
import random, re
from collections.abc import Iterator
from dataclasses import dataclass

UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0}


class ScriptError(ValueError):
    """A line that is no line of a script; says which and why."""


@dataclass(frozen=True)
class Span:
    """Seconds, drawn evenly between both ends."""
    least: float
    most: float

    def draw(self, source: random.Random) -> float:
        return source.uniform(self.least, self.most)


NO_TIME = Span(0, 0)
# What each verb lasts unless `for=` says so; those with None take no `for=`.
USUALLY = {"kill-serving": None, "kill-worker": None, "stop-serving": Span(1.5, 1.5), "stop-worker": Span(1.5, 1.5),
           "remove-add": NO_TIME, "kill-machine": NO_TIME, "stop-machine": Span(1.5, 1.5),
           "cut-machine": Span(1.5, 1.5), "slow-client": Span(1.5, 1.5), "leave-client": None, "run": None}


@dataclass(frozen=True)
class FaultKind:
    """One line: a verb and how often it comes, beside the other lines."""
    verb: str
    weight: float
    lasting: Span = NO_TIME
    command: str = ""  # of `run`


@dataclass(frozen=True)
class Strike:
    """One fault of the schedule. `lot`, from 0 to below 1, picks the victim among those that there are then."""
    pause: float  # seconds before it
    verb: str
    lasting: float
    lot: float
    command: str = ""
    ready: int = 0  # entities that must be ready before it strikes the server


@dataclass(frozen=True)
class Script:
    kinds: tuple[FaultKind, ...]
    pause: Span
    ready: tuple[int, int] = (0, 0)  # the least and the most of `Strike.ready`

    def schedule(self, seed: int) -> Iterator[Strike]:
        """Endless, and the same for the same seed, whatever the server does meanwhile."""
        source = random.Random(f"{seed}/faults")
        weights = [kind.weight for kind in self.kinds]
        while True:
            (kind,) = source.choices(self.kinds, weights)
            yield Strike(self.pause.draw(source), kind.verb, kind.lasting.draw(source), source.random(), kind.command,
                         source.randint(*self.ready))


def parse_script(text: str) -> Script:
    """Throws ScriptError. Without a line `pause` there are 20 to 200 ms between faults."""
    kinds: list[FaultKind] = []
    settings: dict = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            if words[0] != "run" and words[0] in settings.keys() | {kind.verb for kind in kinds}:
                raise ScriptError(f"{words[0]} has a line already")
            if words[0] not in SETTINGS:
                kinds.append(parse_kind(line))
            elif len(words) != 2:
                raise ScriptError(f"{words[0]} needs one value")
            else:
                settings[words[0]] = SETTINGS[words[0]](words[1])
        except ScriptError as problem:
            raise ScriptError(f"line {number}: {problem}") from None
    if not kinds:
        raise ScriptError("the script has no fault")
    return Script(tuple(kinds), **{"pause": Span(0.02, 0.2)} | settings)


def parse_kind(line: str) -> FaultKind:
    verb, *rest = line.split(maxsplit=2)
    if verb not in USUALLY:
        raise ScriptError(f"{verb} is no verb, those are {', '.join([*USUALLY, *SETTINGS])}")
    if not rest:
        raise ScriptError(f"{verb} needs a weight")
    weight, more = parse_weight(rest[0]), (rest[1].rstrip() if len(rest) > 1 else "")
    if verb == "run":
        if not more:
            raise ScriptError("run needs a command")
        return FaultKind(verb, weight, command=more)
    usually = USUALLY[verb]
    if not more:
        return FaultKind(verb, weight, usually or NO_TIME)
    if usually is None or not more.startswith("for="):
        raise ScriptError(f"{more} is not understood after {verb}")
    return FaultKind(verb, weight, parse_span(more.removeprefix("for=")))


def parse_weight(word: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", word) or float(word) == 0:
        raise ScriptError(f"{word} is no weight: a number above 0 is needed")
    return float(word)


def parse_span(word: str) -> Span:
    """`20ms..200ms`, or `1.5s` for both ends."""
    least, dots, most = word.partition("..")
    span = Span(parse_time(least), parse_time(most if dots else least))
    if span.most < span.least:
        raise ScriptError(f"{word} ends before it begins")
    return span


def parse_counts(word: str) -> tuple[int, int]:
    """`1..3`, or `2` for both ends."""
    found = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", word)
    if not found or int(found[2] or found[1]) < int(found[1]):
        raise ScriptError(f"{word} is no count: 2 or 1..3 is needed")
    return int(found[1]), int(found[2] or found[1])


def parse_time(word: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m)", word)
    if not found:
        raise ScriptError(f"{word!r} is no time: 20ms, 1.5s or 1m is needed")
    return float(found[1]) * UNITS[found[2]]


# Lines that are no faults.
SETTINGS = {"pause": parse_span, "ready": parse_counts}
