// Small tokenizer files, written out so that every id can be checked by eye.
#pragma once

#include "models/text/tokenizer.hpp"

#include <string>

namespace model_server {

/// Bytes `a` to `d`, space and newline, some merges, and two control tokens.
inline std::string tiny_byte_level(const std::string& more = "") {
  return R"({
    "added_tokens": [
      {"id": 20, "content": "<|end|>", "special": true, "normalized": false},
      {"id": 21, "content": "<|user|>", "special": true, "normalized": false,
       "rstrip": true},
      {"id": 22, "content": "<think>", "special": false, "normalized": false})"
         + more + R"(],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false,
                      "use_regex": true},
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<|end|>", "type_id": 0}},
                 {"Sequence": {"id": "A", "type_id": 0}}],
      "special_tokens": {"<|end|>": {"id": "<|end|>", "ids": [20],
                                     "tokens": ["<|end|>"]}}},
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {
        "a": 0, "b": 1, "c": 2, "d": 3, "Ġ": 4, "Ċ": 5, "<": 6, "|": 7, "e": 8,
        "n": 9, ">": 10, "ab": 11, "abc": 12, "bc": 13, "Ġa": 14, "u": 15,
        "s": 16, "r": 17},
      "merges": ["a b", ["ab", "c"], "b c", "Ġ a"]}})";
}

/// SentencePiece's way: a leading space, and bytes for unknown characters.
inline std::string tiny_byte_fallback() {
  std::string vocab =
      R"("<unk>": 0, "▁": 1, "h": 2, "i": 3, "▁hi": 4, "hi": 5)";
  for (int byte = 0; byte < 256; ++byte) {
    constexpr char digits[] = "0123456789ABCDEF";
    vocab += std::string{", \"<0x"} + digits[byte / 16] + digits[byte % 16]
             + ">\": " + std::to_string(10 + byte);
  }
  return R"({
    "added_tokens": [{"id": 0, "content": "<unk>", "special": true}],
    "normalizer": {"type": "Sequence", "normalizers": [
      {"type": "Prepend", "prepend": "▁"},
      {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
    "decoder": {"type": "Sequence", "decoders": [
      {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
      {"type": "ByteFallback"}, {"type": "Fuse"},
      {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true,
      "byte_fallback": true, "vocab": {)"
         + vocab + R"(}, "merges": ["h i", "▁ hi"]}})";
}

} // namespace model_server
