#!/usr/bin/env python3
"""How far int8, int4 and bf16 are from fp32 of the same model, beside the weights of llama.cpp's formats.

    bench/accuracy.py --build build/release --model FOLDER --prompts FILE... [--gguf FILE... [--rival COMMAND]]

Call it in the root of the project. FOLDER is a Hugging Face folder of a trained model: of random weights the figures say
nothing. Prompts are texts, one a line, or lines of JSON that have one under a usual name. fp32 answers greedily; the other
forms read the same prompt and reply, so all are compared at the same places. Each GGUF file, made from FOLDER, is
turned back into numbers by gguf_folder.py and run in fp32 by the same program: so the files are compared, and what llama.cpp
loses besides, by rounding activations and its cache, does not count. Ours loses that too: the comparison favours the files.
COMMAND is put before python3 where the Python package gguf is installed; it must see this folder as its own.

Columns:
  error  of the scores, relative: root of the summed squares of the differences by that of the scores, means taken out
  KL     divergence of the probabilities of the next token from fp32's, in thousandths of a nat; mean, and what 99 of 100
         places do not exceed
  same   places where the likeliest token is fp32's
"""
import argparse, json, os, shlex, subprocess, tempfile
from pathlib import Path

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
    yield f"{'':32}{'error':>10}{'KL mean':>12}{'KL p99':>12}{'same':>10}"
    for name, found in zip(names, answers):
        yield (f"{name:32}{found['error']:>10.2%}{1e3 * found['kl']:>12.4f}{1e3 * found['kl_p99']:>12.4f}"
               f"{found['same']:>10.2%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--build", required=True, metavar="FOLDER", help="where the programs were built")
    add("--model", required=True, metavar="FOLDER")
    add("--prompts", required=True, nargs="+", metavar="FILE")
    add("--gguf", nargs="+", default=[], metavar="FILE")
    add("--rival", default="", metavar="COMMAND", help="what to put before python3")
    add("--form", nargs="+", default=["quantize=int8", "quantize=int4", "quantize=bf16"], metavar="NAME=VALUE,...",
        help="params of our forms (default: %(default)s)")
    add("--count", type=int, default=20, help="prompts of each file (default 20)")
    add("--prompt", type=int, default=128, help="tokens of a prompt at most (default 128)")
    add("--tokens", type=int, default=64, help="tokens of a reply (default 64)")
    add("--threads", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    prompts = prompts_of(args.prompts, args.count)
    with tempfile.TemporaryDirectory(dir=".", prefix="accuracy-") as folder:
        forms = [[f"path={args.model}", "dtype=fp32"]] + [[f"path={args.model}", *form.split(",")] for form in args.form]
        for number, file in enumerate(args.gguf):
            out = f"{os.path.basename(folder)}/{number}"
            script = os.path.relpath(Path(__file__).with_name("gguf_folder.py"))
            subprocess.run(shlex.split(args.rival) + ["python3", script, args.model, file, out], check=True)
            forms.append([f"path={out}", "dtype=fp32"])
        words = [word for form in forms for word in ["--", *form]][1:]
        done = subprocess.run([f"{args.build}/bench/accuracy", str(args.threads), str(args.prompt), str(args.tokens), *words],
                              input="".join(prompt + "\n" for prompt in prompts), stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(done.returncode)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    print(f"{args.model}: {len(prompts)} prompts, {answers[0]['places']} places, against fp32")
    print("\n".join(rows(answers, args.form + [Path(file).name for file in args.gguf])))


if __name__ == "__main__":
    main()
