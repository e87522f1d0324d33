"""Does what a strike says, to workers, entities and clients, and undoes at the end what is still to be undone."""
import collections, os, signal, subprocess, threading, time
from collections.abc import Callable, Sequence
import processes
from client import Call, Server, full_device
from fault_script import Strike
from machine import Machine

ADD_PATIENCE = 60.0      # seconds for a removed device to come back
COMMAND_PATIENCE = 60.0  # seconds for a command of `run`


class NoTarget(Exception):
    """There is nothing now that the fault could hit."""


class Faults:
    """`strike` picks its victim and returns; what takes longer goes on beside it. All counts are of this campaign."""

    def __init__(self, server: Server, pid: int | None, open_calls: Callable[[], Sequence[Call]],
                 machine: Machine | None = None):
        self.injected: collections.Counter = collections.Counter()
        self.moved_replies = 0
        self.problems: list[str] = []  # what the faults themselves met with, for the reader of the report
        self._server = server
        self._pid = pid
        self._open_calls = open_calls
        self._machine = machine
        self._killed: set[processes.Process] = set()
        self._stopped: set[processes.Process] = set()
        self._away: set[str] = set()  # devices between their removal and their return
        self._threads: list[threading.Thread] = []
        self._is_over = threading.Event()
        self._verbs = {"kill-serving": self._kill, "kill-worker": self._kill, "stop-serving": self._stop,
                       "stop-worker": self._stop, "remove-add": self._remove_and_add,
                       "kill-machine": self._kill_machine, "stop-machine": self._freeze_machine,
                       "cut-machine": self._cut_machine, "slow-client": self._slow,
                       "leave-client": self._leave, "run": self._run}

    def strike(self, what: Strike) -> None:
        """Throws NoTarget."""
        if what.ready and not is_about_client(what.verb):
            ready = sum(entity["state"] == "ready" for entity in self._server.entities())
            if ready < what.ready:
                raise NoTarget(f"{ready} entities are ready, it waits for {what.ready}")
        self._verbs[what.verb](what)
        self.injected[what.verb] += 1

    @property
    def server_faults(self) -> int:
        """Those that struck the server, not a client."""
        return sum(count for verb, count in self.injected.items() if not is_about_client(verb))

    def finish(self, deadline: float) -> None:
        """Lets stopped workers go on and waits for what is under way."""
        self._is_over.set()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                self.problems.append(f"{thread.name} has not ended")

    def bring_back(self, devices: Sequence[str], deadline: float) -> None:
        """Adds those of `devices` that have no entity, as far as the server lets it."""
        for device in set(devices) - {entity["device"] for entity in self._server.entities()}:
            self._add(device, deadline)

    # -- workers --

    def _worker(self, what: Strike) -> processes.Process:
        if self._pid is None:
            raise NoTarget("without --pid no worker is known")
        found = {worker: device for worker, device in self._workers().items() if worker not in self._killed}
        if what.verb.endswith("-serving"):
            serving = {entity["device"] for entity in self._server.entities()
                       if entity["state"] == "ready" and entity["running"]}
            found = {worker: device for worker, device in found.items() if device in serving}
        return pick(sorted(found), what.lot, f"process {self._pid} has no such child")

    def _workers(self) -> dict[processes.Process, str]:
        """Those of all machines, and their devices."""
        found = {worker: processes.device_of(worker) for worker in processes.workers(self._pid)}
        if self._machine:
            found |= {worker: full_device(self._machine.name, processes.device_of(worker))
                      for worker in self._machine.workers()}
        return found

    def _kill(self, what: Strike) -> None:
        worker = self._worker(what)
        self._killed.add(worker)
        signal_to(worker, signal.SIGKILL)

    def _stop(self, what: Strike) -> None:
        worker = self._worker(what)
        if worker in self._stopped:
            raise NoTarget("the worker is stopped already")
        self._stopped.add(worker)
        signal_to(worker, signal.SIGSTOP)
        self._beside(what.verb, lambda: self._continue(worker, what.lasting))

    def _continue(self, worker: processes.Process, lasting: float) -> None:
        self._is_over.wait(lasting)
        if processes.is_alive(worker):
            processes.signal_to(worker, signal.SIGCONT)
        self._stopped.discard(worker)

    # -- machines --

    def _kill_machine(self, what: Strike) -> None:
        self._hurt_machine(what, Machine.die, Machine.start)

    def _freeze_machine(self, what: Strike) -> None:
        self._hurt_machine(what, Machine.freeze, Machine.thaw)

    def _cut_machine(self, what: Strike) -> None:
        self._hurt_machine(what, Machine.cut, Machine.heal)

    def _hurt_machine(self, what: Strike, hurt: Callable[[Machine], None], mend: Callable[[Machine], None]) -> None:
        if self._machine is None:
            raise NoTarget("there is no second machine")
        machine = self._machine
        if not any(entity["device"].startswith(f"{machine.name}/") and entity["state"] == "ready"
                   for entity in self._server.entities()):
            raise NoTarget("the second machine has no entity that is ready")
        if not machine.claim():
            raise NoTarget("the second machine is not well already")

        def go_and_return() -> None:
            try:
                hurt(machine)
                self._is_over.wait(what.lasting)
                mend(machine)
            finally:
                machine.release()

        self._beside(what.verb, go_and_return)

    # -- entities --

    def _remove_and_add(self, what: Strike) -> None:
        present = {entity["device"] for entity in self._server.entities() if entity["state"] != "leaving"}
        device = pick(sorted(present - self._away), what.lot, "no entity can be removed")
        self._away.add(device)
        self._beside(f"remove-add of {device}", lambda: self._go_and_return(device, what.lasting))

    def _go_and_return(self, device: str, lasting: float) -> None:
        try:
            status, answer = self._server.ask("POST", f"{self._server.path}/remove", {"device": device})
            if status == 200:
                self.moved_replies += answer.get("moved_replies", 0)
            else:
                self.problems.append(f"remove {device}: {status} {answer['error']['message']}")
            self._is_over.wait(lasting)
        finally:
            self._add(device, time.monotonic() + ADD_PATIENCE)
            self._away.discard(device)

    def _add(self, device: str, deadline: float) -> None:
        """Until it is there: a worker may be lost while it loads."""
        said = "there was no time"
        while (left := deadline - time.monotonic()) > 0:
            status, answer = self._server.ask("POST", f"{self._server.path}/add", {"device": device}, timeout=left)
            if status == 200 or answer["error"]["code"] == "device_in_use":
                return
            said = f"{status} {answer['error']['message']}"
            time.sleep(0.1)
        self.problems.append(f"add {device}: {said}")

    # -- clients --

    def _slow(self, what: Strike) -> None:
        pick(self._open_calls(), what.lot, "no answer is under way").sleep(what.lasting)

    def _leave(self, what: Strike) -> None:
        pick(self._open_calls(), what.lot, "no answer is under way").leave()

    # -- anything else --

    def _run(self, what: Strike) -> None:
        self._beside(f"run {what.command}", lambda: self._run_command(what))

    def _run_command(self, what: Strike) -> None:
        environment = os.environ | {"CHAOS_LOT": f"{what.lot:.6f}", "CHAOS_PID": str(self._pid or "")}
        done = subprocess.run(what.command, shell=True, env=environment, timeout=COMMAND_PATIENCE, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode:
            self.problems.append(f"run {what.command}: status {done.returncode} {done.stderr.strip()[-200:]}")

    def _beside(self, name: str, work: Callable[[], object]) -> None:
        def watched() -> None:
            try:
                work()
            except Exception as error:  # a fault that fails is reported, it never ends the campaign
                self.problems.append(f"{name}: {error!r}")

        self._threads = [thread for thread in self._threads if thread.is_alive()]
        self._threads.append(threading.Thread(target=watched, name=name, daemon=True))
        self._threads[-1].start()


def is_about_client(verb: str) -> bool:
    return verb.endswith("-client")


def pick(candidates: Sequence, lot: float, otherwise: str):
    """The candidate that `lot` falls on."""
    if not candidates:
        raise NoTarget(otherwise)
    return candidates[int(lot * len(candidates))]


def signal_to(process: processes.Process, number: int) -> None:
    if not processes.signal_to(process, number):
        raise NoTarget(f"process {process.pid} ended by itself")
