// A prompt as the chat template left it: text, and who wrote which part.
#pragma once

#include <string>

namespace model_server {

/// A stretch of a prompt. In trusted text (the template's own words, the
/// model's special tokens) a control token that is written out becomes that
/// token; in untrusted text (what a client sent) it stays ordinary text.
struct prompt_segment {
  std::string text;
  bool trusted = false;

  friend bool operator==(const prompt_segment&,
                         const prompt_segment&) = default;
};

} // namespace model_server
