#!/usr/bin/env python3
"""Makes the references of this folder: the embeddings that transformers' states of
tiny networks come to.

    python3 make_reference.py [name ...]

NAME.json holds a config.json, the tensors of the checkpoint with the rule by which
their numbers are made (as in ../families), and texts as token ids, with what each way
of pooling makes of the last hidden states, computed in fp32 and not normalised.
Needs torch, transformers, safetensors and numpy.
"""
import json, math, os, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "families"))
from make_reference import numbers, rounded
import torch
from safetensors.numpy import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM

LENGTHS = (21, 1, 100)
BERT = dict(vocab_size=99, hidden_size=48, intermediate_size=56, num_hidden_layers=2, num_attention_heads=4,
            max_position_embeddings=128, type_vocab_size=2)
LLAMA = dict(vocab_size=99, hidden_size=48, intermediate_size=56, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=128, bos_token_id=1, eos_token_id=2, pad_token_id=0)

# name: (class, model_type, config); the second text of "padded" ones has padding in it
VARIANTS = {
    "bert": (AutoModel, "bert", BERT),
    "bert-masked": (AutoModelForMaskedLM, "bert", BERT | dict(hidden_act="gelu_new", layer_norm_eps=1e-5)),
    "roberta": (AutoModel, "roberta", BERT | dict(type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5)),
    "xlm-roberta": (AutoModelForMaskedLM, "xlm-roberta", BERT | dict(type_vocab_size=1, pad_token_id=1)),
    "distilbert": (AutoModel, "distilbert", dict(vocab_size=99, dim=48, hidden_dim=56, n_layers=2, n_heads=4,
                                                 max_position_embeddings=128)),
    "llama": (AutoModelForCausalLM, "llama", LLAMA),
    "llama-bare": (AutoModel, "llama", LLAMA | dict(tie_word_embeddings=True)),
}


def rule(name, shape):
    """How large the numbers of a tensor are: scale and offset."""
    root12 = math.sqrt(12)
    if "norm" in name.lower() and len(shape) == 1:
        return (0.3 * root12, 0.0) if name.endswith("bias") else (0.2 * root12, 1.0)
    if name.endswith("bias"):
        return 0.3 * root12, 0.0
    if "embed" in name:
        return 0.5 * root12, 0.0
    gain = 2.0 if any(part in name for part in ("q_", "k_", "query", "key")) else 1.2
    return gain * root12 / shape[-1] ** 0.5, 0.0


def make(name):
    kind, model_type, changes = VARIANTS[name]
    config = AutoConfig.for_model(model_type, **changes)
    with tempfile.TemporaryDirectory() as folder:
        kind.from_config(config).save_pretrained(folder)
        shapes = {key: list(value.shape) for key, value in load_file(f"{folder}/model.safetensors").items()}
        with open(f"{folder}/config.json") as file:
            saved = json.load(file)
        rules = {t: [rounded(x) for x in rule(t, shape)] for t, shape in shapes.items()}
        save_file({t: numbers(t, shape, *rules[t]) for t, shape in shapes.items()}, f"{folder}/model.safetensors",
                  metadata={"format": "pt"})
        model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        generator = torch.Generator().manual_seed(7)
        texts = []
        for length in LENGTHS:
            ids = torch.randint(3, 99, (length,), generator=generator).tolist()
            if "roberta" in name and length > 8:
                ids[5] = 1  # a token that looks like padding
            with torch.no_grad():
                states = model.base_model(torch.tensor([ids])).last_hidden_state[0].double()
            pooled = dict(mean=states.mean(0), cls=states[0], last=states[-1])
            texts.append(dict(tokens=ids, **{how: [rounded(x) for x in row.tolist()] for how, row in pooled.items()}))
    for key in ("transformers_version", "dtype"):
        saved.pop(key, None)
    with open(os.path.join(HERE, f"{name}.json"), "w") as file:
        tensors = {t: dict(shape=shape, scale=rules[t][0], offset=rules[t][1]) for t, shape in shapes.items()}
        json.dump(dict(config=saved, salt="", tensors=tensors, texts=texts), file)
        file.write("\n")
    print(f"{name}: {len(shapes)} tensors, mean begins with {texts[0]['mean'][:3]}", flush=True)


if __name__ == "__main__":
    for name in sys.argv[1:] or VARIANTS:
        make(name)
