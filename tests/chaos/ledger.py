"""The books of a campaign: every answer that was asked for, and what became of it."""
import collections, json, re, threading
from dataclasses import asdict, dataclass, field
from typing import TextIO

WHOLE = "whole"      # came to its end, and all of it was right
LEFT = "left"        # its client left on purpose, and what had come was right
REFUSED = "refused"  # 429 or 503 for so long that its client gave up
# The other outcomes are the kinds of `Deviation`: lost, doubled, changed.
FAILURES = ("lost", "doubled", "changed")


@dataclass
class Record:
    """One answer. What came before the first deviation is in `texts`, a choice each."""
    number: int
    request: dict
    outcome: str = ""
    remark: str = ""
    texts: list[str] = field(default_factory=list)
    tokens: int = 0
    refusals: int = 0  # answers of 429 and 503 before it was taken
    faults: int = 0    # that struck the server while it was under way
    seconds: float = 0.0


class Ledger:
    """Threads open and close entries; none gets lost without `unaccounted` telling."""

    def __init__(self, file: TextIO | None = None):
        self._lock = threading.Lock()
        self._file = file
        self._opened = 0
        self.records: list[Record] = []

    def open(self) -> int:
        """The number of a new entry, from 1."""
        with self._lock:
            self._opened += 1
            return self._opened

    def close(self, record: Record) -> None:
        with self._lock:
            self.records.append(record)
            if self._file:
                self._file.write(json.dumps(asdict(record)) + "\n")

    @property
    def unaccounted(self) -> int:
        """Entries that were opened and are not closed, or are closed twice."""
        with self._lock:
            numbers = collections.Counter(record.number for record in self.records)
            return sum(1 for number in range(1, self._opened + 1) if numbers[number] != 1)

    def outcomes(self) -> collections.Counter:
        return collections.Counter(record.outcome for record in self.records)

    def failed(self) -> list[Record]:
        return [record for record in self.records if record.outcome in FAILURES]


def attempts_in(log: str, prefix: str) -> list[int]:
    """Workers that each ended reply had, by the server's own log; replies whose request id begins with `prefix`."""
    found = re.findall(rf"^.* request_done .*\brequest_id={re.escape(prefix)}\S* .*\battempts=(\d+)", log, re.MULTILINE)
    return [int(attempts) for attempts in found]
