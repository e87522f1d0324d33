"""Our program with workers of either form, and a second machine beside it; what its log, /proc and its status tell."""
import json, os, re, signal, time
from pathlib import Path
from serving_servers import Program, Server, bytes_of_token, children

PATIENCE = 120  # seconds for what takes a few on a machine that nobody else uses


def write_config(folder, model, slots, context):
    """One list of models for all servers: a real one, and two without weights. Slots and context limit its memory."""
    params = {"path": str(Path(model).resolve()), "context_length": context,
              "kv_cache_memory": slots * context * bytes_of_token(model)}
    config = Path(folder) / "config.json"
    config.write_text(json.dumps({"bench": {"name": "causal_lm", "params": params}, "echo": {"name": "echo"},
                                  "fault": {"name": "fault", "params": {"enable": True}}}))
    return config


class Ours(Server):
    """With workers on all of `devices` ready."""

    def __init__(self, name, program, config, model, *options, devices=("cpu",)):
        super().__init__(name, model, [program, "--config", str(config), "--model", model, "--device", *devices,
                                       *options], "/health/ready")
        try:
            self.wait_until_all_are_ready(len(devices))
        except BaseException:
            self.stop()
            raise

    def entities(self):
        return self.get("/api/v1/")["models"][self.model]["entities"]

    def wait_until_all_are_ready(self, count):
        """The path of `Server` is content with one."""
        wait_until(lambda: [entity["state"] for entity in self.entities()] == count * ["ready"],
                   f"{count} ready workers", self)

    def serving_worker(self):
        """The process that has the only reply under way; None as long as the status, which comes a little behind, does
        not know it, or still has one that has ended."""
        busy = [entity["device"] for entity in self.entities() if entity["running"]]
        return worker_of(self.process.pid, self.model, busy[0]) if len(busy) == 1 else None


class Machine(Program):
    """A second program that offers its devices to `front`."""

    def __init__(self, program, config, front, name="node-b"):
        self.front = front
        joined = front.logged().count("node_joined")
        super().__init__(name, [program, "--config", str(config), "--join",
                                f"127.0.0.1:{cluster_port(front.logged())}", "--node-name", name])
        try:
            wait_until(lambda: front.logged().count("node_joined") > joined, f"{name} to join", front)
            front.post(f"/api/v1/{front.model}/add", {"device": f"{name}/cpu"})
            front.post(f"/api/v1/{front.model}/remove", {"device": "cpu"})
        except BaseException:
            self.stop()
            raise

    def signal(self, which):
        """To the program and its workers, as if the whole machine got it."""
        for pid in [self.process.pid] + children(self.process.pid):
            os.kill(pid, which)

    def seconds_until_lost(self):
        """Freezes it, waits for the front to notice, and lets it come back."""
        lost = self.front.logged().count("node_lost")
        frozen = time.perf_counter()
        try:
            self.signal(signal.SIGSTOP)
            wait_until(lambda: self.front.logged().count("node_lost") > lost, "node_lost", self.front)
            seconds = time.perf_counter() - frozen
        finally:
            self.signal(signal.SIGCONT)
        self.front.wait_until_all_are_ready(1)
        return seconds


def wait_until(condition, what, server):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline or server.process.poll() is not None:
            raise SystemExit(f"{server.name}: waited for {what} in vain:\n{server.said()}")
        time.sleep(0.002)


def cluster_port(log):
    return int(re.search(r"cluster_listening .*port=(\d+)", log)[1])


def attempts(log, request_id):
    """How many workers a reply has had; None as long as it has not ended."""
    found = re.search(rf"request_done request_id={re.escape(request_id)} .*attempts=(\d+)", log)
    return int(found[1]) if found else None


def worker_of(pid, model, device):
    wanted = f"--worker-process\0{model}\0{device}\0".encode()
    for child in children(pid):
        if wanted in Path(f"/proc/{child}/cmdline").read_bytes():
            return child
    raise SystemExit(f"no process of {model} on {device} below {pid}")
