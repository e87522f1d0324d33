// Counts beginnings and ends, so that an answer has one of each.
#include "http/joint_answer.hpp"

#include <utility>

namespace model_server {

joint_answer::joint_answer(std::unique_ptr<http_answer> answer,
                           std::unique_ptr<reply_format> format,
                           choice_counts counts)
    : replies_(std::make_shared<reply_group>()),
      answer_(std::move(answer)),
      format_(std::move(format)),
      summaries_(counts.all),
      per_prompt_(counts.per_prompt) {
  answer_->watch(
      {.taken = [group = replies_](std::uint64_t mark) { group->taken(mark); },
       .client_left = [group = replies_] { group->client_left(); }});
}

void joint_answer::begin() {
  std::lock_guard guard{lock_};
  if (++begun_ == choices() && !is_over_)
    write_beginning();
}

void joint_answer::text(std::size_t choice, std::string_view piece,
                        std::uint64_t last, std::span<const token> tokens) {
  std::lock_guard guard{lock_};
  if (!is_over_)
    write_text(choice, piece, last, tokens);
}

void joint_answer::end(std::size_t choice, const reply_summary& summary) {
  std::lock_guard guard{lock_};
  if (is_over_)
    return;
  summaries_[choice] = summary;
  if (++ended_ < choices())
    return write_choice_end(choice, summary);
  is_over_ = true;
  write_end(choice, summary, usage());
}

void joint_answer::fail(const failure& reason) {
  std::lock_guard guard{lock_};
  if (std::exchange(is_over_, true))
    return;
  write_failure(reason);
  if (choices() > 1)
    replies_->stop(reason);
}

void joint_answer::ping() {
  std::lock_guard guard{lock_};
  if (!is_over_)
    write_ping();
}

usage_counts joint_answer::usage() const {
  usage_counts result;
  for (std::size_t i = 0; i < choices(); ++i) {
    result.completion_tokens += summaries_[i].completion_tokens;
    // A prompt counts once, as the first of its choices found it.
    if (i % per_prompt_ != 0)
      continue;
    result.prompt_tokens += summaries_[i].prompt_tokens;
    result.cached_tokens += summaries_[i].cached_tokens;
  }
  return result;
}

choice_writer::choice_writer(std::shared_ptr<joint_answer> answer,
                             std::size_t choice)
    : answer_(std::move(answer)), choice_(choice) {
  // nop
}

void choice_writer::begin(const admitted&) {
  answer_->begin();
}

void choice_writer::text(std::string_view piece, std::uint64_t last,
                         std::span<const token> tokens) {
  answer_->text(choice_, piece, last, tokens);
}

void choice_writer::end(const reply_summary& summary) {
  answer_->end(choice_, summary);
}

void choice_writer::fail(const failure& reason) {
  answer_->fail(reason);
}

void choice_writer::ping() {
  answer_->ping();
}

bool choice_writer::reports_progress() const {
  return answer_->reports_progress();
}

} // namespace model_server
