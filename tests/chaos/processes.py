"""Worker processes of a server on this machine, as /proc tells them."""
import os, time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

WORKER_OPTION = b"--worker-process"


class Process(NamedTuple):
    """Numbers are given again; number and time of its start together are not."""
    pid: int
    started: int


def stat_of(pid: int) -> tuple[str, int, int] | None:
    """State, parent and start of a process; None if there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[1]), int(fields[19])


def children(pid: int) -> dict[Process, str]:
    """Direct children and their states; Z is one that has ended and has not been waited for."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (stat := stat_of(int(name))) and stat[1] == pid:
            found[Process(int(name), stat[2])] = stat[0]
    return found


def wait_until_stopped(pid: int, patience: float) -> None:
    """Throws RuntimeError if it is not in time. One that has ended counts as stopped."""
    wait_until(lambda: (stat_of(pid) or "Z")[0] in "TZX", patience, f"process {pid} does not stop")


def reap(orphan: Process, patience: float) -> None:
    """Waits for the end of a process that this one has adopted. Throws RuntimeError if it does not come."""
    wait_until(lambda: not is_alive(orphan), patience, f"process {orphan.pid} outlives its parent")
    try:
        os.waitpid(orphan.pid, 0)
    except ChildProcessError:
        pass  # its parent had waited for it


def wait_until(comes_true: Callable[[], bool], patience: float, otherwise: str) -> None:
    deadline = time.monotonic() + patience
    while not comes_true():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{otherwise} within {patience:g} s")
        time.sleep(0.01)


def signal_to(process: Process, number: int) -> bool:
    """False if it has ended by itself."""
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def is_alive(process: Process) -> bool:
    stat = stat_of(process.pid)
    return stat is not None and stat[2] == process.started and stat[0] not in "ZX"


def device_of(worker: Process) -> str:
    """What follows the option is the model and the device; empty if it does not."""
    words = arguments(worker.pid)
    place = words.index(WORKER_OPTION) + 2 if WORKER_OPTION in words else len(words)
    return words[place].decode() if place < len(words) else ""


def workers(pid: int) -> list[Process]:
    """The children of server `pid` that run a model, in order of their numbers."""
    return sorted(process for process in children(pid) if WORKER_OPTION in arguments(process.pid))


def arguments(pid: int) -> list[bytes]:
    """None of a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
