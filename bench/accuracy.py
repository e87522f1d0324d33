#!/usr/bin/env python3
"""How far int8, int4 and bf16 are from fp32 of the same model, beside the weights of llama.cpp's formats.

    bench/accuracy.py --build build/release --model FOLDER --prompts FILE... [--gguf FILE... [--rival COMMAND]]

Call it in the root of the project. FOLDER is a Hugging Face folder of a trained model: of random weights the figures say
nothing. Prompts are texts, one a line, or lines of JSON that have one under a usual name. fp32 answers greedily; the other
forms read the same prompt and reply, so all are compared at the same places. Each GGUF file, made from FOLDER, has
up to two rows (--rows):
  weights  what the file's weights are worth, read by gguf_folder.py, run in fp32 by the same program. What llama.cpp loses
           besides, by rounding activations and its cache, does not count, and ours loses that too
  server   llama-server with that file, asked for all probabilities of each place: slow for large vocabularies
COMMAND is put before llama-server, and before python3 where the Python package gguf is installed; it must see this folder
as its own.

Columns:
  error  of the scores, relative: root of the summed squares of the differences by that of the scores, means taken out
  KL     divergence of the probabilities of the next token from fp32's, in thousandths of a nat; mean, and what 99 of 100
         places do not exceed
  same   places where the likeliest token is fp32's
"""
import argparse, array, json, os, shlex, subprocess, tempfile
from pathlib import Path
from serving_servers import Server

NAMES = ("prompt", "text", "instruction", "question", "turns")


def text_of(line):
    """The prompt of a line; nothing where there is none."""
    try:
        found = json.loads(line)
    except ValueError:
        return line.strip()
    if isinstance(found, dict):
        found = next((found[name] for name in NAMES if found.get(name)), "")
    while isinstance(found, list) and found:
        found = found[0]
    if isinstance(found, dict):
        found = found.get("content", "")
    return " ".join(found.split()) if isinstance(found, str) else ""


def prompts_of(files, count):
    """Up to `count` of each file, from all of its parts."""
    result = []
    for file in files:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
        texts = [text for text in map(text_of, lines) if text]
        result += texts[::max(1, len(texts) // count)][:count]
    return result


def rows(answers, names):
    yield f"{'':40}{'error':>10}{'KL mean':>12}{'KL p99':>12}{'same':>10}"
    for name, found in zip(names, answers):
        yield (f"{name:40}{found['error']:>10.2%}{1e3 * found['kl']:>12.4f}{1e3 * found['kl_p99']:>12.4f}"
               f"{found['same']:>10.2%}")


def compare(args, prompts, forms):
    """What the program says of the forms; of a single one its replies."""
    words = [word for form in forms for word in ["--", *form]][1:]
    done = subprocess.run([f"{args.build}/bench/accuracy", str(args.threads), str(args.prompt), str(args.tokens), *words],
                          input="".join(prompt + "\n" for prompt in prompts), stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(done.returncode)
    return [json.loads(line) for line in done.stdout.splitlines()]


def weights_form(args, file, out):
    script = os.path.relpath(Path(__file__).with_name("gguf_folder.py"))
    subprocess.run(shlex.split(args.rival) + ["python3", script, args.model, file, out], check=True)
    return [f"path={out}", "dtype=fp32"]


def server_form(args, file, replies, out):
    """A file with the numbers of all places, as the server gives them."""
    command = shlex.split(args.rival) + ["llama-server", "--model", file, "--host", "127.0.0.1", "--parallel", "1",
                                         "--threads", str(args.threads), "--ctx-size", str(args.prompt + args.tokens + 1)]
    with Server("llama-server", "bench", command, "/health") as server, open(f"{out}.scores", "wb") as scores:
        vocabulary = server.get("/v1/models")["data"][0]["meta"]["n_vocab"]
        for prompt, reply in replies:
            for place in range(len(reply)):
                answer = server.post("/completion", {"prompt": prompt + reply[:place], "n_predict": 1, "temperature": 0,
                                                     "n_probs": vocabulary})
                scores.write(logprobs(answer, vocabulary).tobytes())
    return [f"scores={out}.scores"]


def logprobs(answer, vocabulary):
    best = answer["completion_probabilities"][0]["top_logprobs"]
    if sorted(each["id"] for each in best) != list(range(vocabulary)):
        raise SystemExit(f"llama-server told {len(best)} probabilities, expected {vocabulary}")
    return array.array("f", [each["logprob"] for each in sorted(best, key=lambda each: each["id"])])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--build", required=True, metavar="FOLDER", help="where the programs were built")
    add("--model", required=True, metavar="FOLDER")
    add("--prompts", required=True, nargs="+", metavar="FILE")
    add("--gguf", nargs="+", default=[], metavar="FILE")
    add("--rival", default="", metavar="COMMAND", help="what to put before python3")
    add("--form", nargs="+", default=["quantize=int8", "quantize=int4", "quantize=bf16"], metavar="NAME=VALUE,...",
        help="params of our forms (default: %(default)s), of FOLDER unless they begin with a path=")
    add("--rows", nargs="+", default=["weights", "server"], choices=["weights", "server"], help="of each GGUF file")
    add("--count", type=int, default=20, help="prompts of each file (default 20)")
    add("--prompt", type=int, default=128, help="tokens of a prompt at most (default 128)")
    add("--tokens", type=int, default=64, help="tokens of a reply (default 64)")
    add("--threads", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    prompts = prompts_of(args.prompts, args.count)
    reference = [f"path={args.model}", "dtype=fp32"]
    forms = {form: [*([] if form.startswith("path=") else [f"path={args.model}"]), *form.split(",")] for form in args.form}
    replies = compare(args, prompts, [reference]) if args.gguf and "server" in args.rows else []
    with tempfile.TemporaryDirectory(dir=".", prefix="accuracy-") as folder:
        for number, file in enumerate(args.gguf):
            out, name = f"{os.path.basename(folder)}/{number}", Path(file).name
            if "weights" in args.rows:
                forms[f"{name} weights"] = weights_form(args, file, out)
            if "server" in args.rows:
                forms[f"{name} server"] = server_form(args, file, replies, out)
        answers = compare(args, prompts, [reference, *forms.values()])
    print(f"{args.model}: {len(prompts)} prompts, {answers[0]['places']} places, against fp32")
    print("\n".join(rows(answers, forms)))


if __name__ == "__main__":
    main()
