// Weighs the steps with prompts against those without.
#include "models/engine/prompt_pace.hpp"

#include <algorithm>

namespace model_server {

namespace {

constexpr std::size_t many_tokens = 64;

// The first step that reads beside replies. Not more than the replies are, or
// it could take more than twice as long where time is a matter of rows alone.
std::size_t first_budget(std::size_t decoding) {
  return std::max<std::size_t>(decoding, 8);
}

} // namespace

bool prompt_pace::knows(std::size_t decoding) const {
  return times_.count() > 0 && steps_since_ < steps_between_measures
         && decoding <= 2 * rows_ && rows_ <= 2 * decoding;
}

std::size_t prompt_pace::budget(std::size_t decoding) const {
  if (decoding == 0)
    return most_tokens;
  if (!knows(decoding))
    return 0; // measures
  auto most = std::max(first_budget(decoding), 2 * last_);
  auto fair = cost_ > 0.0 ? times_.median() / cost_ : static_cast<double>(most);
  auto bound = static_cast<double>(std::min(most, most_tokens));
  return static_cast<std::size_t>(std::clamp(fair, 1.0, bound));
}

void prompt_pace::took(std::size_t decoding, std::size_t prompt_tokens,
                       double seconds) {
  if (prompt_tokens == 0) {
    if (decoding > 2 * rows_ || rows_ > 2 * decoding)
      times_.clear(); // other replies, another time
    times_.add(seconds);
    rows_ = decoding;
    steps_since_ = 0;
    return;
  }
  if (decoding == 0) {
    // What every step costs is part of it, and small beside many tokens.
    if (prompt_tokens >= many_tokens)
      cost_ = seconds / static_cast<double>(prompt_tokens);
    return;
  }
  ++steps_since_;
  last_ = prompt_tokens;
  if (times_.count() == 0)
    return;
  // Never for nothing: a step that was lucky must not lead to a huge one.
  auto extra = std::max(seconds - times_.median(), 0.1 * seconds);
  auto cost = extra / static_cast<double>(prompt_tokens);
  cost_ = cost_ == 0.0 ? cost : cost_ + 0.25 * (cost - cost_);
}

} // namespace model_server
