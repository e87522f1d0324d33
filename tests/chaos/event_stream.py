"""Reads server-sent events, with the ids that most clients drop."""
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    id: str  # of this event alone; empty if it has none
    data: str


def events_of(lines: Iterable[bytes]) -> Iterator[Event]:
    """Events with data, each as soon as its empty line is read. What is cut off before that line is no event."""
    event_id, data = "", []
    for line in lines:
        if line in (b"\n", b"\r\n"):
            if data:
                yield Event(event_id, "\n".join(data))
            event_id, data = "", []
            continue
        name, _, value = line.decode("utf-8").rstrip("\r\n").partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        elif name == "id":
            event_id = value.removeprefix(" ")
