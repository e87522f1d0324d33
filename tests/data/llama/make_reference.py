#!/usr/bin/env python3
"""Makes the tiny random Llamas of this folder, and what transformers says of them.

    python3 make_reference.py [folder]

Each folder gets config.json, model.safetensors and reference.json: a prompt, the
scores after it and after each of a few more tokens (computed in fp32), and the
tokens of a greedy reply. Needs torch and transformers.
"""
import json, os, sys
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

BASE = dict(vocab_size=99, hidden_size=40, intermediate_size=56, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
            rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2)

VARIANTS = {
    # grouped queries, tied head
    "gqa-tied-bf16": (torch.bfloat16, dict(tie_word_embeddings=True)),
    # one key head, a head of its own
    "mqa-untied-fp32": (torch.float32, dict(num_key_value_heads=1)),
    # a key head for each, every bias there is
    "mha-biases-fp16": (torch.float16, dict(num_key_value_heads=4, attention_bias=True, mlp_bias=True)),
    # heads wider than hidden / heads, frequencies of which some are scaled, some blended, some left
    "llama3-wide-heads": (torch.bfloat16, dict(head_dim=18, rope_parameters=dict(
        rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0,
        high_freq_factor=4.0, original_max_position_embeddings=64))),
    # positions divided by four
    "linear-rope": (torch.bfloat16, dict(rope_parameters=dict(
        rope_type="linear", rope_theta=10000.0, factor=4.0))),
    # biases of queries, keys and values alone
    "qwen2": (torch.bfloat16, dict(tie_word_embeddings=True)),
}

PROMPT_TOKENS, SCORED_STEPS, GREEDY_TOKENS = 21, 4, 40


def randomise(model, generator):
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if "norm" in name:
                weight.copy_(1 + 0.2 * noise)
            elif name.endswith("bias"):
                weight.copy_(0.3 * noise)
            elif "embed" in name or "lm_head" in name:
                weight.copy_(noise * 2.5 / weight.shape[1] ** 0.5)
            else:
                gain = 2.0 if "q_proj" in name or "k_proj" in name else 1.0
                weight.copy_(noise * gain / weight.shape[1] ** 0.5)


def old_style(path):
    """Writes the rope settings as transformers 4 did."""
    with open(path) as file:
        config = json.load(file)
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope["rope_theta"]
    config["rope_scaling"] = {"type": rope["rope_type"], "factor": rope["factor"]}
    config["torch_dtype"] = config.pop("dtype")
    with open(path, "w") as file:
        json.dump(config, file, indent=2)
        file.write("\n")


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    for seed, (name, (dtype, changes)) in enumerate(VARIANTS.items()):
        generator = torch.Generator().manual_seed(seed)
        kind = Qwen2Config if name == "qwen2" else LlamaConfig
        model = AutoModelForCausalLM.from_config(kind(**(BASE | changes)))
        randomise(model, generator)
        folder = os.path.join(root, name)
        model.to(dtype).save_pretrained(folder)
        if name == "linear-rope":
            old_style(os.path.join(folder, "config.json"))
        generation = os.path.join(folder, "generation_config.json")
        if os.path.exists(generation):
            os.remove(generation)
        # Read back: the saved weights, everything else as it is when nobody rounds it.
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        prompt = torch.randint(3, BASE["vocab_size"], (PROMPT_TOKENS,), generator=generator).tolist()
        ids, scores, gap = list(prompt), [], float("inf")
        with torch.no_grad():
            for step in range(GREEDY_TOKENS):
                row = model(torch.tensor([ids]), use_cache=False).logits[0, -1]
                if step < SCORED_STEPS:
                    scores.append([float(f"{x:.7g}") for x in row.tolist()])
                best = row.topk(2).values
                gap = min(gap, (best[0] - best[1]).item())
                ids.append(int(row.argmax()))
        assert gap > 1e-3, f"{name}: two scores are too close ({gap}), change the seed"
        with open(os.path.join(folder, "reference.json"), "w") as file:
            json.dump(dict(prompt=prompt, scores=scores, greedy=ids[PROMPT_TOKENS:]), file)
            file.write("\n")
        for part in os.listdir(folder):
            os.chmod(os.path.join(folder, part), 0o644)
        print(f"{name}: smallest gap of the best two scores {gap:.3g}")


if __name__ == "__main__":
    main()
