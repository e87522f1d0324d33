// One reply as its worker sees it: what it was asked, and how far it is.
#include "actors/generation.hpp"

#include <algorithm>
#include <utility>

namespace model_server {

namespace {

// The tokens that a reply may have: what was asked, else the model's habit, and
// never more than fit its context.
std::size_t most_tokens(const generation_request& request,
                        std::size_t prompt_size, const model_info& info) {
  auto room = info.context_length - prompt_size;
  if (request.max_tokens != 0)
    return std::min<std::size_t>(request.max_tokens, room);
  if (info.default_max_tokens != 0)
    return std::min(info.default_max_tokens, room);
  return room;
}

// What might have been drawn, as text.
std::vector<likely_token> texts_of(const std::vector<token_logprob>& best,
                                   const model_entry& entry, bool at_start) {
  std::vector<likely_token> result;
  for (auto [id, logprob] : best)
    result.push_back({entry.decode(id, at_start), logprob});
  return result;
}

} // namespace

generation::generation(submit order, token_sink sink,
                       std::vector<token_id> prompt, sequence_id id,
                       const model_info& info, time_point arrived)
    : request_(std::move(order.request)),
      sink_(std::move(sink)),
      credit_(order.credit),
      most_tokens_(most_tokens(request_, prompt.size(), info)),
      known_(order.log.size()),
      arrived_(arrived),
      is_underway_(order.resumed),
      is_promised_(order.is_promised),
      suspect_until_(order.suspect_until) {
  state_.id = id;
  state_.conversation = &request_.prompt.conversation;
  state_.prompt_size = prompt.size();
  state_.tokens = std::move(prompt);
  state_.tokens.insert(state_.tokens.end(), order.log.begin(), order.log.end());
  state_.sampling =
      resolve(request_.sampling, info.defaults, info.end_tokens, request_.seed);
  state_.max_tokens = most_tokens_;
  state_.dimensions = request_.dimensions;
  raise_credit(credit_);
}

void generation::raise_credit(std::uint64_t up_to) {
  credit_ = std::max(credit_, up_to);
  state_.reply_limit = std::min<std::uint64_t>(most_tokens_, credit_);
}

std::uint64_t generation::tokens_to_do() const {
  if (is_embedding())
    return state_.prompt_size;
  auto left = std::min<std::uint64_t>(most_tokens_ - known_, usual_reply);
  return has_made_ ? left : left + state_.tokens.size();
}

void generation::enter_step(time_point now) {
  if (has_made_)
    return;
  if (reading_.steps++ == 0)
    reading_since_ = now;
}

token_chunk generation::take_new_tokens(const model_entry& entry,
                                        std::uint64_t incarnation,
                                        time_point now) {
  using std::chrono::duration_cast;
  token_chunk result;
  result.id = request_.id;
  result.incarnation = incarnation;
  result.first = known_ + 1;
  result.cached_tokens = static_cast<std::uint32_t>(state_.cached_tokens);
  auto was_reading = !has_made_;
  if (is_embedding()) {
    if (!state_.embedding.empty())
      result.finish = finish_reason::stop;
    result.embedding = std::exchange(state_.embedding, {});
  } else {
    take_tokens(entry, result);
  }
  has_made_ |= !result.tokens.empty() || result.finish != finish_reason::none;
  if (was_reading && has_made_ && reading_.steps > 0) {
    result.reading = reading_;
    result.reading.time =
        duration_cast<std::chrono::microseconds>(now - reading_since_);
  }
  return result;
}

void generation::take_tokens(const model_entry& entry, token_chunk& chunk) {
  auto at_turn_start = request_.prompt.begins_turn();
  // The model gives logprobs from the first token on that is not known yet.
  auto logprobs = std::exchange(state_.logprobs, {});
  for (std::size_t i = 0; known_ < most_tokens_ && known_ < state_.reply_size();
       ++i, ++known_) {
    auto id = state_.tokens[state_.prompt_size + known_];
    if (state_.sampling.is_end(id, known_)) {
      chunk.finish = finish_reason::stop;
      return;
    }
    auto at_start = known_ == 0 && at_turn_start;
    token made{id, entry.decode(id, at_start)};
    if (i < logprobs.size()) {
      made.logprob = logprobs[i].drawn;
      made.likeliest = texts_of(logprobs[i].best, entry, at_start);
    }
    chunk.tokens.push_back(std::move(made));
  }
  if (known_ >= most_tokens_)
    chunk.finish = finish_reason::length;
}

} // namespace model_server
