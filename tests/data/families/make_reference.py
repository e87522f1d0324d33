#!/usr/bin/env python3
"""Makes the references of this folder: what transformers says of tiny networks of
each family.

    python3 make_reference.py [name ...]

NAME.json holds a config.json, the tensors of the checkpoint with the rule by which
their numbers are made (so that the numbers need not be kept), a prompt, the scores
after it and after each of the next tokens, computed in fp32, and the tokens of a
greedy reply. Needs torch, transformers, safetensors and numpy.
"""
import json, math, os, sys, tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
import numpy
import torch
from safetensors.numpy import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.models.deepseek_v2.modeling_deepseek_v2 import DeepseekV2Moe
from transformers.models.bloom import modeling_bloom
from transformers.models.falcon import modeling_falcon
from transformers.utils import logging

logging.disable_progress_bar()
# transformers 5.12 asks for a member there that is called otherwise.
DeepseekV2Moe.num_experts = property(lambda self: self.config.n_routed_experts)
# It rounds slopes, and what they are multiplied with, to 8 bits; here they are whole.
modeling_falcon.build_alibi_tensor = lambda mask, heads, dtype: modeling_bloom.build_alibi_tensor(mask, heads, dtype)
HERE = os.path.dirname(os.path.abspath(__file__))
PROMPT_TOKENS, SCORED_STEPS, GREEDY_TOKENS = 21, 4, 24

BASE = dict(vocab_size=99, hidden_size=48, intermediate_size=56, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
            bos_token_id=1, eos_token_id=2, pad_token_id=0)
LLAMA3 = dict(rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0,
              high_freq_factor=4.0, original_max_position_embeddings=64)
YARN = dict(rope_type="yarn", rope_theta=1000.0, factor=4.0, original_max_position_embeddings=32)
MLA = dict(num_key_value_heads=4, kv_lora_rank=20, q_lora_rank=24, qk_rope_head_dim=8, qk_nope_head_dim=12,
           v_head_dim=14, moe_intermediate_size=24, n_routed_experts=8, num_experts_per_tok=3,
           n_shared_experts=2, first_k_dense_replace=1, num_hidden_layers=3)
GPT2 = dict(n_embd=48, n_layer=2, n_head=4, n_positions=128, vocab_size=99, bos_token_id=1, eos_token_id=2)

# name: (model_type, changes to BASE)
VARIANTS = {
    "llama": ("llama", {}),
    "llama-tied-biases": ("llama", dict(tie_word_embeddings=True, attention_bias=True, mlp_bias=True, head_dim=16)),
    "llama-rope-llama3": ("llama", dict(rope_parameters=LLAMA3)),
    "llama-rope-linear": ("llama", dict(rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=4.0))),
    "llama-rope-dynamic": ("llama", dict(rope_parameters=dict(rope_type="dynamic", rope_theta=10000.0, factor=4.0))),
    "llama-rope-yarn": ("llama", dict(rope_parameters=YARN)),
    "mistral": ("mistral", dict(sliding_window=8, head_dim=16)),
    "ministral3": ("ministral3", dict(head_dim=16, rope_parameters=dict(
        YARN, original_max_position_embeddings=8, mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.4))),
    "mixtral": ("mixtral", dict(num_local_experts=4, num_experts_per_tok=2)),
    "qwen2": ("qwen2", dict(tie_word_embeddings=True)),
    "qwen2-window": ("qwen2", dict(use_sliding_window=True, sliding_window=7, max_window_layers=1)),
    "qwen3": ("qwen3", dict(head_dim=16, tie_word_embeddings=True)),
    "qwen2-moe": ("qwen2_moe", dict(num_experts=6, num_experts_per_tok=2, moe_intermediate_size=24,
                                    shared_expert_intermediate_size=32, decoder_sparse_step=2)),
    "qwen3-moe": ("qwen3_moe", dict(num_experts=6, num_experts_per_tok=3, moe_intermediate_size=24, head_dim=16,
                                    norm_topk_prob=True, mlp_only_layers=[0])),
    "gemma": ("gemma", dict(head_dim=16)),
    "gemma2": ("gemma2", dict(head_dim=16, query_pre_attn_scalar=20, sliding_window=6)),
    "gemma3": ("gemma3_text", dict(head_dim=16, query_pre_attn_scalar=20, sliding_window=6, num_hidden_layers=3,
                                   sliding_window_pattern=3,
                                   rope_scaling=dict(rope_type="linear", factor=8.0))),
    "phi": ("phi", dict(num_key_value_heads=4, partial_rotary_factor=0.5)),
    "phi-qk-norm": ("phi", dict(qk_layernorm=True, partial_rotary_factor=0.5)),
    "phi3": ("phi3", dict(sliding_window=9)),
    "phi3-longrope": ("phi3", dict(original_max_position_embeddings=64, rope_scaling=dict(
        type="longrope", short_factor=[1.0, 1.1, 1.2, 1.5, 2.0, 2.5], long_factor=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))),
    "phi4-partial": ("phi3", dict(head_dim=12, partial_rotary_factor=0.5, tie_word_embeddings=True)),
    "smollm3": ("smollm3", dict(num_hidden_layers=3, no_rope_layer_interval=2)),
    "starcoder2": ("starcoder2", dict(sliding_window=8)),
    "gpt2": ("gpt2", GPT2),
    "gpt-bigcode": ("gpt_bigcode", GPT2 | dict(multi_query=True)),
    "gpt-bigcode-many-keys": ("gpt_bigcode", GPT2 | dict(multi_query=False)),
    "gpt-neox": ("gpt_neox", dict(rotary_pct=0.5)),
    "gpt-neox-serial": ("gpt_neox", dict(rotary_pct=0.25, hidden_size=64, use_parallel_residual=False, hidden_act="gelu_fast",
                                         tie_word_embeddings=True)),
    "falcon-7b": ("falcon", dict(multi_query=True, ffn_hidden_size=70)),
    "falcon-40b": ("falcon", dict(new_decoder_architecture=True, num_kv_heads=2)),
    "falcon-many-keys": ("falcon", dict(multi_query=False, parallel_attn=False, bias=True, tie_word_embeddings=False)),
    "olmo2": ("olmo2", {}),
    "granite": ("granite", dict(embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=0.5,
                                attention_multiplier=0.2)),
    "cohere": ("cohere", dict(logit_scale=0.25)),
    "cohere-qk-norm": ("cohere", dict(logit_scale=0.25, use_qk_norm=True)),
    "cohere2": ("cohere2", dict(logit_scale=0.25, sliding_window=6, num_hidden_layers=4)),
    "stablelm": ("stablelm", dict(hidden_size=64, use_qkv_bias=True, partial_rotary_factor=0.25)),
    "stablelm-parallel": ("stablelm", dict(use_parallel_residual=True, qk_layernorm=True, partial_rotary_factor=0.5)),
    "glm": ("glm", dict(head_dim=12)),
    "glm4": ("glm4", dict(head_dim=16)),
    "gpt-oss": ("gpt_oss", dict(head_dim=16, num_local_experts=4, num_experts_per_tok=2, sliding_window=6,
                                rope_scaling=YARN | dict(truncate=False))),
    "deepseek-v2": ("deepseek_v2", MLA | dict(topk_method="group_limited_greedy", n_group=4, topk_group=2,
                                              routed_scaling_factor=1.5)),
    "deepseek-v2-lite": ("deepseek_v2", MLA | dict(q_lora_rank=None)),
    "deepseek-v3": ("deepseek_v3", MLA | dict(n_group=4, topk_group=2, rope_parameters=YARN | dict(
        mscale=0.8, mscale_all_dim=0.9))),
    "deepseek-v3-rows": ("deepseek_v3", MLA | dict(n_group=1, topk_group=1, norm_topk_prob=False,
                                                   rope_interleave=False, q_lora_rank=None)),
    "falcon-rw": ("falcon", dict(alibi=True, multi_query=False, parallel_attn=False, bias=True, num_attention_heads=6)),
    "bloom": ("bloom", dict(hidden_size=48, n_layer=2, n_head=4, vocab_size=99, bos_token_id=1, eos_token_id=2)),
    "mpt": ("mpt", dict(d_model=48, n_layers=2, n_heads=6, vocab_size=99, max_seq_len=128,
                        bos_token_id=1, eos_token_id=2)),
    "olmo3": ("olmo3", dict(sliding_window=8, num_hidden_layers=4)),
    "olmoe": ("olmoe", dict(num_experts=6, num_experts_per_tok=3)),
    "glm4-moe": ("glm4_moe", dict(head_dim=12, moe_intermediate_size=24, n_routed_experts=8, num_experts_per_tok=3, n_group=4,
                                  topk_group=2, routed_scaling_factor=1.5, num_hidden_layers=3, use_qk_norm=True,
                                  attention_bias=True)),
    "exaone4": ("exaone4", dict(sliding_window=8, num_hidden_layers=4)),
    "seed-oss": ("seed_oss", dict(head_dim=16)),
    "ernie4_5": ("ernie4_5", dict(head_dim=16)),
    "arcee": ("arcee", dict(mlp_bias=True)),
    "nemotron": ("nemotron", dict(hidden_size=64)),
    "granite-moe": ("granitemoe", dict(num_local_experts=6, num_experts_per_tok=3, embedding_multiplier=3.0, logits_scaling=2.0,
                                       residual_multiplier=0.5, attention_multiplier=0.2)),
    "granite-moe-shared": ("granitemoeshared", dict(num_local_experts=4, num_experts_per_tok=2, shared_intermediate_size=40,
                                                    tie_word_embeddings=True)),
    # Published with code of their own, which says the same as a family that
    # transformers has: (model_type here, its changes, model_type there, changes there)
    "minicpm": ("minicpm", dict(scale_emb=3.0, scale_depth=1.4, dim_model_base=24, tie_word_embeddings=False),
                "granite", dict(embedding_multiplier=3.0, residual_multiplier=1.4 / math.sqrt(2), logits_scaling=2.0,
                                attention_multiplier=12 ** -0.5)),
    "internlm2": ("internlm2", dict(bias=False), "llama", {}),
    "qwen1": ("qwen", dict(kv_channels=12, intermediate_size=112, seq_length=128, layer_norm_epsilon=1e-6,
                           rotary_emb_base=10000, no_bias=True, use_dynamic_ntk=True, use_logn_attn=True),
              "qwen2", dict(num_key_value_heads=4)),
    "chatglm": ("chatglm", dict(num_layers=2, padded_vocab_size=99, multi_query_group_num=2, kv_channels=12,
                                ffn_hidden_size=56, seq_length=128, layernorm_epsilon=1e-5, add_qkv_bias=True,
                                add_bias_linear=False, rope_ratio=5, rmsnorm=True, post_layer_norm=True,
                                multi_query_attention=True),
                "glm", dict(head_dim=12, rms_norm_eps=1e-5, rope_theta=50000.0)),
    # Beside a part that sees pictures.
    "mistral3": ("mistral3", dict(head_dim=16), "mistral", dict(head_dim=16, sliding_window=None)),
}


def hash_of(text):
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


def numbers(name, shape, scale, offset):
    """Uniform numbers that follow from the name: the same in float32 everywhere."""
    x = numpy.arange(int(numpy.prod(shape)), dtype=numpy.uint64) * 2654435761 + hash_of(name)
    x = (x & 0xFFFFFFFF).astype(numpy.uint32)
    x ^= x >> 16
    x *= numpy.uint32(0x85EBCA6B)
    x ^= x >> 13
    x *= numpy.uint32(0xC2B2AE35)
    x ^= x >> 16
    unit = (x >> 8).astype(numpy.float32) / numpy.float32(2**24) - numpy.float32(0.5)
    return (unit * numpy.float32(scale) + numpy.float32(offset)).reshape(shape)


def rule(name, shape, family):
    """How large the numbers of a tensor are: scale and offset."""
    root12 = math.sqrt(12)
    if "word_embeddings_layernorm" in name:  # small, or layers would not count beside a tied head
        return 0.1 * root12, 0.2
    if "norm" in name or ".ln_" in name or "ln_attn" in name or "ln_mlp" in name:
        if name.endswith("bias"):
            return 0.3 * root12, 0.0
        return 0.2 * root12, 0.0 if family.startswith(("gemma", "nemotron")) else 1.0
    if name.endswith("e_score_correction_bias"):
        return 0.3, 0.0
    if "bias" in name or "sinks" in name:
        return 0.3 * root12, 0.0
    if "embed" in name or "wte" in name or "lm_head" in name or "output" in name and "layers" not in name:
        # Scaled again by the network; large ones would only repeat themselves.
        size = 0.5 if family.startswith("gemma") else 2.5
        return size * root12 / shape[-1] ** 0.5, 0.0
    if "wpe" in name:
        return 0.5 * root12, 0.0
    gain = 2.0 if any(part in name for part in ("q_", "k_", "qkv", "c_attn", "query_key_value", "gate.weight")) else 1.2
    return gain * root12 / shape[-1] ** 0.5, 0.0


def rounded(value):
    return float(f"{value:.7g}")


def own_tensors(name, config, there):
    """The tensors that a family with code of its own stores, and how they become those of the other."""
    config = config.get("text_config", config)
    heads, groups = config["num_attention_heads"], config.get("num_key_value_heads", 4)
    head = 12
    shapes, moves = {}, []

    def move(source, shape, targets):
        shapes[source] = list(shape)
        moves.append((source, targets))

    whole = lambda target: [(target, lambda x: x)]
    hidden, vocab = 48, 99
    q, k = heads * head, groups * head
    for i in range(2):
        to = f"model.layers.{i}."
        split = lambda a, b: (lambda x: x[a:b])
        joined = [(to + f"self_attn.{n}_proj", split(a, b))
                  for n, a, b in (("q", 0, q), ("k", q, q + k), ("v", q + k, q + 2 * k))]
        with_suffix = lambda pairs, suffix: [(n + suffix, f) for n, f in pairs]
        if name == "internlm2":
            at = f"model.layers.{i}."
            per = heads // groups + 2
            pick = lambda a, b: (lambda x: x.reshape(groups, per, head, -1)[:, a:b].reshape(-1, x.shape[1]))
            move(at + "attention.wqkv.weight", (q + 2 * k, hidden),
                 [(to + "self_attn.q_proj.weight", pick(0, per - 2)), (to + "self_attn.k_proj.weight", pick(per - 2, per - 1)),
                  (to + "self_attn.v_proj.weight", pick(per - 1, per))])
            move(at + "attention.wo.weight", (hidden, q), whole(to + "self_attn.o_proj.weight"))
            for a, b, shape in (("w1", "gate", (56, hidden)), ("w3", "up", (56, hidden)), ("w2", "down", (hidden, 56))):
                move(at + f"feed_forward.{a}.weight", shape, whole(to + f"mlp.{b}_proj.weight"))
            move(at + "attention_norm.weight", (hidden,), whole(to + "input_layernorm.weight"))
            move(at + "ffn_norm.weight", (hidden,), whole(to + "post_attention_layernorm.weight"))
        elif name == "qwen1":
            at = f"transformer.h.{i}."
            move(at + "attn.c_attn.weight", (q + 2 * k, hidden), with_suffix(joined, ".weight"))
            move(at + "attn.c_attn.bias", (q + 2 * k,), with_suffix(joined, ".bias"))
            move(at + "attn.c_proj.weight", (hidden, q), whole(to + "self_attn.o_proj.weight"))
            for a, b, shape in (("w2", "gate", (56, hidden)), ("w1", "up", (56, hidden)), ("c_proj", "down", (hidden, 56))):
                move(at + f"mlp.{a}.weight", shape, whole(to + f"mlp.{b}_proj.weight"))
            move(at + "ln_1.weight", (hidden,), whole(to + "input_layernorm.weight"))
            move(at + "ln_2.weight", (hidden,), whole(to + "post_attention_layernorm.weight"))
        elif name == "chatglm":
            at = f"transformer.encoder.layers.{i}."
            move(at + "self_attention.query_key_value.weight", (q + 2 * k, hidden), with_suffix(joined, ".weight"))
            move(at + "self_attention.query_key_value.bias", (q + 2 * k,), with_suffix(joined, ".bias"))
            move(at + "self_attention.dense.weight", (hidden, q), whole(to + "self_attn.o_proj.weight"))
            move(at + "mlp.dense_h_to_4h.weight", (112, hidden), whole(to + "mlp.gate_up_proj.weight"))
            move(at + "mlp.dense_4h_to_h.weight", (hidden, 56), whole(to + "mlp.down_proj.weight"))
            move(at + "input_layernorm.weight", (hidden,), whole(to + "input_layernorm.weight"))
            move(at + "post_attention_layernorm.weight", (hidden,), whole(to + "post_attention_layernorm.weight"))
    outer = {"internlm2": ("model.tok_embeddings", "model.norm", "output"),
             "qwen1": ("transformer.wte", "transformer.ln_f", "lm_head"),
             "chatglm": ("transformer.embedding.word_embeddings", "transformer.encoder.final_layernorm",
                         "transformer.output_layer")}
    if name in outer:
        a, b, c = outer[name]
        move(a + ".weight", (vocab, hidden), whole("model.embed_tokens.weight"))
        move(b + ".weight", (hidden,), whole("model.norm.weight"))
        move(c + ".weight", (vocab, hidden), whole("lm_head.weight"))
    else:
        beginning = "language_model." if name == "mistral3" else ""
        for tensor, shape in there.items():
            move(beginning + tensor, shape, whole(tensor))
    return shapes, moves


def make(name):
    own, changes, *other = VARIANTS[name]
    base = {} if own.startswith(("gpt2", "gpt_big", "bloom", "mpt")) else dict(BASE)
    if own in ("falcon",):
        base.pop("intermediate_size"), base.pop("num_key_value_heads")
    if own in ("gpt_neox",):
        base.pop("num_key_value_heads")
    there_type, there_changes = other if other else (own, changes)
    # Its other way adds the bias of positions twice.
    attention = "sdpa" if name == "falcon-rw" else "eager"
    config = AutoConfig.for_model(there_type, **(base | there_changes))
    with tempfile.TemporaryDirectory() as folder:
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
        there = {key: list(value.shape) for key, value in load_file(f"{folder}/model.safetensors").items()}
        with open(f"{folder}/config.json") as file:
            saved = json.load(file)
        if other:
            saved = base | changes | dict(model_type=own, hidden_act="silu", eos_token_id=2)
            if own == "qwen":
                saved.pop("num_key_value_heads")
            if own == "mistral3":
                saved = dict(model_type=own, text_config=saved | dict(model_type=there_type))
        shapes, moves = own_tensors(name, saved, there) if other else (there, [(t, [(t, lambda x: x)]) for t in there])
        for salt in range(40):
            rules = {t: [rounded(x) for x in rule(t, shape, own)] for t, shape in shapes.items()}
            made = {t: numbers(f"{salt}{t}", shape, *rules[t]) for t, shape in shapes.items()}
            stored = {target: numpy.ascontiguousarray(cut(made[source])) for source, targets in moves for target, cut in targets}
            save_file(stored, f"{folder}/model.safetensors", metadata={"format": "pt"})
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention).eval()
            generator = torch.Generator().manual_seed(salt)
            prompt = torch.randint(3, 99, (PROMPT_TOKENS,), generator=generator).tolist()
            ids, scores, gap = list(prompt), [], float("inf")
            with torch.no_grad():
                for step in range(GREEDY_TOKENS):
                    row = model(torch.tensor([ids]), use_cache=False).logits[0, -1].float()
                    if step < SCORED_STEPS:
                        scores.append([rounded(x) for x in row.tolist()])
                    best = row.topk(2).values
                    gap = min(gap, ((best[0] - best[1]) / row.abs().max()).item())
                    ids.append(int(row.argmax()))
            if gap > 1e-3 and len(set(ids[PROMPT_TOKENS:])) > 3:
                break
        else:
            raise RuntimeError("no salt with clear tokens")
    saved.pop("transformers_version", None)
    saved.pop("dtype", None)
    with open(os.path.join(HERE, f"{name}.json"), "w") as file:
        tensors = {t: dict(shape=shape, scale=rules[t][0], offset=rules[t][1]) for t, shape in shapes.items()}
        json.dump(dict(config=saved, salt=str(salt), tensors=tensors, prompt=prompt, scores=scores,
                       greedy=ids[PROMPT_TOKENS:]), file)
        file.write("\n")
    print(f"{name}: salt {salt}, smallest gap {gap:.3g}, {len(set(ids[PROMPT_TOKENS:]))} different tokens", flush=True)


if __name__ == "__main__":
    for name in sys.argv[1:] or VARIANTS:
        try:
            make(name)
        except Exception as problem:
            print(f"{name}: {type(problem).__name__}: {str(problem)[:300]}", flush=True)
