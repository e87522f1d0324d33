// From numbered tokens to the text of a reply.
#include "actors/reply_progress.hpp"

namespace model_server {

reply_progress::reply_progress(const std::vector<std::string>& stop)
    : stop_(stop) {
}

bool reply_progress::is_ahead(const token_chunk& chunk) const {
  return chunk.first > last() + 1;
}

progress_step reply_progress::take(const token_chunk& chunk) {
  progress_step result;
  auto end = chunk.first + chunk.tokens.size(); // the number after the last
  if (end < last() + 1)
    return result; // an old chunk, its ending with it
  for (auto i = last() + 1 - chunk.first; i < chunk.tokens.size(); ++i) {
    log_.push_back(chunk.tokens[i].id);
    result.text += stop_.feed(characters_.feed(chunk.tokens[i].text));
    if (stop_.matched()) {
      result.finish = finish_reason::stop;
      result.worker_goes_on = chunk.finish == finish_reason::none;
      return result;
    }
  }
  if (chunk.finish == finish_reason::none)
    return result;
  result.finish = chunk.finish;
  result.text += stop_.feed(characters_.flush());
  if (stop_.matched())
    result.finish = finish_reason::stop;
  else
    result.text += stop_.flush();
  return result;
}

} // namespace model_server
