#!/usr/bin/env python3
"""A GGUF file of a network of experts with random weights, to measure speed with: the shape of Qwen 3 MoE, smaller.

    python3 moe_file.py TOKENIZER.gguf OUT.gguf [--layers 12] [--hidden 1024] [--experts 32] [--used 4] [--width 512]

The vocabulary is that of TOKENIZER.gguf. Weights are fp16; llama-quantize makes other types of them. Needs the Python
package gguf.
"""
import argparse
import gguf
import numpy as np


def copy_tokenizer(reader, writer):
    for name, field in reader.fields.items():
        if not name.startswith("tokenizer."):
            continue
        kind = field.types[0]
        writer.add_key_value(name, field.contents(), kind, field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
    return len(reader.fields["tokenizer.ggml.tokens"].data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizer", metavar="TOKENIZER.gguf")
    parser.add_argument("out", metavar="OUT.gguf")
    for name, usual in [("layers", 12), ("hidden", 1024), ("heads", 16), ("kv_heads", 4), ("head", 64), ("experts", 32),
                        ("used", 4), ("width", 512)]:
        parser.add_argument(f"--{name}", type=int, default=usual)
    args = parser.parse_args()
    random = np.random.default_rng(1)

    def matrix(*shape):
        return (random.standard_normal(shape, dtype=np.float32) / np.sqrt(shape[-1])).astype(np.float16)

    writer = gguf.GGUFWriter(args.out, "qwen3moe")
    vocabulary = copy_tokenizer(gguf.GGUFReader(args.tokenizer), writer)
    writer.add_context_length(4096)
    writer.add_embedding_length(args.hidden)
    writer.add_block_count(args.layers)
    writer.add_feed_forward_length(args.hidden * 4)
    writer.add_expert_feed_forward_length(args.width)
    writer.add_expert_count(args.experts)
    writer.add_expert_used_count(args.used)
    writer.add_head_count(args.heads)
    writer.add_head_count_kv(args.kv_heads)
    writer.add_key_length(args.head)
    writer.add_value_length(args.head)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    ones = np.ones(args.hidden, dtype=np.float32)
    writer.add_tensor("token_embd.weight", matrix(vocabulary, args.hidden))
    writer.add_tensor("output.weight", matrix(vocabulary, args.hidden))
    writer.add_tensor("output_norm.weight", ones)
    queries, keys = args.heads * args.head, args.kv_heads * args.head
    for number in range(args.layers):
        for name, shape in [("attn_q", (queries, args.hidden)), ("attn_k", (keys, args.hidden)),
                            ("attn_v", (keys, args.hidden)), ("attn_output", (args.hidden, queries)),
                            ("ffn_gate_exps", (args.experts, args.width, args.hidden)),
                            ("ffn_up_exps", (args.experts, args.width, args.hidden)),
                            ("ffn_down_exps", (args.experts, args.hidden, args.width))]:
            writer.add_tensor(f"blk.{number}.{name}.weight", matrix(*shape))
        writer.add_tensor(f"blk.{number}.ffn_gate_inp.weight", matrix(args.experts, args.hidden).astype(np.float32))
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{number}.{name}.weight", ones)
        for name in ("attn_q_norm", "attn_k_norm"):
            writer.add_tensor(f"blk.{number}.{name}.weight", np.ones(args.head, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
