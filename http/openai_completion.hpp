// The body of /v1/completions: text to be continued. Pure.
#pragma once

#include "http/openai_request.hpp"

#include <string_view>
#include <variant>

namespace model_server {

/// A completion as its body asks for it.
struct completion_request {
  openai_request asked;
  /// The answer begins with the prompt.
  bool repeats_prompt = false;
};

/// Reads the body of /v1/completions: prompts as texts or as token ids.
std::variant<completion_request, error_reply>
read_openai_completion(std::string_view body);

} // namespace model_server
