"""The rival of tokenizer.cpp: the same texts, the same lines out, by the Hugging Face tokenizers library on one thread,
or for a tokenizer.model by the sentencepiece library.

    python3 tokenizer_rival.py FILE TEXTS
"""
import os

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import json, sys, time


def hugging_face(path):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(path)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    # The library's fastest way: no offsets.
    return lambda texts: tokenizer.encode_batch_fast(texts, add_special_tokens=False)


def sentence_piece(path):
    from sentencepiece import SentencePieceProcessor

    tokenizer = SentencePieceProcessor(model_file=path)
    return lambda texts: tokenizer.encode(texts, num_threads=1)


encode = hugging_face(sys.argv[1]) if sys.argv[1].endswith(".json") else sentence_piece(sys.argv[1])
texts = []
with open(sys.argv[2], "rb") as file:
    while line := file.readline():
        texts.append(file.read(int(line)).decode())


def digest(ids):
    result = 2166136261
    for token in ids:
        result = (result ^ token) * 16777619 & 0xFFFFFFFF
    return result


for line in sys.stdin:
    begin = time.perf_counter()
    found = encode(texts)
    taken = time.perf_counter() - begin
    print(json.dumps(dict(seconds=taken, digests=[digest(getattr(each, "ids", each)) for each in found])), flush=True)
