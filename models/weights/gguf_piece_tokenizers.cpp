// Writes the tokenizer.json of models that look for pieces in words.
#include "models/weights/gguf_tokenizer_writer.hpp"

#include <string>

namespace model_server {

using enum gguf_token_kind;

namespace {

std::string base64(gguf_elements bytes) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  while (!bytes.done()) {
    std::uint32_t three = 0;
    int count = 0;
    for (; count < 3 && !bytes.done(); ++count)
      three |= (static_cast<std::uint32_t>(bytes.next_integer()) & 0xFFu)
               << (16 - 8 * count);
    for (int i = 0; i < 4; ++i)
      result += i <= count ? letters[three >> (18 - 6 * i) & 63] : '=';
  }
  return result;
}

// In files the first piece of a word begins with U+2581 and the others with
// nothing; in tokenizer.json the others begin with `##`.
std::string word_piece(const gguf_token& token) {
  std::string result{token.text};
  if (result.starts_with(piece_space))
    return result.substr(piece_space.size());
  auto is_name =
      result.starts_with('[') && result.ends_with(']') && result.size() > 2;
  return is_name || token.kind == control || token.kind == unknown
             ? result
             : "##" + result;
}

void write_unigram_normalizer(gguf_tokenizer_writer& to) {
  auto map = to.metadata.integers("tokenizer.ggml.precompiled_charsmap");
  auto removes = to.metadata.boolean("tokenizer.ggml.remove_extra_whitespaces")
                     .value_or(false);
  if (!map && !removes)
    return;
  to.out.object("normalizer", [&] {
    to.out.text("type", "Sequence");
    to.out.list("normalizers", [&] {
      if (map)
        to.out.object([&] {
          to.out.text("type", "Precompiled");
          to.out.text("precompiled_charsmap", base64(gguf_elements{*map}));
        });
      if (!removes)
        return;
      to.out.object([&] {
        to.out.text("type", "Strip");
        to.out.flag("strip_left", false);
        to.out.flag("strip_right", true);
      });
      to.out.object([&] {
        to.out.text("type", "Replace");
        to.out.object("pattern", [&] { to.out.text("Regex", " {2,}"); });
        to.out.text("content", piece_space);
      });
    });
  });
}

} // namespace

void write_word_piece(gguf_tokenizer_writer& to) {
  to.write_added_tokens();
  to.out.object("normalizer", [&] {
    to.out.text("type", "BertNormalizer");
    to.out.flag("clean_text", true);
    to.out.flag("handle_chinese_chars", true);
    auto lowercase = to.metadata.boolean("tokenizer.ggml.normalizer.lowercase");
    to.out.flag("lowercase", lowercase.value_or(true));
    if (auto strip =
            to.metadata.boolean("tokenizer.ggml.normalizer.strip_accents"))
      to.out.flag("strip_accents", *strip);
  });
  to.out.object("pre_tokenizer",
                [&] { to.out.text("type", "BertPreTokenizer"); });
  to.out.object("decoder", [&] {
    to.out.text("type", "WordPiece");
    to.out.text("prefix", "##");
    to.out.flag("cleanup", true);
  });
  auto before = to.find("tokenizer.ggml.cls_token_id", 101);
  if (auto id = to.find("tokenizer.ggml.bos_token_id"))
    before = id;
  to.write_post_processor(before,
                          to.find("tokenizer.ggml.seperator_token_id", 102));
  to.out.object("model", [&] {
    to.out.text("type", "WordPiece");
    auto id = to.find("tokenizer.ggml.unknown_token_id", 100).value_or(0);
    to.out.text("unk_token", to.text_of(id));
    to.out.text("continuing_subword_prefix", "##");
    to.out.integer("max_input_chars_per_word", 100);
    to.out.object("vocab", [&] {
      for (std::size_t i = 0; i < to.tokens.size(); ++i)
        to.out.integer(word_piece(to.tokens[i]), static_cast<std::int64_t>(i));
    });
  });
}

void write_unigram(gguf_tokenizer_writer& to) {
  auto has_prefix =
      to.metadata.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
  to.write_added_tokens();
  write_unigram_normalizer(to);
  for (auto part : {"pre_tokenizer", "decoder"})
    to.out.object(part, [&] {
      to.out.text("type", "Metaspace");
      to.out.text("replacement", piece_space);
      to.out.text("prepend_scheme", has_prefix ? "always" : "never");
    });
  to.write_post_processor(to.begin(false), to.end(true, 1));
  to.out.object("model", [&] {
    to.out.text("type", "Unigram");
    auto id = to.find("tokenizer.ggml.unknown_token_id", 2);
    if (id)
      to.out.integer("unk_id", *id);
    to.out.list("vocab", [&] {
      for (auto& token : to.tokens)
        to.out.list([&] {
          to.out.text(token.text);
          to.out.number(static_cast<double>(token.score));
        });
    });
  });
}

} // namespace model_server
