#!/usr/bin/env python3
"""Makes blocks.jsonl: random blocks of each quantized type and the floats gguf-py makes of them.

    python3 make_blocks.py [folder]

A line has the type's name, the blocks and the floats, both as hexadecimal bytes in little
endian. The scales are random bits as the rest, so there are infinities, NaNs and subnormal
numbers among them. Needs gguf (0.7 of llama.cpp) and numpy.
"""
import json, os, sys
import numpy as np
import gguf
from gguf.quants import dequantize

TYPES = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
         "IQ4_NL", "IQ4_XS", "MXFP4", "F16", "BF16"]


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    draw = np.random.default_rng(20260)
    with open(os.path.join(folder, "blocks.jsonl"), "w") as out:
        for name in TYPES:
            kind = gguf.GGMLQuantizationType[name]
            numbers, size = gguf.GGML_QUANT_SIZES[kind]
            blocks = draw.integers(0, 256, size=(2 if numbers > 32 else 64 // numbers * 3, size),
                                   dtype=np.uint8)
            with np.errstate(all="ignore"):
                floats = dequantize(blocks.reshape(1, -1), kind).astype(np.float32)
            out.write(json.dumps({"type": name, "blocks": blocks.tobytes().hex(),
                                  "floats": floats.tobytes().hex()}) + "\n")


main()
