#!/usr/bin/env python3
"""How far llama.cpp is from what the weights of GGUF files are worth: makes rival_errors.json beside this script.

    tests/conformance/rival_errors.py --build build/release --rival COMMAND FOLDER...

Call it in the root of the project, with bench/accuracy built. For each .gguf file of the FOLDERs we answer the prompts that the JSON holds, with its weights, activations and cache in fp32; llama-server
reads the same tokens and gives all probabilities of each place. Its relative error (see bench/accuracy.py) is stored; conformance
asks the same of our own form. COMMAND stands before llama-server and must see the folder of the project as its own.
"""
import argparse, json, shlex, shutil, subprocess, sys, tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "bench"))
import accuracy  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--build", required=True, metavar="FOLDER")
    add("--rival", default="", metavar="COMMAND")
    add("folders", nargs="+", metavar="FOLDER")
    args = parser.parse_args()
    stored = json.loads((HERE / "rival_errors.json").read_text(encoding="utf-8"))
    args.prompt, args.tokens, args.threads = 128, stored["tokens"], 2
    version = subprocess.run([*shlex.split(args.rival), "llama-server", "--version"], stderr=subprocess.STDOUT,
                             stdout=subprocess.PIPE, text=True, check=True).stdout
    stored["rival"] = next(line for line in version.splitlines() if line.startswith("version"))
    for path in sorted(path for folder in args.folders for path in Path(folder).glob("*.gguf")):
        with tempfile.TemporaryDirectory(dir=".", prefix="accuracy-") as folder:
            folder = Path(folder).name
            file = shutil.copy(path, folder)
            reference = [f"path={file}", "dtype=fp32", "kv_cache=fp32"]
            replies = accuracy.compare(args, stored["prompts"], [reference])
            form = accuracy.server_form(args, file, replies, f"{folder}/0")
            found = accuracy.compare(args, stored["prompts"], [reference, form])[0]
        stored["errors"][path.name] = round(found["error"], 6)
        print(path.name, found, flush=True)
    (HERE / "rival_errors.json").write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
