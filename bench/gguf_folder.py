#!/usr/bin/env python3
"""What the weights of a GGUF file (Llama, Qwen2) are worth, as a Hugging Face folder in fp32.

    python3 gguf_folder.py FOLDER FILE OUT

FOLDER is the one that FILE was made from: all but the weights comes from there. Needs the Python package gguf.
"""
import json, shutil, sys
from pathlib import Path
import gguf
import numpy as np

LAYER = {
    "attn_norm.weight": "input_layernorm.weight", "ffn_norm.weight": "post_attention_layernorm.weight",
    "attn_output.weight": "self_attn.o_proj.weight", "ffn_gate.weight": "mlp.gate_proj.weight",
    "ffn_up.weight": "mlp.up_proj.weight", "ffn_down.weight": "mlp.down_proj.weight",
    **{f"attn_{x}.{kind}": f"self_attn.{x}_proj.{kind}" for x in "qkv" for kind in ("weight", "bias")},
}
TOP = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
       "output.weight": "lm_head.weight"}


def name_of(name):
    if name in TOP:
        return TOP[name]
    _, layer, rest = name.split(".", 2)
    return f"model.layers.{layer}.{LAYER[rest]}"


def in_halves(weight, heads):
    """Llama's rotated pairs lie beside each other in a GGUF file, and half a head apart in a folder."""
    return weight.reshape(heads, weight.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(weight.shape)


def tensors(folder, file):
    config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    heads = {"attn_q": config["num_attention_heads"]}
    heads["attn_k"] = config.get("num_key_value_heads", heads["attn_q"])
    is_llama = config["model_type"] == "llama"
    for tensor in gguf.GGUFReader(file).tensors:
        if tensor.name == "rope_freqs.weight":
            continue
        weight = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        weight = weight.reshape(tuple(reversed(tensor.shape.tolist())))
        part = tensor.name.split(".")[-2]
        if is_llama and part in heads:
            weight = in_halves(weight, heads[part])
        yield name_of(tensor.name), np.ascontiguousarray(weight)


def write_safetensors(file, named):
    header, at = {}, 0
    for name, weight in named.items():
        header[name] = {"dtype": "F32", "shape": list(weight.shape), "data_offsets": [at, at + weight.nbytes]}
        at += weight.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(file, "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for weight in named.values():
            out.write(weight.tobytes())


def main():
    folder, file, out = map(Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    for one in folder.iterdir():
        if one.suffix == ".json" and not one.name.endswith(".index.json"):
            shutil.copy(one, out)
    write_safetensors(out / "model.safetensors", dict(tensors(folder, file)))


if __name__ == "__main__":
    main()
