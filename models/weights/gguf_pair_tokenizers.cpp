// Writes the tokenizer.json of models that merge pairs.
#include "models/weights/gguf_merges.hpp"
#include "models/weights/gguf_tokenizer_writer.hpp"
#include "models/weights/gguf_words.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace model_server {

using enum gguf_token_kind;

namespace {

// Whether the model's name has one of these in it, in letters of any size.
bool is_called(const gguf_metadata& metadata, std::string_view one,
               std::string_view other) {
  std::string name{metadata.text("general.name").value_or("")};
  for (auto& letter : name)
    if (letter >= 'A' && letter <= 'Z')
      letter = static_cast<char>(letter - 'A' + 'a');
  return name.find(one) != std::string::npos
         || name.find(other) != std::string::npos;
}

void write_piece_decoder(gguf_tokenizer_writer& to, bool has_prefix) {
  to.out.object("decoder", [&] {
    to.out.text("type", "Sequence");
    to.out.list("decoders", [&] {
      to.write_replace(piece_space, " ");
      to.out.object([&] { to.out.text("type", "ByteFallback"); });
      to.out.object([&] { to.out.text("type", "Fuse"); });
      if (has_prefix)
        to.out.object([&] {
          to.out.text("type", "Strip");
          to.out.text("content", " ");
          to.out.integer("start", 1);
          to.out.integer("stop", 0);
        });
    });
  });
}

void write_byte_level(gguf_tokenizer_writer& to, bool cuts_words) {
  to.out.text("type", "ByteLevel");
  to.out.flag("add_prefix_space", false);
  to.out.flag("trim_offsets", true);
  to.out.flag("use_regex", cuts_words);
}

void write_cut(gguf_tokenizer_writer& to, const gguf_cut& cut) {
  using enum gguf_cut::kind;
  switch (cut.what) {
  case split:
    to.out.text("type", "Split");
    to.out.object("pattern", [&] { to.out.text("Regex", cut.pattern); });
    to.out.text("behavior", "Isolated");
    to.out.flag("invert", false);
    break;
  case digits:
  case each_digit:
    to.out.text("type", "Digits");
    to.out.flag("individual_digits", cut.what == each_digit);
    break;
  case punctuation:
    to.out.text("type", "Punctuation");
    to.out.text("behavior", "Contiguous");
    break;
  case bytes:
  case gpt2_words:
    write_byte_level(to, cut.what == gpt2_words);
    break;
  }
}

void write_merges(gguf_tokenizer_writer& to) {
  constexpr std::string_view key = "tokenizer.ggml.merges";
  auto list = to.metadata.strings(key);
  if (!list)
    throw std::runtime_error(
        fmt::format("{}: `{}` is missing", to.metadata.where(), key));
  to.out.list("merges", [&] {
    for (gguf_elements each{*list}; !each.done();) {
      // The space between the two is not the first letter of either.
      auto line = each.next_string();
      auto cut = line.find(' ', 1);
      if (cut == std::string_view::npos || cut + 1 == line.size())
        to.metadata.refuse(key, "but one is not a pair of tokens");
      to.out.list([&] {
        to.out.text(line.substr(0, cut));
        to.out.text(line.substr(cut + 1));
      });
    }
  });
}

} // namespace

void write_sentence_piece(gguf_tokenizer_writer& to) {
  auto has_prefix =
      to.metadata.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
  // Phi-3 takes the white space behind its control tokens, which its files do
  // not say: only their names do.
  auto is_phi3 = is_called(to.metadata, "phi-3", "phi3");
  to.write_added_tokens([&](const gguf_token& token) {
    return is_phi3
           && (token.text == "</s>"
               || (token.kind == control && token.text != "<s>"
                   && token.text != "<unk>" && token.text != "<|endoftext|>"));
  });
  to.out.object("normalizer", [&] {
    to.out.text("type", "Sequence");
    to.out.list("normalizers", [&] {
      if (has_prefix)
        to.out.object([&] {
          to.out.text("type", "Prepend");
          to.out.text("prepend", piece_space);
        });
      to.write_replace(" ", piece_space);
    });
  });
  write_piece_decoder(to, has_prefix);
  to.write_post_processor(to.begin(true, 1), to.end(false, 2));
  to.out.object("model", [&] {
    to.out.text("type", "BPE");
    to.out.flag("byte_fallback", true);
    to.out.flag("fuse_unk", true);
    auto id = to.find("tokenizer.ggml.unknown_token_id", 0);
    if (id)
      to.out.text("unk_token", to.text_of(*id));
    to.write_vocabulary([&](const gguf_token& token) {
      return token.kind == normal || token.kind == byte
             || (id && token.text == to.text_of(*id));
    });
    to.out.list("merges", [&] {
      for (auto& pair : merges_of_scores(to.tokens, to.metadata.where()))
        to.out.list([&] {
          to.out.text(pair.first);
          to.out.text(pair.second);
        });
    });
  });
}

void write_byte_pairs(gguf_tokenizer_writer& to) {
  constexpr std::string_view key = "tokenizer.ggml.pre";
  auto words = find_gguf_words(to.metadata.text(key).value_or("default"));
  if (words == nullptr)
    to.metadata.refuse(key, "this way to cut text into words is not built in");
  to.write_added_tokens();
  if (words->is_composed)
    to.out.object("normalizer", [&] { to.out.text("type", "NFC"); });
  to.out.object("pre_tokenizer", [&] {
    to.out.text("type", "Sequence");
    to.out.list("pretokenizers", [&] {
      for (auto& cut : words->cuts)
        to.out.object([&] { write_cut(to, cut); });
    });
  });
  to.out.object("decoder", [&] { write_byte_level(to, false); });
  to.write_post_processor(to.begin(words->adds_begin), to.end(false));
  to.out.object("model", [&] {
    to.out.text("type", "BPE");
    to.out.flag("ignore_merges", words->ignores_merges);
    to.write_vocabulary([](const gguf_token& token) {
      return token.kind == normal || token.kind == byte;
    });
    write_merges(to);
  });
}

} // namespace model_server
