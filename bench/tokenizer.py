#!/usr/bin/env python3
"""Megabytes of text a second of the tokenizer beside the Hugging Face library, or for a tokenizer.model beside the
sentencepiece library, alternating in one run, on one thread each.

    bench/tokenizer.py --program build/release/bench/tokenizer --texts FOLDER... --tokenizers FILE... [--rival COMMAND]

Call it in the root of the project. The texts are the strings of the JSON and the lines of the text files in FOLDERs; tokenizers are
tokenizer.json and tokenizer.model files. COMMAND is put before `python3`, to run it where the libraries are installed; it must see
this folder as its own. With --random N that many random strings are taken instead of files. Prints the median of each and of the ratios of
neighbouring runs, and how many texts have other tokens.
"""
import argparse, json, os, random, shlex, shutil, statistics, tempfile
from pathlib import Path
from decode import ask_line, machine, start

ALPHABET = ["a", "B", "the", " ", "  ", "\n", "\r\n", "\t", "'s", "'", "1", "23", ".", "...", "-", "_", "<|im_end|>", "</s>", "[CLS]", "##",
            "é", "e\u0301", "ß", "İ", "Σ", "я", "中", "日本語", "ひ", "カ", "ー", "각", "ا", "न", "्", "ก", "😀", "👩‍👧", "\u200b", "\u00a0", "\u3000",
            "\u2581", "ﬁ", "Ａ", "½", "²", "Ⅷ", "𝔘", "\u0323\u0301", "\x00", "\x7f", "\ufffd", "\ufeff", "\u2028", "x", "y", "z", "qu", "ing"]


def strings_of(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for inside in value.values() if isinstance(value, dict) else value:
            yield from strings_of(inside)


def texts_of(path):
    text = path.read_bytes().decode("utf-8", errors="replace")
    if path.suffix == ".json":
        yield from strings_of(json.loads(text))
    elif path.suffix == ".jsonl":
        for line in text.split("\n"):
            if line.strip():
                yield from strings_of(json.loads(line))
    else:
        yield text


def gather(folders):
    for folder in folders:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and path.suffix in (".json", ".jsonl", ".txt", ".md") and path.name != "PROVENANCE.jsonl":
                yield from (text for text in texts_of(path) if text and not any("\ud800" <= letter < "\ue000" for letter in text))


def make_random(count):
    generator = random.Random(1)
    for _ in range(count):
        yield "".join(generator.choice(ALPHABET) for _ in range(generator.randint(1, 30)))


def write_texts(texts, path):
    with open(path, "wb") as file:
        for text in texts:
            content = text.encode()
            file.write(b"%d\n" % len(content) + content)


def compare(args, source, texts, folder):
    """A line of the table."""
    # In a folder of its own: of several files in one, one would be chosen.
    own = tempfile.mkdtemp(dir=folder)
    file = f"{own}/tokenizer{Path(source).suffix}"
    shutil.copyfile(source, file)
    name = Path(source).parent.name if Path(source).stem == "tokenizer" else Path(source).stem
    commands = [[args.program, file, f"{folder}/texts"]]
    if args.rival:
        script = os.path.relpath(Path(__file__).with_name("tokenizer_rival.py"))
        commands.append(shlex.split(args.rival) + ["python3", script, file, f"{folder}/texts"])
    programs = [start(command) for command in commands]
    rounds = [[ask_line(program, "") for program in programs] for _ in range(args.rounds)]
    for program in programs:
        program.stdin.close()
        program.wait()
    size = sum(len(text.encode()) for text in texts) / 1e6
    speeds = [size / statistics.median(found[i]["seconds"] for found in rounds) for i in range(len(programs))]
    print(f"{name:24}{speeds[0]:10.2f}", end="")
    if args.rival:
        ratio = statistics.median(theirs["seconds"] / ours["seconds"] for ours, theirs in rounds)
        ours, theirs = rounds[0]
        other = [text for text, a, b in zip(texts, ours["digests"], theirs["digests"]) if a != b]
        print(f"{speeds[1]:10.2f}{ratio:8.2f}{len(other):8}", end="")
        if other:
            print("  ", repr(min(other, key=len))[:120], end="")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--texts", nargs="*", default=[])
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--tokenizers", nargs="+", required=True)
    parser.add_argument("--rival", default="", help="what to put before python3")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    texts = list(make_random(args.random) if args.random else gather(args.texts))
    print(f"{machine()}; {len(texts)} texts of {sum(len(text.encode()) for text in texts) / 1e6:.2f} MB")
    print(f"{'':24}{'ours MB/s':>10}{'theirs':>10}{'ratio':>8}{'other':>8}")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        folder = os.path.relpath(folder)
        write_texts(texts, f"{folder}/texts")
        for source in args.tokenizers:
            compare(args, source, texts, folder)


if __name__ == "__main__":
    main()
