"""Keeps answers under way, strikes by the schedule, and then sees whether all is as it was before."""
import math, threading, time, traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from answer_check import LOST, AnswerCheck
from client import Call, Server
from fault_script import Script, Strike
from faults import Faults, NoTarget
from ledger import WHOLE, Ledger, Record
from machine import Machine
from question import Question

TARGET_PATIENCE = 30.0  # seconds for a fault to find a target
MOST_MISSES = 3         # in a row, then the campaign ends early
LAST_PATIENCE = 10.0    # seconds, at least, for the answer that shows that the server still serves


@dataclass
class Settings:
    """Times are in seconds."""
    streams: int
    seed: int
    script: Script
    count: int                      # of faults
    counted: str = ""               # the verb that counts; empty for all
    duration: float = math.inf
    pid: int | None = None          # of a server on this machine
    machine: Machine | None = None  # that has joined it
    limit: float = 120.0            # for one answer
    patience: float = 60.0          # for one to be taken
    healing: float = 30.0           # for everything to end after the faults


@dataclass
class Result:
    ledger: Ledger
    faults: Faults
    seconds: float = 0.0
    healing_seconds: float = 0.0
    missed: list[str] = field(default_factory=list)      # faults that found no target
    ended_early: bool = False                            # too many of them in a row
    not_healed: list[str] = field(default_factory=list)  # what is not as it was before


class Campaign:
    def __init__(self, server: Server, settings: Settings, question_of: Callable[[int], Question], ledger: Ledger):
        self._server = server
        self._settings = settings
        self._question_of = question_of
        self._lock = threading.Lock()
        self._open: dict[int, Call] = {}
        self._is_over = threading.Event()
        self._faults = Faults(server, settings.pid, self._open_calls, settings.machine)
        self._result = Result(ledger, self._faults)

    def run(self) -> Result:
        started = time.monotonic()
        devices = [entity["device"] for entity in self._server.entities()]
        threads = [threading.Thread(target=self._keep_asking, daemon=True) for _ in range(self._settings.streams)]
        for thread in threads:
            thread.start()
        try:
            self._strike(self._settings.script.schedule(self._settings.seed), started + self._settings.duration)
        finally:
            self._result.seconds = time.monotonic() - started
            self._is_over.set()
            self._heal(devices, threads)
        return self._result

    # -- answers --

    def _open_calls(self) -> list[Call]:
        """In the order in which they were asked for."""
        with self._lock:
            return list(self._open.values())

    def _keep_asking(self) -> None:
        while not self._is_over.is_set():
            self._ask_once(self._settings.limit, self._settings.patience)

    def _ask_once(self, limit: float, patience: float) -> Record:
        number = self._result.ledger.open()
        question = self._question_of(number)
        record = Record(number, question.request.body())
        call = Call(self._server, record, f"{request_prefix(self._settings.seed)}{number}", limit, patience)
        faults_before = self._faults.server_faults
        with self._lock:
            self._open[number] = call
        try:
            call.run(lambda: AnswerCheck(question))
        except Exception:  # of this tool: it must show, and the books must be right
            record.outcome, record.remark = LOST, traceback.format_exc()
        with self._lock:
            del self._open[number]
        record.faults = self._faults.server_faults - faults_before
        self._result.ledger.close(record)
        return record

    # -- faults --

    def _strike(self, schedule: Iterator[Strike], end: float) -> None:
        settings, misses = self._settings, 0
        while time.monotonic() < end:
            injected = self._faults.injected
            if (injected[settings.counted] if settings.counted else injected.total()) >= settings.count:
                return
            strike = next(schedule)
            time.sleep(strike.pause)
            misses = 0 if self._hit(strike, end) else misses + 1
            if misses == MOST_MISSES:
                self._result.ended_early = True
                return

    def _hit(self, strike: Strike, end: float) -> bool:
        """Waits for a target, if there is none now. False if none comes in time, unless the campaign is over first."""
        deadline = time.monotonic() + TARGET_PATIENCE
        while True:
            try:
                self._faults.strike(strike)
                return True
            except (NoTarget, OSError, ValueError) as problem:
                if time.monotonic() > end:
                    return True
                if time.monotonic() > deadline:
                    self._result.missed.append(f"{strike.verb}: {problem}")
                    return False
            time.sleep(0.02)

    # -- afterwards --

    def _heal(self, devices: list[str], threads: list[threading.Thread]) -> None:
        result, started = self._result, time.monotonic()
        deadline = started + self._settings.healing
        self._faults.finish(deadline)
        try:
            self._faults.bring_back(devices, deadline)
        except (OSError, ValueError) as problem:
            result.not_healed.append(f"the server does not answer: {problem}")
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for call in self._open_calls():
            result.not_healed.append(f"answer {call.record.number} has not ended")
            call.cut(f"no end within {self._settings.healing:g} s after the last fault, "
                     f"{time.monotonic() - started:.1f} s of it waited")
        for thread in threads:
            thread.join(5)
        left = max(LAST_PATIENCE, deadline - time.monotonic())
        last = self._ask_once(left, left)
        if last.outcome != WHOLE:
            result.not_healed.append(f"answer {last.number}, asked for after the faults: {last.outcome}, {last.remark}")
        result.not_healed += self._unrest(devices, deadline + 2)
        result.healing_seconds = time.monotonic() - started

    def _unrest(self, devices: list[str], deadline: float) -> list[str]:
        """What the status still says when nothing should run any more."""
        while True:
            try:
                entities = {entity["device"]: entity for entity in self._server.entities()}
                found = [f"{device} has no entity any more" for device in devices if device not in entities]
                found += [f"{device} is {entity['state']}, {entity['running']} replies run and {entity['waiting']} wait"
                          for device, entity in entities.items()
                          if (entity["state"], entity["running"], entity["waiting"]) != ("ready", 0, 0)]
            except (OSError, ValueError) as problem:
                found = [f"the status does not come: {problem}"]
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(0.1)


def request_prefix(seed: int) -> str:
    """How the request ids of a campaign begin."""
    return f"chaos-{seed}-"
