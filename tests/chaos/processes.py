"""Worker processes of a server on this machine, as /proc tells them."""
import os
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
