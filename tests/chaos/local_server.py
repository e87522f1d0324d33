"""The real program with the entry `fault` on several devices, and what must be left of it: nothing."""
import ctypes, json, os, re, signal, subprocess, time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
import processes
from client import Server, full_device
from machine import Machine

T = TypeVar("T")
MODEL = "fault"
READY_PATIENCE = 60.0  # seconds
STOP_PATIENCE = 60.0   # seconds, more than the server's own limit for replies in progress
GRACE = 2.0            # seconds for a process that has been told to end
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Makes this process the parent of whoever loses his own below it, so that no orphan goes unseen."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


class LocalServer:
    """Its log and its configuration are in `folder`."""

    def __init__(self, program: str, folder: Path, devices: int, machines: int, options: list[str]):
        """`devices` is of each machine, of which there are 1 or 2."""
        config = folder / "config.json"
        config.write_text(json.dumps({MODEL: {"name": "fault", "params": {"enable": True}}}))
        self._devices = ["cpu"] + [f"virtual:{number}" for number in range(devices - 1)]
        self.log = folder / "server.log"
        self.machine: Machine | None = None
        self._said = folder / "server.out"
        self._machine_log = folder / "machine.log"
        self._of_each = [program, "--config", str(config), "--virtual-devices", str(devices - 1), "--log-format",
                         "text", "--log-level", "info", "--heartbeat-interval", "100ms", "--heartbeat-timeout", "1s"]
        command = [*self._of_each, "--model", MODEL, "--device", *self._devices, "--port", "0",
                   "--restart-pause", "10ms", "--restart-pause-most", "200ms", "--restart-limit", "0",
                   "--max-attempts", "100", "--worker-wait", "10m", *options]
        if machines > 1:
            command += ["--cluster-listen", "127.0.0.1:0"]
        with open(self._said, "wb") as out, open(self.log, "wb") as err:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        self._wants_machine = machines > 1

    def wait_until_ready(self) -> Server:
        """Until every device serves, those of the second machine too."""
        found = self._wait_for(lambda: re.search(r"listening on http://(\S+)", self._said.read_text()))
        server = Server(found[1], MODEL)
        self._wait_for(lambda: server.ask("GET", "/health/ready", timeout=5)[0] == 200)
        if self._wants_machine:
            self._add_machine(server)
        self._wait_for(lambda: all(entity["state"] == "ready" for entity in server.entities()))
        return server

    def _add_machine(self, server: Server) -> None:
        port = self._wait_for(lambda: re.search(r"cluster_listening .*\bport=(\d+)", self.log.read_text()))[1]
        self.machine = Machine(self._of_each, int(port), self._machine_log)
        self._wait_for(lambda: "node_joined" in self.log.read_text())
        for device in self._devices:
            status, answer = server.ask("POST", f"{server.path}/add",
                                        {"device": full_device(self.machine.name, device)})
            if status != 200:
                raise SystemExit(f"add {device}: {status} {answer['error']['message']}")

    def _wait_for(self, question: Callable[[], T]) -> T:
        """Its first answer that is true."""
        deadline = time.monotonic() + READY_PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise SystemExit(f"the server ended with status {self.process.returncode}:\n{self.log.read_text()}")
            if answer := question():
                return answer
            time.sleep(0.05)
        raise SystemExit(f"the server does not get ready:\n{self.log.read_text()}")

    def zombies(self) -> list[str]:
        """Children of the running server that have ended and that it has not waited for, and does not soon."""
        deadline, found = time.monotonic() + GRACE, True
        while found and time.monotonic() < deadline:
            time.sleep(0.05)
            found = [child.pid for child, state in processes.children(self.process.pid).items() if state == "Z"]
        return [f"zombies of the running server: {found}"] if found else []

    def stop(self) -> list[str]:
        """SIGTERM; gives what was wrong about the end. This process must have no other children."""
        wrong = self.machine.stop(STOP_PATIENCE) if self.machine else []
        if self.process.poll() is not None:
            return [*wrong, f"the server ended by itself, with status {self.process.returncode}"]
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            return [*wrong, f"the server has not ended {STOP_PATIENCE:g} s after SIGTERM"]
        return wrong + ([f"the exit status is {status}"] if status else []) + left_behind()

    def kill(self) -> None:
        """The server and what it has left, for the case that `stop` was not reached."""
        if self.machine:
            self.machine.kill()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        left_behind()


def left_behind() -> list[str]:
    """Processes that the server has left, which this process has adopted. They are gone afterwards."""
    deadline = time.monotonic() + GRACE
    alive = left = processes.children(os.getpid())
    while alive and time.monotonic() < deadline:
        time.sleep(0.05)
        alive = [process for process in left if processes.is_alive(process)]
    for process in alive:
        os.kill(process.pid, signal.SIGKILL)
    for process in left:
        os.waitpid(process.pid, 0)
    return ([f"{len(left)} processes are left, {len(alive)} of them still ran {GRACE:g} s later: "
             f"{[process.pid for process in left]}"] if left else [])
