// Counts beginnings and ends, so that an answer has one of each.
#include "http/joint_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace model_server {

namespace {

// What a worker says of "the prompt", or the input, where there are several.
void name_prompt(failure& reason, std::size_t prompt) {
  auto field = reason.param.substr(0, reason.param.find('['));
  if (field != "prompt" && field != "input")
    return;
  auto name = fmt::format("{}[{}]", field, prompt);
  if (reason.message.starts_with(reason.param))
    reason.message.replace(0, field.size(), name);
  else
    reason.message.insert(0, name + ": ");
  reason.param.replace(0, field.size(), name);
}

} // namespace

joint_answer::joint_answer(std::unique_ptr<http_answer> answer,
                           std::unique_ptr<reply_format> format,
                           choice_counts counts)
    : replies_(std::make_shared<reply_group>(counts.all())),
      answer_(std::move(answer)),
      format_(std::move(format)),
      choices_(counts.all()),
      has_ended_(counts.all()),
      counts_(counts) {
  answer_->watch(
      {.taken = [group = replies_](std::uint64_t mark) { group->taken(mark); },
       .client_left = [group = replies_] { group->client_left(); }});
}

void joint_answer::when_prompts_are_in(std::function<void()> action) {
  prompts_are_in_ = std::move(action);
}

void joint_answer::when_there_is_room(std::function<void()> first,
                                      std::function<void()> later) {
  first_is_in_ = std::move(first);
  one_has_ended_ = std::move(later);
}

void joint_answer::begin(std::size_t choice, std::string_view device) {
  std::function<void()> action;
  {
    std::lock_guard guard{lock_};
    format_->place(choice, device);
    ++begun_;
    if (is_over_)
      return;
    if (begun_ == 1 && first_is_in_)
      action = std::exchange(first_is_in_, nullptr);
    else if (begun_ == counts_.prompts)
      action = std::exchange(prompts_are_in_, nullptr);
    if (has_begun())
      write_beginning();
  }
  if (action)
    action();
}

void joint_answer::resume(std::size_t choice, std::string_view device) {
  std::lock_guard guard{lock_};
  format_->place(choice, device);
}

void joint_answer::text(std::size_t choice, std::string_view piece,
                        std::uint64_t last, std::span<const token> tokens) {
  std::lock_guard guard{lock_};
  if (!is_over_)
    write_text(choice, piece, last, tokens);
}

void joint_answer::end(std::size_t choice, const reply_summary& summary) {
  {
    std::lock_guard guard{lock_};
    if (is_over_)
      return;
    choices_[choice].summary = summary;
    has_ended_[choice] = true;
    is_over_ = first_going_on() == counts_.all();
    if (is_over_)
      return write_end(choice, usage());
    write_choice_end(choice);
  }
  if (one_has_ended_)
    one_has_ended_();
}

void joint_answer::fail(std::size_t choice, failure reason) {
  std::lock_guard guard{lock_};
  if (std::exchange(is_over_, true))
    return;
  if (counts_.prompts > 1)
    name_prompt(reason, choice / counts_.per_prompt);
  write_failure(reason);
  if (counts_.all() > 1)
    replies_->stop(reason);
}

void joint_answer::ping(std::size_t choice) {
  std::lock_guard guard{lock_};
  // One clock is enough: that of the first choice that goes on.
  if (!is_over_ && first_going_on() == choice)
    write_ping();
}

std::size_t joint_answer::first_going_on() const {
  auto found = std::ranges::find(has_ended_, false);
  return static_cast<std::size_t>(found - has_ended_.begin());
}

usage_counts joint_answer::usage() const {
  usage_counts result;
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    const auto& summary = choices_[i].summary;
    result.completion_tokens += summary.completion_tokens;
    // A prompt counts once, as the first of its choices found it.
    if (i % counts_.per_prompt != 0)
      continue;
    result.prompt_tokens += summary.prompt_tokens;
    result.cached_tokens += summary.cached_tokens;
  }
  return result;
}

choice_writer::choice_writer(std::shared_ptr<joint_answer> answer,
                             std::size_t choice)
    : answer_(std::move(answer)), choice_(choice) {
  // nop
}

void choice_writer::begin(const admitted& facts) {
  answer_->begin(choice_, facts.device);
}

void choice_writer::resume(const admitted& facts) {
  answer_->resume(choice_, facts.device);
}

void choice_writer::text(std::string_view piece, std::uint64_t last,
                         std::span<const token> tokens) {
  answer_->text(choice_, piece, last, tokens);
}

void choice_writer::end(const reply_summary& summary) {
  answer_->end(choice_, summary);
}

void choice_writer::fail(const failure& reason) {
  answer_->fail(choice_, reason);
}

void choice_writer::ping() {
  answer_->ping(choice_);
}

bool choice_writer::reports_progress() const {
  return answer_->reports_progress();
}

} // namespace model_server
