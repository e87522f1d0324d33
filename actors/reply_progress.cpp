// From numbered tokens to the text of a reply.
#include "actors/reply_progress.hpp"

namespace model_server {

reply_progress::reply_progress(const generation_request& request)
    : stop_(request.stop),
      min_tokens_(request.sampling.min_tokens),
      with_logprobs_(request.sampling.top_logprobs.has_value()) {
}

bool reply_progress::is_ahead(const token_chunk& chunk) const {
  return chunk.first > last() + 1;
}

progress_step reply_progress::take(const token_chunk& chunk) {
  progress_step result;
  auto end = chunk.first + chunk.tokens.size(); // the number after the last
  if (end < last() + 1)
    return result; // an old chunk, its ending with it
  for (auto i = last() + 1 - chunk.first;
       i < chunk.tokens.size() && !stop_.matched(); ++i)
    result.text += text_of(chunk.tokens[i]);
  if (stop_.matched()) {
    result.finish = finish_reason::stop;
  } else if (chunk.finish != finish_reason::none) {
    result.text += last_text();
    result.finish = stop_.matched() ? finish_reason::stop : chunk.finish;
  }
  result.tokens = held_.release(result.text.size());
  return result;
}

std::string reply_progress::text_of(const token& next) {
  log_.push_back(next.id);
  auto made = characters_.feed(next.text);
  if (with_logprobs_)
    held_.add(next, made, characters_.is_whole());
  return stop_.feed(made, last() > min_tokens_);
}

std::string reply_progress::last_text() {
  auto made = characters_.flush();
  held_.complete(made);
  auto result = stop_.feed(made, last() > min_tokens_);
  return result + stop_.flush();
}

} // namespace model_server
