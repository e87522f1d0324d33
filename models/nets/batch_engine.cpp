// One step: plan, read, draw.
#include "models/nets/batch_engine.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace model_server {

namespace {

using steady_clock = std::chrono::steady_clock;

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

batch_engine::batch_engine(std::unique_ptr<causal_net> net, std::size_t blocks)
    : net_(std::move(net)), planner_(blocks, net_->shares_blocks()) {
  net_->make_blocks(blocks);
}

void batch_engine::step(std::span<sequence* const> batch,
                        std::optional<std::size_t> prompt_budget) {
  auto budget =
      prompt_budget.value_or(pace_.budget(planner_.count_decoding(batch)));
  auto begin = steady_clock::now();
  auto reads = plan(batch, budget);
  // Who decodes may stand still for lack of memory: then prompts must go on.
  if (reads.empty())
    reads = plan(batch, prompt_pace::most_tokens);
  if (reads.empty())
    return;
  read(reads);
  std::chrono::duration<double> time = steady_clock::now() - begin;
  auto decoding = planner_.decoding();
  pace_.took(decoding, tokens_of(reads) - decoding, time.count());
}

void batch_engine::release(sequence_id id) {
  planner_.release(id);
  net_->release(id);
}

std::span<const planned_read>
batch_engine::plan(std::span<sequence* const> batch,
                   std::size_t prompt_budget) {
  auto result = planner_.plan(batch, prompt_budget);
  for (auto id : planner_.losers())
    net_->release(id);
  return result;
}

void batch_engine::read(std::span<const planned_read> reads) {
  inputs_.clear();
  std::size_t rows = 0;
  for (auto& item : reads) {
    inputs_.push_back({.id = item.item->id,
                       .position = item.table->size(),
                       .blocks = item.table->blocks(),
                       .tokens = item.tokens(),
                       .wants_scores = item.is_last()});
    rows += item.is_last() ? 1 : 0;
  }
  auto width = net_->vocabulary();
  scores_.resize(rows * width);
  net_->forward(inputs_, scores_.data());
  auto scores = std::span{scores_};
  for (std::size_t i = 0; i < reads.size(); ++i) {
    auto& item = *reads[i].item;
    // What others would be harmed by stays unknown to them.
    if (inputs_[i].is_finite)
      planner_.finish(reads[i]);
    else
      fail(item);
    if (!inputs_[i].wants_scores)
      continue;
    if (item.failure.empty())
      sampler_.extend(item, scores.first(width));
    scores = scores.subspan(width);
  }
}

} // namespace model_server
