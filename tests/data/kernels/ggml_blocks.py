"""Writes ggml_blocks.bin: random quantized rows, and what gguf-py says that they are worth.

For each type its number, the bytes of a row of 512 numbers and their worth as floats, little endian.

    pip install gguf==0.19.0
    python3 ggml_blocks.py ggml_blocks.bin
"""

import struct
import sys

import gguf
import numpy

COLUMNS = 512

# Where in a block a binary16 lies.
HALVES = {
    "Q4_0": [0],
    "Q4_1": [0, 2],
    "Q5_0": [0],
    "Q5_1": [0, 2],
    "Q8_0": [0],
    "Q4_K": [0, 2],
    "Q5_K": [0, 2],
    "Q6_K": [208],
    "IQ4_NL": [0],
}

random = numpy.random.default_rng(7)
with open(sys.argv[1], "wb") as file:
    for name, halves in HALVES.items():
        kind = gguf.GGMLQuantizationType[name]
        numbers, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = random.integers(0, 256, (COLUMNS // numbers, size), dtype=numpy.uint8)
        for at in halves:
            scales = random.normal(0.0, 0.02, (len(blocks), 1)).astype("<f2")
            blocks[:, at : at + 2] = scales.view(numpy.uint8)
        worth = gguf.dequantize(blocks.reshape(1, -1), kind)
        file.write(struct.pack("<I", kind))
        file.write(blocks.tobytes())
        file.write(worth.astype("<f4").tobytes())
