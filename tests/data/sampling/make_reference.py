#!/usr/bin/env python3
"""Makes reference.json: what transformers' processors and warpers leave of some scores.

    python3 make_reference.py [folder]

Each case has scores, the tokens before (prompt and reply), the settings, and the tokens
that are left with their chances. The processors are built as `generate` builds them from
a generation config, in its order. Needs torch and transformers.
"""
import json, os, random, sys
import torch
from transformers import (LogitsProcessorList, MinPLogitsWarper,
                          RepetitionPenaltyLogitsProcessor, SequenceBiasLogitsProcessor,
                          SuppressTokensLogitsProcessor, TemperatureLogitsWarper,
                          TopKLogitsWarper, TopPLogitsWarper, TypicalLogitsWarper)

SETTINGS = [
    {}, {"temperature": 0.6}, {"temperature": 1.7}, {"top_k": 5}, {"top_k": 1}, {"top_k": 500},
    {"top_p": 0.9}, {"top_p": 0.3}, {"top_p": 0.01}, {"min_p": 0.05}, {"min_p": 0.5},
    {"typical_p": 0.9}, {"typical_p": 0.5}, {"typical_p": 0.1},
    {"repetition_penalty": 1.3}, {"repetition_penalty": 0.7},
    {"logit_bias": True}, {"logit_bias": True, "repetition_penalty": 1.5, "temperature": 0.8},
    {"temperature": 0.8, "top_k": 20, "top_p": 0.9, "min_p": 0.05},
    {"temperature": 1.4, "top_k": 30, "top_p": 0.95, "typical_p": 0.8},
    {"temperature": 0.7, "min_p": 0.02, "typical_p": 0.6},
    {"temperature": 1.2, "top_p": 0.8, "typical_p": 0.7, "repetition_penalty": 1.1},
    {"min_tokens": True, "top_p": 0.95}, {"min_tokens": True, "temperature": 1.5, "top_k": 8},
]


def processors(settings):
    """As transformers' GenerationMixin._get_logits_processor orders them."""
    result = LogitsProcessorList()
    if "logit_bias" in settings:
        result.append(SequenceBiasLogitsProcessor(
            [[[token], bias] for token, bias in settings["logit_bias"]]))
    if "repetition_penalty" in settings:
        result.append(RepetitionPenaltyLogitsProcessor(settings["repetition_penalty"]))
    if "forbidden" in settings:
        result.append(SuppressTokensLogitsProcessor(settings["forbidden"]))
    result.append(TemperatureLogitsWarper(settings.get("temperature", 1.0)))
    for name, warper in [("top_k", TopKLogitsWarper), ("top_p", TopPLogitsWarper),
                         ("min_p", MinPLogitsWarper), ("typical_p", TypicalLogitsWarper)]:
        if name in settings:
            result.append(warper(settings[name]))
    return result


def make_case(number, settings):
    draw = random.Random(number)
    vocabulary = draw.choice([17, 64, 150])
    spread = draw.choice([0.5, 1.5, 4.0])
    scores = torch.tensor([round(draw.gauss(0, spread), 3) for _ in range(vocabulary)])
    tokens = [draw.randrange(vocabulary) for _ in range(draw.randrange(1, 12))]
    settings = dict(settings)
    if settings.get("logit_bias"):
        chosen = sorted(draw.sample(range(1, vocabulary), 6))
        settings["logit_bias"] = [[i, b] for i, b in zip(chosen, [-100.0, -1.5, 0.25, 2.0, 0.0, 3.0])]
    forbidden = {}
    if settings.pop("min_tokens", False):
        best = scores.argsort(descending=True)[:3].tolist()
        forbidden = {"forbidden": best}
    left = processors(settings | forbidden)(torch.tensor([tokens]), scores.clone()[None])[0]
    chances = left.double().softmax(-1)
    kept = [i for i in range(vocabulary) if left[i] != -float("inf")]
    return {"scores": [round(x, 3) for x in scores.tolist()], "tokens": tokens, "settings": settings,
            **forbidden, "kept": kept, "chances": [float(f"{chances[i]:.9g}") for i in kept]}


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    cases = [make_case(100 * round + i, s) for round in range(4) for i, s in enumerate(SETTINGS)]
    with open(os.path.join(folder, "reference.json"), "w") as file:
        file.write('{"cases":[\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]}\n")
