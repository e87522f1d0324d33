// From numbered tokens to the text of a reply.
#include "actors/reply_progress.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace model_server {

reply_progress::reply_progress(std::vector<std::string> stop)
    : stop_(std::move(stop)) {
}

bool reply_progress::is_ahead(const token_chunk& chunk) const {
  return chunk.first > last() + 1;
}

bool reply_progress::cut_at_stop(progress_step& step) {
  auto at = std::string::npos;
  for (const auto& word : stop_)
    at = std::min(at, held_.find(word));
  if (at == std::string::npos)
    return false;
  step.text += held_.substr(0, at);
  step.finish = finish_reason::stop;
  return true;
}

void reply_progress::hold_back(progress_step& step) {
  std::size_t keep = 0;
  for (const auto& word : stop_) {
    auto length = std::min(word.size(), held_.size());
    while (length > keep && !held_.ends_with(word.substr(0, length)))
      --length;
    keep = std::max(keep, length);
  }
  step.text += held_.substr(0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
}

progress_step reply_progress::take(const token_chunk& chunk) {
  progress_step result;
  auto end = chunk.first + chunk.tokens.size(); // the number after the last
  if (end < last() + 1)
    return result;
  for (auto i = last() + 1 - chunk.first; i < chunk.tokens.size(); ++i) {
    log_.push_back(chunk.tokens[i].id);
    held_ += characters_.feed(chunk.tokens[i].text);
    if (cut_at_stop(result)) {
      auto is_last = end == last() + 1;
      result.worker_goes_on = !is_last || chunk.finish == finish_reason::none;
      return result;
    }
    hold_back(result);
  }
  if (chunk.finish == finish_reason::none)
    return result;
  held_ += characters_.flush();
  if (!cut_at_stop(result)) {
    result.text += held_;
    result.finish = chunk.finish;
  }
  return result;
}

} // namespace model_server
