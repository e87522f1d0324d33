// How completions are worded in OpenAI's dialect.
#pragma once

#include "http/openai_json.hpp"
#include "http/reply_format.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace model_server {

/// Words the replies of /v1/completions. A stream is: each prompt that is to be
/// repeated, a chunk per piece, one per choice with the reason for its end, and
/// one with the usage if that was asked for.
class completion_format : public reply_format {
public:
  /// `repeated` has, for each choice, what its text begins with before the
  /// reply.
  completion_format(openai_frame frame, std::vector<std::string> repeated,
                    bool with_logprobs, bool reports_usage);

  std::string whole(std::span<const written_choice> choices,
                    const usage_counts& usage) override;
  std::string opening(std::size_t choice) override;
  std::string piece(std::size_t choice, std::string_view text,
                    std::uint64_t last, std::span<const token> tokens) override;
  std::string ending(std::size_t choice, const reply_summary& summary) override;
  std::string closing(const usage_counts& usage) override;

private:
  struct piece_of_text {
    std::size_t choice = 0;
    std::string_view text = {};
    std::span<const token> tokens = {};
    bool has_logprobs = false;
    finish_reason finish = finish_reason::none;
  };

  void write_choice(json_text& out, const piece_of_text& what);
  std::string event(const piece_of_text& what);

  openai_frame frame_;
  std::vector<std::string> repeated_;
  bool with_logprobs_;
  bool reports_usage_;
  // Characters of the tokens that were written, for each choice.
  std::vector<std::size_t> offsets_;
};

} // namespace model_server
