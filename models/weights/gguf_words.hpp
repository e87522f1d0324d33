// How byte-pair models cut text into words, by the names that GGUF files use.
#pragma once

#include <span>
#include <string_view>

namespace model_server {

/// One step of a cut.
struct gguf_cut {
  enum class kind {
    /// Around each match of `pattern`.
    split,
    /// Around runs of digits, or each digit.
    digits,
    each_digit,
    /// Around runs of punctuation.
    punctuation,
    /// Bytes become letters; as GPT-2 does it, cutting into words before.
    bytes,
    gpt2_words
  };
  kind what;
  std::string_view pattern = {};
};

/// What a file leaves to the reader.
struct gguf_words {
  std::span<const gguf_cut> cuts;
  /// Text is composed (NFC) before.
  bool is_composed = false;
  /// A word that is a token is not merged.
  bool ignores_merges = false;
  /// A text begins with the begin token unless the file says otherwise.
  bool adds_begin = false;
};

/// The words of `tokenizer.ggml.pre`; null if the name is unknown. The cuts are
/// those of the models' own tokenizer.json files.
const gguf_words* find_gguf_words(std::string_view name);

} // namespace model_server
