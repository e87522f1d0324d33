// Weighs what guesses may bring against what their rows cost.
#include "models/engine/speculation.hpp"

#include <algorithm>

namespace model_server {

namespace {

// What is less likely is not worth thinking about.
constexpr double least_chance = 0.02;

std::size_t difference(std::size_t a, std::size_t b) {
  return a > b ? a - b : 0;
}

} // namespace

std::span<const std::size_t>
speculation::choose(std::span<const sequence* const> items) {
  counts_.assign(items.size(), 0);
  make_offers(items);
  // A number of sequences whose time is not known, or was known long ago, is
  // measured first.
  if (!costs_.is_sure(items.size()))
    return counts_;
  // The chances of one sequence only fall, so its first offers stay first.
  std::ranges::stable_sort(offers_, std::ranges::greater{}, &offer::chance);
  auto count = count_worthwhile(items.size());
  for (auto& one : std::span{offers_}.first(count))
    ++counts_[one.index];
  return counts_;
}

std::span<const std::size_t>
speculation::choose(std::span<const sequence* const> items, std::size_t count) {
  counts_.clear();
  for (auto item : items) {
    auto has_match = learn(*item).lookup.matched() > 0;
    counts_.push_back(has_match ? std::min(count, most_for(*item)) : 0);
  }
  return counts_;
}

std::span<const token_id> speculation::guess(const sequence& item,
                                             std::size_t count) {
  guesses_.clear();
  known_.at(item.id).lookup.guess(item.tokens, count, guesses_);
  return guesses_;
}

// Takes in the tokens that came since, and what they say of guesses: of those
// that were read and of those that might have been.
speculation::known_sequence& speculation::learn(const sequence& item) {
  auto& result = known_[item.id];
  auto& [lookup, record] = result;
  if (lookup.size() > item.tokens.size())
    lookup = {};
  while (lookup.size() < item.tokens.size()) {
    auto place = lookup.size();
    auto guessed = lookup.next(item.tokens);
    // What repeats itself in the prompt says nothing of the reply.
    if (guessed && place >= item.prompt_size)
      record.note(lookup.matched(), *guessed == item.tokens[place]);
    lookup.advance(item.tokens);
  }
  return result;
}

// A step draws one token beside the guesses, and none beyond the ends.
std::size_t speculation::most_for(const sequence& item) const {
  auto most = item.reply_limit;
  if (item.max_tokens != 0)
    most = std::min(most, item.max_tokens);
  auto in_reply = difference(most, item.reply_size() + 1);
  auto in_context = difference(context_length_, item.tokens.size() + 1);
  return std::min({most_guesses, in_reply, in_context});
}

void speculation::make_offers(std::span<const sequence* const> items) {
  offers_.clear();
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto& [lookup, record] = learn(*items[i]);
    auto matched = lookup.matched();
    if (matched == 0)
      continue;
    auto most = most_for(*items[i]);
    auto chance = 1.0;
    for (std::size_t k = 0; k < most; ++k) {
      chance *= record.chance(matched + k);
      if (chance < least_chance)
        break;
      offers_.push_back({chance, i});
    }
  }
}

// How many of the sorted offers make the most tokens a second.
std::size_t speculation::count_worthwhile(std::size_t sequences) const {
  auto tokens = static_cast<double>(sequences);
  auto alone = tokens / costs_.seconds(sequences, sequences);
  auto best = least_gain * alone;
  std::size_t result = 0;
  auto most = std::min(offers_.size(), row_costs::most_rows - sequences);
  for (std::size_t count = 1; count <= most; ++count) {
    tokens += offers_[count - 1].chance;
    auto speed = tokens / costs_.seconds(sequences + count, sequences);
    if (speed > best) {
      best = speed;
      result = count;
    }
  }
  return result;
}

} // namespace model_server
