// An Aho-Corasick automaton over the stop strings.
#include "models/text/stop_matcher.hpp"

namespace model_server {

stop_matcher::stop_matcher(const std::vector<std::string>& stops) : states_(1) {
  for (std::size_t i = 0; i < stops.size(); ++i)
    add(stops[i], i);
  link();
}

std::string stop_matcher::feed(std::string_view text, bool counts) {
  if (matched_)
    return {};
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto next = step(at_, text[i]);
    while (!next && at_ != 0) {
      at_ = states_[at_].fallback;
      next = step(at_, text[i]);
    }
    at_ = next.value_or(0);
    auto& here = states_[at_];
    if (here.stop < 0 || !counts)
      continue;
    matched_ = static_cast<std::size_t>(here.stop);
    held_.append(text.substr(0, i + 1));
    held_.resize(held_.size() - here.stop_size);
    return std::move(held_);
  }
  held_.append(text);
  auto safe = held_.substr(0, held_.size() - states_[at_].depth);
  held_.erase(0, safe.size());
  return safe;
}

std::string stop_matcher::flush() {
  at_ = 0;
  auto result = matched_ ? std::string{} : std::move(held_);
  held_.clear();
  return result;
}

std::optional<std::uint32_t> stop_matcher::step(std::uint32_t from,
                                                char byte) const {
  for (auto [letter, to] : states_[from].next)
    if (letter == byte)
      return to;
  return std::nullopt;
}

void stop_matcher::add(std::string_view stop, std::size_t index) {
  if (stop.empty())
    return;
  std::uint32_t at = 0;
  for (auto byte : stop) {
    auto next = step(at, byte);
    if (!next) {
      next = static_cast<std::uint32_t>(states_.size());
      states_[at].next.emplace_back(byte, *next);
      states_.push_back({{}, 0, states_[at].depth + 1, -1, 0});
    }
    at = *next;
  }
  if (states_[at].stop < 0) {
    states_[at].stop = static_cast<std::int64_t>(index);
    states_[at].stop_size = stop.size();
  }
}

/// Sets the fallbacks, level by level.
void stop_matcher::link() {
  std::vector<std::uint32_t> queue{0};
  for (std::size_t i = 0; i < queue.size(); ++i) {
    auto at = queue[i];
    for (auto [byte, to] : states_[at].next) {
      queue.push_back(to);
      auto from = at;
      std::optional<std::uint32_t> found;
      while (from != 0 && !found) {
        from = states_[from].fallback;
        found = step(from, byte);
      }
      auto& child = states_[to];
      child.fallback = found.value_or(0);
      auto& shorter = states_[child.fallback];
      if (child.stop < 0) {
        child.stop = shorter.stop;
        child.stop_size = shorter.stop_size;
      }
    }
  }
}

} // namespace model_server
