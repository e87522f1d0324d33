"""A second machine, played by a process of this one, and the network between it and the front."""
import signal, socket, subprocess, threading, time
from pathlib import Path
import processes

NAME = "node-b"
GRACE = 5.0  # seconds for the processes of a dead machine to be gone


class Machine:
    """Its methods may be called on any thread, one at a time: who has `claim`ed it calls them until `release`."""

    def __init__(self, command: list[str], front_port: int, log: Path):
        self.name = NAME
        self._network = Network(front_port)
        self._command = [*command, "--join", f"127.0.0.1:{self._network.port}", "--node-name", NAME]
        self._log = log
        self._claimed = threading.Lock()
        self.start()

    def claim(self) -> bool:
        return self._claimed.acquire(blocking=False)

    def release(self) -> None:
        self._claimed.release()

    def start(self) -> None:
        with open(self._log, "ab") as err:
            self.process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=err)

    def die(self) -> None:
        """SIGKILL to everything that runs on it. Throws RuntimeError if something outlives that."""
        self.process.send_signal(signal.SIGSTOP)  # or a worker could begin unseen
        processes.wait_until_stopped(self.process.pid, GRACE)
        children = processes.children(self.process.pid)
        for child in children:
            processes.signal_to(child, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        for child in children:
            processes.reap(child, GRACE)

    def freeze(self) -> None:
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def cut(self) -> None:
        """Nothing passes the network any more, and nobody is told."""
        self._network.cut()

    def heal(self) -> None:
        self._network.heal()

    def workers(self) -> list[processes.Process]:
        return processes.workers(self.process.pid)

    def stop(self, patience: float) -> list[str]:
        """SIGTERM; gives what was wrong about the end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            return [f"{NAME} has not ended {patience:g} s after SIGTERM"]
        return [f"the exit status of {NAME} is {status}"] if status else []

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _signal_all(self, number: int) -> None:
        for worker in self.workers():
            processes.signal_to(worker, number)
        self.process.send_signal(number)


class Network:
    """Connections to a port of its own go on to `target` on this machine, as long as nobody cuts it."""

    def __init__(self, target: int):
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._passes = threading.Event()
        self._passes.set()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._passes.clear()

    def heal(self) -> None:
        """What was connected before is not any more; whoever connected meanwhile neither."""
        with self._lock:
            broken, self._open = self._open, set()
        for end in broken:
            shut(end)
        self._passes.set()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                near.close()
                continue
            with self._lock:
                self._open |= {near, far}
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self._passes.wait()
                with self._lock:
                    if source not in self._open:
                        return
                sink.sendall(data)
        except OSError:
            pass  # one of them has ended, so the other does
        finally:
            with self._lock:
                self._open -= {source, sink}
            shut(sink)
            source.close()


def shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it has ended
