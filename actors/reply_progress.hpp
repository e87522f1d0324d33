// From numbered tokens to the text of a reply: what is new, what is whole, and
// where it ends.
#pragma once

#include "actors/held_tokens.hpp"
#include "actors/messages.hpp"
#include "models/text/stop_matcher.hpp"
#include "models/text/utf8.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace model_server {

/// What a chunk adds to a reply.
struct progress_step {
  /// Whole characters that cannot become part of a stop string.
  std::string text;
  /// With logprobs: the tokens whose own text is out with this one, in order.
  std::vector<token> tokens;
  /// Other than `none` when the reply is complete.
  finish_reason finish = finish_reason::none;
};

/// The token log of a reply and the text made from it. A pure function of the
/// tokens, however they are cut into chunks, so it goes on unchanged when
/// another worker does. Logprobs stay here until their text is out, so another
/// worker need not make them again.
class reply_progress {
public:
  /// Takes the stop strings from the request, whether it wants logprobs, and
  /// its `min_tokens`: a stop string counts if a token after those ends it.
  explicit reply_progress(const generation_request& request);

  /// All tokens so far, in order.
  const std::vector<token_id>& log() const {
    return log_;
  }

  /// Number of the last token.
  std::uint64_t last() const {
    return log_.size();
  }

  /// Tokens are missing between the log and this chunk.
  bool is_ahead(const token_chunk& chunk) const;

  /// Adds what is new in a chunk that is not ahead; known numbers are dropped.
  progress_step take(const token_chunk& chunk);

private:
  std::string text_of(const token& next);
  std::string last_text();

  std::vector<token_id> log_;
  utf8_assembler characters_;
  stop_matcher stop_;
  std::uint32_t min_tokens_ = 0;
  bool with_logprobs_ = false;
  // Empty without logprobs.
  held_tokens held_;
};

} // namespace model_server
