"""The rival of decode.cpp: the same lines in, the same lines out, by transformers.

    python3 decode_transformers.py FOLDER DTYPE THREADS
"""
import json, sys, time
import torch
from transformers import AutoModelForCausalLM

folder, dtype, threads = sys.argv[1:4]
torch.set_num_threads(int(threads))
model = AutoModelForCausalLM.from_pretrained(
    folder, dtype={"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[dtype]).eval()


def generate(prompts, tokens):
    with torch.inference_mode():
        return model.generate(prompts, attention_mask=torch.ones_like(prompts), do_sample=False,
                              max_new_tokens=tokens, min_new_tokens=tokens, pad_token_id=0)


for run, line in enumerate(sys.stdin, 1):
    batch, length, tokens = map(int, line.split())
    prompts = torch.tensor([[100 + (i * 7919 + row * 104729 + run * 31) % 1800 for i in range(length)]
                            for row in range(batch)])
    begin = time.perf_counter()
    generate(prompts, 1)
    first = time.perf_counter() - begin
    begin = time.perf_counter()
    ids = generate(prompts, tokens)
    total = time.perf_counter() - begin
    print(json.dumps(dict(first=first, total=total, tokens=ids[0, length:].tolist())), flush=True)
