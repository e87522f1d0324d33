"""llama.cpp's programs: how they are asked, and what their answers say."""
import json, os, shlex, subprocess
from pathlib import Path
from serving_servers import FORMATS


class Rival:
    """Runs llama.cpp's programs on the files PREFIX-q8_0.gguf, PREFIX-q4_0.gguf and PREFIX-bf16.gguf."""

    def __init__(self, command, prefix, threads):
        self.command = shlex.split(command)
        self._prefix = prefix
        self._threads = ["--threads", str(threads)]
        self.weights = {}  # bytes, by form, once llama-bench has said so

    def file(self, form):
        return f"{self._prefix}-{FORMATS[form].lower()}.gguf"

    def make_files(self, forms, folder, converter):
        """Makes those that are missing: converts the folder, then quantises."""
        for form in forms:
            if not os.path.exists(self.file(form)):
                self._make(form, folder, converter)

    def _make(self, form, folder, converter):
        if form == "bf16":
            return self._convert(folder, "bf16", self.file(form), converter)
        whole = f"{self._prefix}-f32.gguf"
        if not os.path.exists(whole):
            self._convert(folder, "f32", whole, converter)
        self.run("llama-quantize", whole, self.file(form), FORMATS[form])

    def _convert(self, folder, type_name, file, converter):
        self.run(*(word.format(folder=folder, type=type_name, file=file) for word in shlex.split(converter)))

    def run(self, *words):
        """What a command writes."""
        done = subprocess.run(self.command + list(words), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{shlex.join(words)} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
        return done.stdout

    def decode(self, form, streams, context, tokens):
        """Tokens a second of all streams together."""
        if streams > 1:
            return read_batched_bench(self.run(
                "llama-batched-bench", "--model", self.file(form), "--output-format", "jsonl",
                "-c", str(round_up(streams * (context + tokens), 256)), "-npp", str(context), "-ntg", str(tokens),
                "-npl", str(streams), *self._threads, "--threads-batch", self._threads[1]))
        return self._bench(form, "-p", "0", "-n", str(tokens), "-d", str(context))

    def prefill(self, form, context):
        return self._bench(form, "-p", str(context), "-n", "0")

    def _bench(self, form, *options):
        rate, self.weights[form] = read_bench(self.run("llama-bench", "-m", self.file(form), "-r", "1", "-o", "json",
                                                       *options, *self._threads))
        return rate


def round_up(number, step):
    return (number + step - 1) // step * step


def read_bench(text):
    """Tokens a second and bytes of weights of the only test of a llama-bench."""
    tests = json.loads(text[text.index("["):])
    if len(tests) != 1:
        raise ValueError(f"llama-bench answered with {len(tests)} tests, expected 1")
    return tests[0]["avg_ts"], tests[0]["model_size"]


def read_batched_bench(text):
    """Tokens a second, all streams together, of the only line of a llama-batched-bench."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    if len(lines) != 1:
        raise ValueError(f"llama-batched-bench answered with {len(lines)} lines, expected 1")
    return lines[0]["speed_tg"]


def parameters(folder):
    """Numbers in the matrices that every token needs, and in the head that only drawn ones need."""
    config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    hidden, layers, heads = (config[key] for key in ("hidden_size", "num_hidden_layers", "num_attention_heads"))
    head = config.get("head_dim") or hidden // heads
    queries, keys = heads * head, config.get("num_key_value_heads", heads) * head
    layer = hidden * (2 * queries + 2 * keys + 3 * config["intermediate_size"])
    return layers * layer, hidden * config["vocab_size"]
