#!/usr/bin/env python3
"""Makes the small tokenizers of this folder that aren't plain BPE, and the SentencePiece models, with what the libraries say.

    python3 make_kinds.py

Run it in this folder. The texts are those of byte-level.jsonl. Needs the Python packages tokenizers (0.23) and sentencepiece
(0.2). A row is left out where the library itself makes a control token of text in which none is to be recognised.
"""
import io, json, os
import sentencepiece
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers)

TEXTS = [json.loads(line)["text"] for line in open("byte-level.jsonl", encoding="utf-8")]
TEXTS += ["Hello, how are you? I'm fine, don't worry.", "[CLS] a [SEP] [MASK]", "</s><unk><s>", "＜/s＞ ＡＢＣ １２３", "un" * 60,
          "a" * 101, "京都はどこ。Yes ー x", "e\u0301 \u212b \u1e9b\u0323 \u0f77", "\ufeffa\u200bb\ufffdc", "foo-bar|baz||", "\u0301a",
          "naïve café ÀÉÎ", "   spaces   between   ", "\ttab\tand\nlines\r\n", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠀀𠀁", "x.y.z!?;:", "(paren) \"quote\""]
CORPUS = TEXTS + 40 * ["the quick brown fox jumps over the lazy dog and then the words follow the words",
                       "Hello, how are you? I am fine, don't worry; it's nothing.", "naive cafe unhappy undone unseen worked working worker"]


def special(text):
    return AddedToken(text, special=True, normalized=False)


def bert():
    made = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    made.train_from_iterator(CORPUS, trainers.WordPieceTrainer(
        vocab_size=320, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    made.enable_truncation(16)
    made.enable_padding(pad_to_multiple_of=8)
    return made


def word_piece_cased():
    made = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20))
    made.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents()])
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.UnicodeScripts(), pre_tokenizers.CharDelimiterSplit("|"),
                                                  pre_tokenizers.WhitespaceSplit()])
    made.decoder = decoders.WordPiece(prefix="@@", cleanup=False)
    made.train_from_iterator(CORPUS, trainers.WordPieceTrainer(
        vocab_size=300, special_tokens=["[UNK]"], continuing_subword_prefix="@@", show_progress=False))
    made.model.continuing_subword_prefix = "@@"
    made.model.max_input_chars_per_word = 20
    return made


def word_level():
    made = Tokenizer(models.WordLevel(unk_token="<unk>"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.train_from_iterator(CORPUS, trainers.WordLevelTrainer(vocab_size=120, special_tokens=["<unk>", "<s>", "</s>"],
                                                               show_progress=False))
    return made


def letters_ctc():
    """Every other character is a word, as in wav2vec."""
    letters = sorted({letter for text in TEXTS[40:] for letter in text.replace(" ", "|").upper()})[:90]
    vocab = {token: i for i, token in enumerate(["<pad>", "<unk>", "<s>", "</s>"] + letters + ["do not", " ."])}
    made = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    made.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.Replace(" ", "|")])
    made.pre_tokenizer = pre_tokenizers.FixedLength(1)
    made.decoder = decoders.CTC()
    made.add_special_tokens([special("<pad>"), special("<unk>"), special("<s>"), special("</s>")])
    return made


def suffix_bpe():
    """As CLIP has it."""
    made = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>", fuse_unk=False))
    made.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    made.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"""<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""),
                             behavior="removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=620, end_of_word_suffix="</w>", special_tokens=["<|startoftext|>", "<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    made.post_processor = processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0))
    return made


def suffix_decoder():
    """As GPT has it: words end in a suffix, which the decoder reads."""
    made = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    made.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=True, handle_chinese_chars=False)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.BPEDecoder()
    made.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=260, end_of_word_suffix="</w>", special_tokens=["<unk>"],
                                                         limit_alphabet=80, show_progress=False))
    return made


def prefix_bpe():
    made = Tokenizer(models.BPE(unk_token="<unk>", continuing_subword_prefix="##", fuse_unk=True))
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.decoder = decoders.WordPiece(cleanup=False)
    made.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=320, continuing_subword_prefix="##", special_tokens=["<unk>"],
                                                         limit_alphabet=80, show_progress=False))
    return made


def byte_normalizer():
    made = Tokenizer(models.BPE())
    made.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.ByteLevel()])
    made.pre_tokenizer = pre_tokenizers.FixedLength(7)
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=420, special_tokens=["<|s|>"], show_progress=False,
                                                         initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return made


def rules(path):
    """A few of SentencePiece's rules: full-width letters, an accent, two spaces, a ligature, a letter that goes."""
    table = [([0xFF21 + i], [0x41 + i]) for i in range(26)] + [([0xFF10 + i], [0x30 + i]) for i in range(10)]
    table += [([0xFF1C], [0x3C]), ([0xFF1E], [0x3E]), ([0xFF0F], [0x2F]), ([0x65, 0x301], [0xE9]), ([0xFB01], [0x66, 0x69]),
              ([0x3000], [0x20]), ([0x09], [0x20]), ([0x0A], [0x20]), ([0x200B], []), ([0x0D, 0x0A], [0x20]), ([0xAC01], [0x1100, 0x1161, 0x11A8]),
              ([0x61, 0x62, 0x63, 0x64], [0x78])]
    with open(path, "w") as file:
        for source, target in table:
            file.write(" ".join(f"{code:X}" for code in source) + "\t" + " ".join(f"{code:X}" for code in target) + "\n")


def sentencepiece_model(name, **options):
    rules("rules.tsv")
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([text for text in CORPUS if "\0" not in text]), model_writer=out, hard_vocab_limit=False,
        normalization_rule_tsv="rules.tsv", minloglevel=2, **options)
    os.remove("rules.tsv")
    return out.getvalue()


def pieces_of(model):
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [(processor.IdToPiece(i), processor.GetScore(i)) for i in range(processor.GetPieceSize())]


def fields(message):
    """The fields of a protobuf message that have bytes: (number, bytes)."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = number()
        if key & 7 == 0:
            number()
        elif key & 7 == 2:
            size = number()
            yield key >> 3, message[at:at + size]
            at += size
        else:
            at += 4 if key & 7 == 5 else 8


def charsmap_of(model):
    normalizer_spec = dict(fields(model))[3]
    return dict(fields(normalizer_spec))[2]


def unigram(byte_fallback):
    model = sentencepiece_model("unigram", model_type="unigram", vocab_size=(540 if byte_fallback else 300), byte_fallback=byte_fallback,
                                character_coverage=0.98)
    made = Tokenizer(models.Unigram(pieces_of(model), unk_id=0, byte_fallback=byte_fallback))
    steps = [normalizers.Precompiled(charsmap_of(model)), normalizers.Strip(left=False, right=True),
             normalizers.Replace(Regex(" {2,}"), "▁")]
    made.normalizer = normalizers.Sequence(steps)
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=not byte_fallback)
    made.decoder = (decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="always")]) if byte_fallback
                    else decoders.Metaspace(prepend_scheme="always"))
    made.add_special_tokens([special("<unk>"), special("<s>"), special("</s>")])
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    return made


def write_rows(name, made):
    made.no_truncation(); made.no_padding()
    control = {i for i, token in made.get_added_tokens_decoder().items() if token.special}
    unknown = {made.token_to_id(token) for token in ("[UNK]", "<unk>")} | ({1} if name == "suffix-bpe" else set())
    with open(f"{name}.jsonl", "w", encoding="utf-8") as file:
        for text in TEXTS:
            made.encode_special_tokens = True
            untrusted = made.encode(text, add_special_tokens=False).ids
            made.encode_special_tokens = False
            ids = made.encode(text, add_special_tokens=False).ids
            if set(untrusted) & (control - unknown) or any(token in text and made.token_to_id(token) in unknown for token in ("<unk>", "[UNK]")):
                continue
            row = {"text": text, "ids": ids}
            with_special = made.encode(text).ids
            if with_special != ids:
                row["with_special"] = with_special
            decoded = made.decode(ids, skip_special_tokens=False) if ids else ""
            if decoded != text:
                row["decoded"] = decoded
            if untrusted != ids:
                row["untrusted"] = untrusted
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_piece_rows(name, model):
    """What SentencePiece says of a model of its own."""
    with open(f"{name}.model", "wb") as file:
        file.write(model)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    with open(f"{name}.sp.jsonl", "w", encoding="utf-8") as file:
        for text in TEXTS:
            if "\0" in text:
                continue
            row = {"text": text, "ids": processor.EncodeAsIds(text)}
            decoded = processor.DecodeIds(row["ids"])
            if decoded != text:
                row["decoded"] = decoded
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


KINDS = {"bert": bert, "word-piece-cased": word_piece_cased, "word-level": word_level, "letters-ctc": letters_ctc,
         "suffix-bpe": suffix_bpe, "suffix-decoder": suffix_decoder, "prefix-bpe": prefix_bpe, "byte-normalizer": byte_normalizer,
         "unigram": lambda: unigram(False), "unigram-bytes": lambda: unigram(True)}

for name, make in KINDS.items():
    made = make()
    made.save(f"{name}.json", pretty=False)
    write_rows(name, made)

write_piece_rows("sp-bpe", sentencepiece_model("bpe", model_type="bpe", vocab_size=560, byte_fallback=True, character_coverage=0.98,
                                               remove_extra_whitespaces=False, user_defined_symbols=["<both>", "don't"]))
write_piece_rows("sp-unigram", sentencepiece_model("unigram", model_type="unigram", vocab_size=300, character_coverage=0.98,
                                                   user_defined_symbols=["<r>"]))
write_piece_rows("sp-unigram-bytes", sentencepiece_model("unigram", model_type="unigram", vocab_size=540, byte_fallback=True,
                                                         character_coverage=0.98, add_dummy_prefix=False, remove_extra_whitespaces=False))
