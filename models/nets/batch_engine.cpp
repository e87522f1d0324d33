// One step: plan, guess, read, draw.
#include "models/nets/batch_engine.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace model_server {

namespace {

using steady_clock = std::chrono::steady_clock;

double seconds_since(steady_clock::time_point begin) {
  std::chrono::duration<double> result = steady_clock::now() - begin;
  return result.count();
}

void fail(sequence& item) {
  item.failure = fmt::format("the model gave scores that are no numbers "
                             "for token {} of the reply",
                             item.reply_size() + 1);
}

std::size_t tokens_of(std::span<const planned_read> reads) {
  std::size_t result = 0;
  for (auto& read : reads)
    result += read.count;
  return result;
}

} // namespace

batch_engine::batch_engine(std::unique_ptr<causal_net> net,
                           engine_options options)
    : net_(std::move(net)), planner_(options.blocks, net_->shares_blocks()) {
  net_->make_blocks(options.blocks);
  if (options.speculates && net_->is_exact())
    speculation_.emplace(options.context_length);
}

void batch_engine::step(std::span<sequence* const> batch, step_orders orders) {
  auto budget = orders.prompt_budget.value_or(
      pace_.budget(planner_.count_decoding(batch)));
  auto begin = steady_clock::now();
  auto reads = plan(batch, budget);
  // Who decodes may stand still for lack of memory: then prompts must go on.
  if (reads.empty())
    reads = plan(batch, prompt_pace::most_tokens);
  if (reads.empty())
    return;
  auto may_guess = speculation_ && planner_.can_guess(batch.size());
  if (may_guess)
    add_guesses(reads, orders.guesses);
  auto time = read(reads);
  auto rows = tokens_of(reads);
  if (may_guess)
    speculation_->took(rows, time);
  // Guesses are no prompt, and not what replies take alone.
  auto decoding = planner_.decoding();
  if (!may_guess || rows == decoding)
    pace_.took(decoding, rows - decoding, seconds_since(begin));
}

void batch_engine::release(sequence_id id) {
  planner_.release(id);
  net_->release(id);
  if (speculation_)
    speculation_->release(id);
}

void batch_engine::use_threads(int count) {
  net_->use_threads(count);
  if (speculation_)
    speculation_->forget_times();
}

std::span<const planned_read>
batch_engine::plan(std::span<sequence* const> batch,
                   std::size_t prompt_budget) {
  auto result = planner_.plan(batch, prompt_budget);
  for (auto id : planner_.losers())
    net_->release(id);
  return result;
}

void batch_engine::add_guesses(std::span<const planned_read> reads,
                               std::optional<std::size_t> count) {
  items_.clear();
  for (auto& read : reads)
    items_.push_back(read.item);
  auto counts = count ? speculation_->choose(items_, *count)
                      : speculation_->choose(items_);
  for (std::size_t i = 0; i < reads.size(); ++i)
    if (counts[i] > 0)
      planner_.add_guesses(i, speculation_->guess(*items_[i], counts[i]));
}

// Returns how long the network took, in seconds.
double batch_engine::read(std::span<const planned_read> reads) {
  inputs_.clear();
  guesses_.clear();
  std::size_t rows = 0;
  for (auto& item : reads) {
    auto wanted = item.is_last() ? item.guesses + 1 : 0;
    auto tokens = item.tokens();
    auto guesses = tokens.last(item.guesses);
    inputs_.push_back({.id = item.item->id,
                       .position = item.table->size(),
                       .blocks = item.table->blocks(),
                       .tokens = tokens,
                       .scores_wanted = wanted});
    guesses_.insert(guesses_.end(), guesses.begin(), guesses.end());
    rows += wanted;
  }
  if (scores_.size() < rows * net_->vocabulary())
    scores_.resize(rows * net_->vocabulary());
  // After an exception nobody asks for the tokens of a sequence any more.
  auto begin = steady_clock::now();
  net_->forward(inputs_, scores_.data());
  auto time = seconds_since(begin);
  settle(reads);
  return time;
}

void batch_engine::settle(std::span<const planned_read> reads) {
  auto scores = std::span{scores_};
  auto guesses = std::span<const token_id>{guesses_};
  for (std::size_t i = 0; i < reads.size(); ++i) {
    auto& item = *reads[i].item;
    auto& input = inputs_[i];
    auto count = reads[i].guesses;
    auto own = scores.first(input.scores_wanted * net_->vocabulary());
    scores = scores.subspan(own.size());
    auto own_guesses = guesses.first(count);
    guesses = guesses.subspan(count);
    planner_.take_out_guesses(reads[i]);
    if (!input.is_finite && count > 0) {
      read_again(input, count, own);
      own_guesses = {};
    }
    if (!input.is_finite) {
      // What others would be harmed by stays unknown to them.
      fail(item);
      continue;
    }
    std::size_t right = 0;
    if (input.scores_wanted > 0 && item.failure.empty())
      right = draw(item, own, own_guesses);
    planner_.finish(reads[i], count - right);
    guesses_read_ += count;
    guesses_right_ += right;
  }
}

// A wrong guess may overflow where the right token does not, and may have
// spoiled what was read with it.
void batch_engine::read_again(net_input& input, std::size_t guesses,
                              std::span<float> scores) {
  input.tokens = input.tokens.first(input.tokens.size() - guesses);
  input.scores_wanted = 1;
  input.is_finite = true;
  net_->forward({&input, 1}, scores.data());
}

// Draws a token from the first scores, and from the next as long as the drawn
// one was guessed. Returns how many guesses are tokens of the sequence and
// stored.
std::size_t batch_engine::draw(sequence& item, std::span<float> scores,
                               std::span<const token_id> guesses) {
  auto width = net_->vocabulary();
  for (std::size_t right = 0;; ++right) {
    sampler_.extend(item, scores.subspan(right * width, width));
    if (!item.failure.empty() && right > 0) {
      // The tokens so far are good: the next step meets the failure again.
      item.failure.clear();
      return right - 1;
    }
    if (!item.failure.empty() || right == guesses.size()
        || item.tokens.back() != guesses[right]
        || item.sampling.is_end(item.tokens.back(), item.reply_size() - 1))
      return right;
  }
}

} // namespace model_server
