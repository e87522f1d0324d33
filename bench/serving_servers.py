"""Starts and stops the two programs, tells when they are ready and what they use."""
import json, os, shlex, signal, socket, subprocess, tempfile, time, urllib.request
from dataclasses import dataclass
from pathlib import Path

FORMATS = {"bf16": "BF16", "fp32": "F32", "int8": "Q8_0", "int4": "Q4_0"}  # as llama.cpp calls them


@dataclass(frozen=True)
class Sizes:
    slots: int    # replies that run together
    context: int  # tokens of the prompt and the reply of one
    threads: int


class Program:
    """A program with what it has written; `with` stops it."""

    def __init__(self, name, command):
        self.name = name
        # Opened to append, or whoever reads it would move the place where the program writes.
        self._log = tempfile.NamedTemporaryFile("ab")
        # A session of its own, so that whatever the command starts ends with it.
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
                                        start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for sign, patience in ((signal.SIGTERM, 20), (signal.SIGKILL, 20)):
            try:
                os.killpg(self.process.pid, sign)
                self.process.wait(patience)
                break
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                pass
        self._log.close()

    def logged(self):
        """All that it wrote."""
        return Path(self._log.name).read_text(errors="replace")

    def said(self):
        """The end of it."""
        return self.logged()[-2000:]


class Server(Program):
    """A program that is ready to answer on `address`."""

    def __init__(self, name, model, command, ready_path):
        self.model = model
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = free.getsockname()
        super().__init__(name, command + ["--port", str(self.address[1])])
        try:
            self._wait_until_ready(ready_path)
        except BaseException:
            self.stop()
            raise

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.address[1]}{path}", timeout=10) as answer:
            return json.load(answer)

    def post(self, path, body):
        url = f"http://127.0.0.1:{self.address[1]}{path}"
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def memory(self):
        """MB of the largest process: the most that was ever resident, and what of it is no file's now."""
        sizes = [status_of(pid) for pid in tree(self.process.pid)]
        largest = max(sizes, key=lambda size: size.get("VmHWM", 0))
        if "VmHWM" not in largest:
            raise SystemExit(f"{self.name} has ended:\n{self.said()}")
        return largest["VmHWM"] / 1e3, largest["RssAnon"] / 1e3

    def cpu_seconds(self):
        return sum(process_cpu_seconds(pid) for pid in tree(self.process.pid))

    def _wait_until_ready(self, path):
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} ended with status {self.process.returncode}:\n{self.said()}")
            try:
                self.get(path)
                return
            except (OSError, ValueError):  # not yet listening, or 503
                time.sleep(0.01)
        raise SystemExit(f"{self.name} does not get ready:\n{self.said()}")


# Options of our server: any number of requests may wait for any time.
NO_QUEUE_LIMITS = ["--max-queued", "100000", "--max-queued-tokens", "1000000000", "--queue-timeout", "0"]


def start_ours(program, folder, dtype, sizes, folder_for_config, **more):
    """Keys and values get room for what all slots can hold, as in `start_theirs`. `more` are params of the entry, which
    does not guess ahead unless they say so: a random network soon repeats itself."""
    config = Path(folder_for_config) / "config.json"
    params = {"path": str(Path(folder).resolve()), "dtype": dtype, "context_length": sizes.context,
              "kv_cache_memory": sizes.slots * sizes.context * bytes_of_token(folder), "speculation": "off", **more}
    config.write_text(json.dumps({"bench": {"name": "causal_lm", "params": params}}))
    return Server("ours", "bench",
                  [program, "--config", str(config), "--model", "bench", "--device", "cpu", "--log-level", "warning",
                   "--threads", str(sizes.threads), "--batch-size", str(sizes.slots), *NO_QUEUE_LIMITS],
                  "/health/ready")


def bytes_of_token(folder):
    """What the keys and values of one token take in our server: fp32, heads filled up to 16 numbers."""
    config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    heads = config["num_attention_heads"]
    head = config.get("head_dim") or config["hidden_size"] // heads
    padded = (head + 15) // 16 * 16
    return 4 * 2 * padded * config.get("num_key_value_heads", heads) * config["num_hidden_layers"]


def start_theirs(rival, gguf, dtype, options, sizes):
    """Without its cache of finished prompts beside the slots, which grows to 8 GB and is not what it is compared in."""
    server = Server("llama-server", "bench", shlex.split(rival)
                    + ["llama-server", "--model", gguf, "--host", "127.0.0.1", "--threads", str(sizes.threads),
                       "--threads-batch", str(sizes.threads), "--parallel", str(sizes.slots),
                       "--ctx-size", str(sizes.slots * sizes.context), "--cache-ram", "0"] + shlex.split(options),
                    "/health")
    try:
        check(server, dtype, sizes)
    except BaseException:
        server.stop()
        raise
    return server


def check(server, dtype, sizes):
    """Slots share --ctx-size or divide it, by version and options; and the format stands in the file alone."""
    slots = [slot["n_ctx"] for slot in server.get("/slots")]
    if len(slots) != sizes.slots or min(slots) < sizes.context:
        raise SystemExit(f"{server.name} has slots of {slots} tokens, expected {sizes.slots} of {sizes.context}")
    found, expected = server.get("/props")["model_ftype"], FORMATS[dtype]
    if expected not in found:
        raise SystemExit(f"{server.name} has weights in {found}, ours are {dtype}: give a GGUF file in {expected}")


def children(pid):
    """Of all its threads: the one that starts workers is not the first."""
    found = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, file.read_text().split())
        except OSError:
            pass  # the thread has ended meanwhile
    return found


def tree(pid):
    """The process and all that it started."""
    found = [pid]
    for parent in found:
        found += children(parent)
    return found


def process_cpu_seconds(pid):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def machine_cpu_seconds():
    """What all cores have spent, and what was taken from them by other virtual machines; without idling."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def status_of(pid):
    """Sizes in kB, by their names in /proc/PID/status."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith(" kB")}
