#!/usr/bin/env python3
"""Writes the corpora: small valid files of every kind, which the fuzzers begin with.

    python3 tests/fuzz/make_corpus.py

Those of findings (`found-*`) were not made here and stay.
"""
import base64
import json
import pathlib
import struct

HERE = pathlib.Path(__file__).parent
DATA = HERE.parent / "data"


def write(harness, name, content):
    path = HERE / "corpus" / harness / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# --- safetensors -------------------------------------------------------------------------------

def safetensors(tensors, metadata=None):
    sizes = {"F32": 4, "F16": 2, "BF16": 2, "U8": 1, "I64": 8, "BOOL": 1, "F8_E4M3": 1}
    header, end = ({"__metadata__": metadata} if metadata else {}), 0
    for name, dtype, shape in tensors:
        size = sizes[dtype]
        for extent in shape:
            size *= extent
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = compact(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(i % 251 for i in range(end))


def make_safetensors():
    write("safetensors", "kinds", safetensors(
        [("model.a.weight", "F32", [2, 3]), ("b", "F16", [4]), ("c", "BF16", [1, 2, 2]),
         ("d", "U8", []), ("e", "I64", [1]), ("f", "BOOL", [3]), ("g", "F8_E4M3", [5])],
        {"format": "pt"}))
    write("safetensors", "empty", safetensors([("none", "F32", [0, 4])]))
    write("safetensors", "nothing", safetensors([]))
    write("weight_index", "two-files", compact(
        {"metadata": {"total_size": 8}, "weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}))
    write("weight_index", "outside", compact({"weight_map": {"x": "../a.safetensors"}}))


# --- GGUF --------------------------------------------------------------------------------------

U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5
BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 8: (32, 34), 12: (256, 144), 39: (32, 17)}


def counted(text):
    text = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(text)) + text


def value(v):
    if isinstance(v, bool):
        return struct.pack("<IB", BOOL, v)
    if isinstance(v, int):
        return struct.pack("<II", U32, v)
    if isinstance(v, float):
        return struct.pack("<If", F32, v)
    if isinstance(v, str):
        return struct.pack("<I", STRING) + counted(v)
    if isinstance(v, bytes):  # an array of them
        return struct.pack("<IIQ", ARRAY, 0, len(v)) + v
    kind = STRING if isinstance(v[0], str) else F32 if isinstance(v[0], float) else I32
    each = {STRING: counted, F32: lambda x: struct.pack("<f", x),
            I32: lambda x: struct.pack("<i", x)}[kind]
    return struct.pack("<IIQ", ARRAY, kind, len(v)) + b"".join(map(each, v))


def gguf(pairs, tensors):
    """`tensors`: a name, a shape, rows first, and a type."""
    lines, data = b"", b""
    for name, shape, kind in tensors:
        numbers, size = BLOCKS[kind]
        for extent in shape:
            size *= extent
        lines += counted(name) + struct.pack("<I", len(shape))
        lines += b"".join(struct.pack("<Q", extent) for extent in reversed(shape))
        lines += struct.pack("<IQ", kind, len(data))
        size //= numbers
        data += bytes(0x3C if i % 2 else i % 7 for i in range(size)) + bytes(-size % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs))
    for key, v in pairs.items():
        head += counted(key) + value(v)
    head += lines
    return head + bytes(-len(head) % 32) + data


PIECES = ["<unk>", "<s>", "</s>", "\u2581", "a", "b", "ab", "\u2581ab", "<0x41>", "<|im_end|>", "e"]
KINDS = [2, 3, 3, 1, 1, 1, 1, 1, 6, 3, 4]


def vocabulary(model, **more):
    keys = {"model": model, "tokens": PIECES, "token_type": KINDS,
            "scores": [-float(i) for i in range(len(PIECES))], "bos_token_id": 1,
            "eos_token_id": 2, "unknown_token_id": 0, **more}
    return {"tokenizer.ggml." + key: v for key, v in keys.items()}


def network(name, **more):
    keys = {"block_count": 1, "embedding_length": 32, "feed_forward_length": 32,
            "attention.head_count": 2, "attention.head_count_kv": 1, "context_length": 64,
            "attention.layer_norm_rms_epsilon": 1e-5, "rope.freq_base": 1e4, "vocab_size": 11,
            **{key.replace("__", "."): v for key, v in more.items()}}
    return {"general.architecture": name, "general.alignment": 32,
            **{name + "." + key: v for key, v in keys.items()}}


def layer(*tensors):
    return [("blk.0." + name + ".weight", shape, kind) for name, shape, kind in tensors]


WHOLE = [("token_embd.weight", [11, 32], 2), ("output_norm.weight", [32], 0)]
NORMS = layer(("attn_norm", [32], 0), ("ffn_norm", [32], 0))
ATTENTION = layer(("attn_q", [32, 32], 8), ("attn_k", [16, 32], 2), ("attn_v", [16, 32], 39),
                  ("attn_output", [32, 32], 2))
MLP = layer(("ffn_gate", [32, 32], 2), ("ffn_up", [32, 32], 2), ("ffn_down", [32, 32], 2))
EXPERTS = layer(("ffn_gate_inp", [2, 32], 0), ("ffn_gate_exps", [2, 32, 32], 2),
                ("ffn_up_exps", [2, 32, 32], 2), ("ffn_down_exps", [2, 32, 32], 2))
JOINED = layer(("attn_qkv", [64, 32], 2), ("attn_output", [32, 32], 2))
LATENT = layer(("attn_q", [32, 32], 2), ("attn_kv_a_mqa", [40, 32], 2),
               ("attn_kv_a_norm", [32], 0), ("attn_k_b", [2, 32, 8], 0),
               ("attn_v_b", [2, 8, 32], 2), ("attn_output", [32, 16], 1))


def make_gguf():
    template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    write("gguf", "llama", gguf(
        {**network("llama"), **vocabulary("llama"), "tokenizer.chat_template": template},
        WHOLE + NORMS + ATTENTION + MLP))
    write("gguf", "experts", gguf(
        network("qwen3moe", expert_count=2, expert_used_count=1, expert_feed_forward_length=32),
        WHOLE + NORMS + ATTENTION + EXPERTS
        + layer(("attn_q_norm", [16], 0), ("attn_k_norm", [16], 0))))
    write("gguf", "falcon", gguf(
        {**network("falcon", attention__layer_norm_epsilon=1e-5),
         **vocabulary("gpt2", pre="llama-bpe", merges=["a b", "\u2581 ab"])},
        WHOLE + NORMS[:1] + JOINED + MLP[1:]))
    write("gguf", "deepseek", gguf(
        {**network("deepseek2", attention__key_length_mla=16, attention__value_length_mla=8,
                   attention__kv_lora_rank=32, rope__dimension_count=8, expert_count=2,
                   expert_used_count=1, leading_dense_block_count=1, expert_shared_count=1,
                   expert_feed_forward_length=32),
         **vocabulary("bert", cls_token_id=1, seperator_token_id=2)},
        WHOLE + NORMS + LATENT + MLP))
    write("gguf", "gemma", gguf(
        {**network("gemma3", attention__sliding_window=8, attention__key_length=16),
         **vocabulary("t5", add_space_prefix=True, remove_extra_whitespaces=True,
                      precompiled_charsmap=charsmap())},
        WHOLE + NORMS + ATTENTION + MLP))
    write("gguf", "rope", gguf(
        network("phi3", rope__scaling__type="yarn", rope__scaling__factor=4.0,
                rope__scaling__original_context_length=16),
        WHOLE + NORMS + JOINED + layer(("ffn_up", [64, 32], 2), ("ffn_down", [32, 32], 2))))
    write("gguf", "values", gguf(
        {"bytes": b"\1\2", "flag": True, "texts": ["a", ""], "numbers": [1.5], "whole": [-1]},
        [("x", [256], 12), ("y", [], 0)]))


# --- tokenizers --------------------------------------------------------------------------------

def charsmap():
    """A double array that makes `b` of `a`."""
    units = [0] * 256
    units[0] = 1 << 10                     # the root: its children begin at 1
    units[1 ^ 0x61] = (0x61 ^ 0) | (1 << 8) | (3 << 10)
    units[(1 ^ 0x61) ^ 3] = 0x8000_0000    # the text at 0
    tree = struct.pack("<256I", *units)
    return struct.pack("<I", len(tree)) + tree + b"b\0"


BYTE_LETTERS = [chr(b) for b in [*range(0x21, 0x7F)]] + ["\u0120", "\u010A"]


def tokenizer(model, **parts):
    return compact({"version": "1.0", "added_tokens": [
        {"id": 300, "content": "<|im_end|>", "special": True, "normalized": False},
        {"id": 301, "content": "<s>", "special": True, "rstrip": True, "single_word": True},
        {"id": 302, "content": "Think", "special": False, "lstrip": True}], **parts,
        "model": model})


def kind(name, **more):
    return {"type": name, **more}


def steps(what, *all):
    return {"type": "Sequence", what: list(all)}


def make_tokenizers():
    vocab = {letter: i for i, letter in enumerate(BYTE_LETTERS)}
    vocab.update({"He": 200, "ll": 201, "Hell": 202, "\u0120W": 203})
    write("tokenizer_json", "byte-level", tokenizer(
        kind("BPE", vocab=vocab, merges=["H e", ["l", "l"], "He ll", "\u0120 W"],
             ignore_merges=True),
        normalizer=kind("NFC"),
        pre_tokenizer=steps("pretokenizers",
                            kind("Split", pattern={"Regex": "\\p{N}{1,3}|(?i:'s|'t)| ?\\p{L}+"},
                                 behavior="Isolated", invert=False),
                            kind("ByteLevel", add_prefix_space=False, use_regex=False)),
        post_processor=kind("TemplateProcessing", single=[
            {"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
            special_tokens={"<s>": {"ids": [301]}}),
        decoder=kind("ByteLevel")))
    vocab = {"<unk>": 0, "\u2581": 1, "h": 2, "i": 3, "hi": 4, "\u2581hi": 5}
    vocab.update({"<0x%02X>" % b: 10 + b for b in range(0, 256, 5)})
    write("tokenizer_json", "byte-fallback", tokenizer(
        kind("BPE", vocab=vocab, merges=["h i", "\u2581 hi"], unk_token="<unk>", fuse_unk=True,
             byte_fallback=True),
        normalizer=steps("normalizers", kind("Prepend", prepend="\u2581"),
                         kind("Replace", pattern={"String": " "}, content="\u2581"),
                         kind("Lowercase"), kind("StripAccents"), kind("Nmt")),
        decoder=steps("decoders", kind("Replace", pattern={"String": "\u2581"}, content=" "),
                      kind("ByteFallback"), kind("Fuse"),
                      kind("Strip", content=" ", start=1, stop=0))))
    write("tokenizer_json", "word-piece", tokenizer(
        kind("WordPiece", vocab={"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "hel": 3, "##lo": 4,
                                 ",": 5, "world": 6, "##1": 7, "1": 8},
             unk_token="[UNK]", continuing_subword_prefix="##", max_input_chars_per_word=100),
        normalizer=kind("BertNormalizer", clean_text=True, handle_chinese_chars=True,
                        lowercase=True, strip_accents=None),
        pre_tokenizer=kind("BertPreTokenizer"),
        post_processor=kind("BertProcessing", sep=["[SEP]", 2], cls=["[CLS]", 1]),
        decoder=kind("WordPiece", prefix="##", cleanup=True)))
    write("tokenizer_json", "unigram", tokenizer(
        kind("Unigram", unk_id=0, byte_fallback=False,
             vocab=[["<unk>", 0.0], ["\u2581", -2.0], ["a", -1.5], ["aa", -2.5], ["l", -3.0]]),
        normalizer=steps("normalizers",
                         kind("Precompiled",
                              precompiled_charsmap=base64.b64encode(charsmap()).decode()),
                         kind("Strip", strip_left=True, strip_right=True),
                         kind("Replace", pattern={"Regex": " {2,}"}, content=" "), kind("NFKC")),
        pre_tokenizer=kind("Metaspace", replacement="\u2581", prepend_scheme="first"),
        decoder=kind("Metaspace", replacement="\u2581", prepend_scheme="first")))
    write("tokenizer_json", "word-level", tokenizer(
        kind("WordLevel", vocab={"[UNK]": 0, "Hello": 1, "World": 2}, unk_token="[UNK]"),
        normalizer=kind("ByteLevel"),
        pre_tokenizer=steps(
            "pretokenizers", kind("Whitespace"), kind("WhitespaceSplit"),
            kind("Digits", individual_digits=True), kind("UnicodeScripts"),
            kind("Punctuation", behavior="Contiguous"), kind("FixedLength", length=4),
            kind("Delimiter", delimiter="-"),
            kind("Split", pattern={"String": "e"}, behavior="MergedWithNext", invert=True)),
        decoder=kind("CTC", pad_token="<pad>", word_delimiter_token="|", cleanup=True)))
    write("tokenizer_json", "suffix", tokenizer(
        kind("BPE", vocab={"a": 0, "b</w>": 1, "ab</w>": 2, "##c": 3}, merges=["a b</w>"],
             end_of_word_suffix="</w>", continuing_subword_prefix="##"),
        decoder=kind("BPEDecoder", suffix="</w>")))


def varint(n):
    out = b""
    while n > 0x7F:
        out, n = out + bytes([n & 0x7F | 0x80]), n >> 7
    return out + bytes([n])


def field(number, v):
    if isinstance(v, float):
        return varint(number << 3 | 5) + struct.pack("<f", v)
    if isinstance(v, int):
        return varint(number << 3) + varint(v)
    v = v if isinstance(v, bytes) else v.encode()
    return varint(number << 3 | 2) + varint(len(v)) + v


def make_sentence_pieces():
    pieces = b"".join(field(1, field(1, text) + field(2, -float(i)) + field(3, kind))
                      for i, (text, kind) in enumerate(zip(PIECES, KINDS)))
    for name, model in (("unigram", 1), ("bpe", 2)):
        trainer = field(2, field(3, model) + field(35, 1))
        rules = field(3, field(2, charsmap()) + field(3, 1) + field(4, 1) + field(5, 1))
        write("sentence_piece", name, pieces + trainer + rules)


def make_lists():
    tokens = [bytes([b]) for b in range(256)] + [b"He", b"ll", b"Hell", b" W"]
    write("ranks", "bytes", b"".join(
        base64.b64encode(t) + b" %d\n" % i for i, t in enumerate(tokens)))
    write("ranks", "few", "YQ== 0\nYg== 1\nYWI= 2\nYWJhYg== 3\r\n\n")
    write("word_list", "bert", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhello\n##lo\nhel\n,\n1\n##2\n")
    write("merge_list", "some", "#version: 0.2\na b\nab ab\na a\naa a\naa aa\n\u0120 a\n")


# --- chat templates ----------------------------------------------------------------------------

CHATML = """{%- if tools %}{{- '<|im_start|>system\\n' }}{% for tool in tools %}{{ tool | tojson }}
{%- endfor %}{%- endif %}
{%- set ns = namespace(last=messages|length - 1, seen=false) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if not ns.seen and message.role == "user" and message.content is string
        and not message.content.startswith('<tool>') %}
        {%- set ns.seen = true %}{%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role == 'assistant' and '</think>' in message.content %}
        {%- set content = message.content.split('</think>')[-1].lstrip('\\n') %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' }}
    {%- elif loop.first or (message.role != 'tool') %}
        {{- '<|im_start|>' + message['role'] + '\\n' + message.content|trim + '<|im_end|>' }}
    {%- else %}{{ raise_exception('Unknown role: ' ~ message.role) }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""

MACROS = """{%- macro shown(value, depth=0) -%}
  {%- if value is mapping -%}{% for key, each in value|dictsort %}{{ key }}: {{ shown(each, depth + 1) }}
  {%- endfor -%}
  {%- elif value is iterable and value is not string -%}[{{ value|map('string')|join(', ') }}]
  {%- else -%}{{ '%s|%5.2f' | format(value, depth) }}{%- endif -%}
{%- endmacro %}
{{ bos_token }}{{ shown({'a': [1, 2.5, none, true], "b": {'c': messages[0].content}}) }}
{% filter upper %}{{ strftime_now('%d %b %Y') }}{% endfilter %}
{% set parts %}x{{ 3 // 2 ** 2 % 5 - -1 }}{% endset %}{{ parts ~ 'y' if parts else "z" }}
{{ messages|selectattr('role', 'equalto', 'user')|list|length }} {{ [3, 1, 2]|sort(reverse=true) }}
{% for a in range(3) if a != 1 %}{{ loop.index }}{% if loop.last %}{% break %}{% endif %}{% else %}none{% endfor %}
{% call shown(1) %}{% endcall %}{% raw %}{{ }}{% endraw %}{# a remark #}"""

def make_templates():
    write("chat_template", "chatml", CHATML)
    write("chat_template", "macros", MACROS)
    write("chat_template", "llama2", "{% for m in messages %}{% if m['role'] == 'user' %}"
          "{{ bos_token + '[INST] ' + m['content'].strip() + ' [/INST]' }}{% else %}"
          "{{ ' ' + m['content'] + ' ' + eos_token }}{% endif %}{% endfor %}")
    lines = (DATA / "templates/jinja_cases.jsonl").read_text().splitlines()[1:]
    cases = [json.loads(line) for line in lines]
    fine = [case["template"] for case in cases if "text" in case]
    # Two hundred of them, some to a file.
    fine = fine[::max(1, len(fine) // 200)]
    for i in range(0, len(fine), 20):
        write("chat_template", "cases-%02d" % (i // 20), "\n".join(fine[i:i + 20]))


def make_configs():
    for path in sorted((DATA / "families").glob("*.json")):
        write("config", path.stem, compact(json.loads(path.read_text())["config"]))


make_safetensors()
make_gguf()
make_tokenizers()
make_sentence_pieces()
make_lists()
make_templates()
make_configs()
