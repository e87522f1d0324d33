#!/usr/bin/env python3
"""Converts the tiny networks of tests/data/families with llama.cpp's converter.

    python3 convert_families.py FOLDER [name ...]

FOLDER gets NAME.gguf, in f32, for each family that the converter knows; then
`conformance --gguf FOLDER` compares what we say of them with the stored scores.
Needs numpy, safetensors, torch and llama.cpp's convert_hf_to_gguf.py with its
package `conversion` (Debian's llama.cpp-tools).
"""
import importlib.util, json, os, pathlib, sys, tempfile
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCRIPTS = "/usr/share/llama.cpp/llama.cpp-tools"


def numbers_of_families():
    """The function that makes the numbers, without what else that program needs."""
    source = (ROOT / "data/families/make_reference.py").read_text()
    begin = source.index("def hash_of")
    end = source.index("def rule(")
    scope = {}
    exec("import numpy\n" + source[begin:end], scope)
    return scope["numbers"]


def add_vocabulary(self):
    """99 bytes as a vocabulary: only the network is of interest."""
    import gguf
    letters = [chr(c) for c in range(33, 127)] + ["\u0100", "\u0101", "\u0102", "\u0103", "\u0104"]
    self.gguf_writer.add_tokenizer_model("gpt2")
    self.gguf_writer.add_tokenizer_pre("default")
    self.gguf_writer.add_token_list(letters)
    self.gguf_writer.add_token_types([gguf.TokenType.NORMAL] * len(letters))
    self.gguf_writer.add_token_merges(["! \""])


def convert(name, to, numbers):
    import gguf
    from conversion import ModelBase, ModelType, get_model_architecture, get_model_class
    reference = json.loads((ROOT / f"data/families/{name}.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        config = reference["config"]
        if "architectures" not in config:
            config["architectures"] = {"minicpm": ["MiniCPMForCausalLM"], "internlm2": ["InternLM2ForCausalLM"],
                                       "qwen": ["QWenLMHeadModel"], "chatglm": ["ChatGLMModel"]}[config["model_type"]]
        # Keys that the converter asks for and that transformers 5 writes no more.
        share = (config.get("rope_parameters") or {}).get("partial_rotary_factor", 1.0)
        config.setdefault("rotary_pct", share)
        config.setdefault("n_ctx", config.get("n_positions"))
        if config["model_type"] == "deepseek_v3":
            config["scoring_func"] = "sigmoid"
        if config["model_type"] == "falcon" and config.get("multi_query"):
            config["num_kv_heads"] = config.get("num_kv_heads") if config.get("new_decoder_architecture") else 1
        pathlib.Path(folder, "tokenizer.json").write_text('{"model": {"type": "BPE", "vocab": {}}}')
        pathlib.Path(folder, "config.json").write_text(json.dumps(config))
        save_file({t: numbers(reference["salt"] + t, rule["shape"], rule["scale"], rule["offset"])
                   for t, rule in reference["tensors"].items()}, f"{folder}/model.safetensors")
        path = pathlib.Path(folder)
        architecture = get_model_architecture(ModelBase.load_hparams(path, False), ModelType.TEXT)
        kind = get_model_class(architecture)
        kind = getattr(kind, "Ministral3Model", kind)  # the other only passes on to it
        own = type(kind.__name__, (kind,), {"set_vocab": add_vocabulary, "model_arch": kind.model_arch})
        model = own(path, gguf.LlamaFileType.ALL_F32, pathlib.Path(to) / f"{name}.gguf")
        model.hparams.setdefault("rotary_pct", share)
        model.write()


def main():
    sys.path.insert(1, SCRIPTS)
    numbers = numbers_of_families()
    names = sys.argv[2:] or sorted(p.stem for p in (ROOT / "data/families").glob("*.json"))
    os.makedirs(sys.argv[1], exist_ok=True)
    for name in names:
        try:
            convert(name, sys.argv[1], numbers)
            print(name, "converted", flush=True)
        except (Exception, SystemExit) as problem:
            print(f"{name}: {type(problem).__name__}: {str(problem)[:200]}", flush=True)


if __name__ == "__main__":
    main()
