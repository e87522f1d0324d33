// How completions are worded in OpenAI's dialect.
#pragma once

#include "http/openai_json.hpp"
#include "http/reply_format.hpp"

#include <cstddef>
#include <string>

namespace model_server {

/// Words a reply of /v1/completions. A stream is: the prompt if it is to be
/// repeated, a chunk per piece, one with the reason for the end, and one with
/// the usage if that was asked for.
class completion_format : public reply_format {
public:
  /// `repeated` is what the text begins with before the reply.
  completion_format(openai_frame frame, std::string repeated,
                    bool with_logprobs, bool reports_usage);

  std::string whole(std::string_view text, std::span<const token> tokens,
                    const reply_summary& summary) override;
  std::string opening() override;
  std::string piece(std::string_view text, std::uint64_t last,
                    std::span<const token> tokens) override;
  std::string ending(const reply_summary& summary) override;

private:
  void write_choice(json_text& out, std::string_view text,
                    std::span<const token> tokens, bool has_logprobs,
                    finish_reason finish);
  std::string event(std::string_view text, std::span<const token> tokens,
                    finish_reason finish);

  openai_frame frame_;
  std::string repeated_;
  bool with_logprobs_;
  bool reports_usage_;
  /// Characters of the tokens that were written.
  std::size_t offset_ = 0;
};

} // namespace model_server
