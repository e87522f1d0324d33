// How replies are worded in OpenAI's dialect.
#pragma once

#include "http/openai_json.hpp"
#include "http/reply_format.hpp"

#include <string>

namespace model_server {

/// Words the replies of /v1/chat/completions. A stream is: a chunk with the
/// role for each choice, a chunk per piece, one per choice with the reason for
/// its end, and one with the usage if that was asked for.
class chat_format : public reply_format {
public:
  chat_format(openai_frame frame, bool with_logprobs, bool reports_usage);

  std::string whole(std::span<const written_choice> choices,
                    const usage_counts& usage) override;
  std::string opening(std::size_t choice) override;
  std::string piece(std::size_t choice, std::string_view text,
                    std::uint64_t last, std::span<const token> tokens) override;
  std::string ending(std::size_t choice, const reply_summary& summary) override;
  std::string closing(const usage_counts& usage) override;

private:
  std::string event(const chat_chunk& chunk) const;

  openai_frame frame_;
  bool with_logprobs_;
  bool reports_usage_;
};

} // namespace model_server
