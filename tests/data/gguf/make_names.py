#!/usr/bin/env python3
"""Makes names.jsonl: what gguf-py calls the tensors of published models.

    python3 make_names.py [folder]

A line has an architecture, a published name and the name in files. Experts that become one
tensor are asked for without their number, as the converters do. Needs gguf.
"""
import json, os, re, sys
import gguf
from gguf.constants import MODEL_ARCH_NAMES

LAYER = "model.layers.3."
WHOLE = ["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"]
ATTENTION = [LAYER + "self_attn.%s_proj.weight" % x for x in "qkvo"]
MLP = [LAYER + "mlp.%s_proj.weight" % x for x in ("gate", "up", "down")]
NORMS = [LAYER + "input_layernorm.weight", LAYER + "post_attention_layernorm.weight"]
QK_NORMS = [LAYER + "self_attn.%s_norm.weight" % x for x in "qk"]
SANDWICH = NORMS + [LAYER + "pre_feedforward_layernorm.weight",
                    LAYER + "post_feedforward_layernorm.weight"]
BASE = WHOLE + ATTENTION + MLP + NORMS
BIASES = [LAYER + "self_attn.%s_proj.bias" % x for x in "qkv"]
EXPERTS = [LAYER + "mlp.gate.weight"] + [LAYER + "mlp.experts.5.%s_proj.weight" % x
                                         for x in ("gate", "up", "down")]
FUSED = WHOLE + ATTENTION + NORMS + [LAYER + "mlp.gate_up_proj.weight", MLP[2]]


def names(prefix, ends):
    return [prefix + end for end in ends]


GPT2 = [".wte.weight", ".wpe.weight", ".ln_f.weight", ".ln_f.bias", ".h.3.ln_1.weight",
        ".h.3.attn.c_attn.weight", ".h.3.attn.c_attn.bias", ".h.3.attn.c_proj.weight",
        ".h.3.ln_2.bias", ".h.3.mlp.c_fc.weight", ".h.3.mlp.c_proj.weight"]
CASES = {
    "llama": BASE + names(LAYER + "block_sparse_moe.", ["gate.weight"] + [
        "experts.5.w%d.weight" % i for i in (1, 2, 3)]),
    "qwen2": BASE + BIASES,
    "qwen3": BASE + QK_NORMS,
    "qwen2moe": WHOLE + ATTENTION + BIASES + NORMS + EXPERTS + names(
        LAYER + "mlp.shared_expert", ["_gate.weight", ".gate_proj.weight", ".up_proj.weight",
                                      ".down_proj.weight"]),
    "qwen3moe": WHOLE + ATTENTION + QK_NORMS + NORMS + EXPERTS,
    "gemma": [n for n in BASE if n != "lm_head.weight"],
    "gemma2": WHOLE[:2] + ATTENTION + MLP + SANDWICH,
    "gemma3": WHOLE[:2] + ATTENTION + MLP + SANDWICH + QK_NORMS,
    "phi2": WHOLE[:1] + ["lm_head.weight", "lm_head.bias", "model.final_layernorm.weight"]
            + ATTENTION[:3] + BIASES + names(LAYER, ["self_attn.dense.weight", "mlp.fc1.weight",
                                                     "mlp.fc2.bias", "input_layernorm.bias"]),
    "phi3": WHOLE + NORMS + names(LAYER, ["self_attn.qkv_proj.weight", "self_attn.o_proj.weight",
                                          "mlp.gate_up_proj.weight", "mlp.down_proj.weight"]),
    "starcoder2": WHOLE + ATTENTION + BIASES + NORMS + names(LAYER, ["mlp.c_fc.weight",
                                                                     "mlp.c_proj.bias"]),
    "gpt2": names("transformer", GPT2) + [n[1:] for n in GPT2],
    "gptneox": ["gpt_neox.embed_in.weight", "gpt_neox.final_layer_norm.bias", "embed_out.weight"]
               + names("gpt_neox.layers.3.", ["input_layernorm.weight", "mlp.dense_4h_to_h.weight",
                                              "attention.query_key_value.weight",
                                              "attention.dense.bias", "mlp.dense_h_to_4h.weight",
                                              "post_attention_layernorm.weight"]),
    "falcon": ["transformer.word_embeddings.weight", "transformer.ln_f.weight", "lm_head.weight"]
              + names("transformer.h.3.", ["input_layernorm.weight", "ln_attn.weight",
                                           "ln_mlp.weight", "self_attention.dense.weight",
                                           "self_attention.query_key_value.weight",
                                           "mlp.dense_h_to_4h.weight",
                                           "mlp.dense_4h_to_h.weight"]),
    "olmo2": WHOLE + ATTENTION + MLP + QK_NORMS + [NORMS[1], SANDWICH[3]],
    "granite": BASE,
    "granitemoe": WHOLE + ATTENTION + NORMS + names(
        LAYER + "block_sparse_moe.", ["router.layer.weight", "output_linear.weight"]),
    "command-r": WHOLE[:2] + ATTENTION + MLP + NORMS[:1] + QK_NORMS,
    "cohere2": WHOLE[:2] + ATTENTION + MLP + NORMS[:1],
    "stablelm": BASE + BIASES + names(LAYER + "self_attn.", ["q_layernorm.weight",
                                                             "k_layernorm.weight"]),
    "chatglm": FUSED + BIASES + [
        "transformer.embedding.word_embeddings.weight", "transformer.output_layer.weight",
        "transformer.encoder.final_layernorm.weight"] + names(
            "transformer.encoder.layers.3.", [
                "input_layernorm.weight", "self_attention.query_key_value.bias",
                "self_attention.dense.weight", "post_attention_layernorm.weight",
                "mlp.dense_h_to_4h.weight", "mlp.dense_4h_to_h.weight"]),
    "glm4": FUSED + names(LAYER, ["post_self_attn_layernorm.weight", "post_mlp_layernorm.weight"]),
    "minicpm": BASE,
    "internlm2": ["model.tok_embeddings.weight", "model.norm.weight", "output.weight"] + names(
        LAYER, ["attention_norm.weight", "attention.wo.weight", "ffn_norm.weight"]
        + ["feed_forward.w%d.weight" % i for i in (1, 2, 3)]),
    "gpt-oss": WHOLE + ATTENTION + BIASES + NORMS + names(
        LAYER, ["self_attn.sinks", "mlp.router.weight", "mlp.router.bias",
                "mlp.experts.down_proj", "mlp.experts.down_proj_bias"]),
    "deepseek2": WHOLE + MLP + NORMS + EXPERTS + ATTENTION[3:] + names(LAYER + "self_attn.", [
        "q_proj.weight", "q_a_proj.weight", "q_a_layernorm.weight", "q_b_proj.weight",
        "kv_a_proj_with_mqa.weight", "kv_a_layernorm.weight", "kv_b_proj.weight"]) + names(
            LAYER + "mlp.", ["shared_experts.gate_proj.weight", "shared_experts.up_proj.weight",
                             "shared_experts.down_proj.weight", "gate.e_score_correction_bias"]),
    "smollm3": BASE,
}


def asked(name):
    """The name as the converter asks gguf-py for it."""
    name = re.sub(r"block_sparse_moe\.experts\.\d+\.", "feed_forward.experts.", name)
    if "feed_forward" in name:
        name = name.replace("model.", "", 1)
    name = re.sub(r"experts\.\d+\.", "experts.", name)
    name = name.replace("down_proj_bias", "down_proj.bias").replace("correction_bias",
                                                                    "correction.bias")
    return name if name.endswith((".weight", ".bias")) else name + ".weight"


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(folder, "names.jsonl"), "w") as out:
        for architecture, published in CASES.items():
            kind = {v: k for k, v in MODEL_ARCH_NAMES.items()}[architecture]
            table = gguf.get_tensor_name_map(kind, 8)
            for name in dict.fromkeys(published):
                if architecture == "internlm2" and "feed_forward" in name:
                    query = name
                else:
                    query = asked(name)
                if architecture == "chatglm":
                    query = query.removeprefix("transformer.")
                found = table.get_name(query, try_suffixes=(".weight", ".bias"))
                if found is None:
                    print("not known:", architecture, name, query, file=sys.stderr)
                    continue
                out.write(json.dumps([architecture, name, found]) + "\n")


main()
