// Starts replies, each with a writer of its own.
#include "http/choice_starter.hpp"

#include "http/logging_writer.hpp"
#include "http/metered_writer.hpp"

#include <cstdint>
#include <utility>

namespace model_server {

namespace {

// Of one request, so that a single one doesn't push all others out.
constexpr std::size_t most_told_replies = 16;

} // namespace

choice_starter::choice_starter(caf::actor_system& system, reply_options common,
                               chat_request call,
                               std::shared_ptr<key_usage> usage,
                               bool logs_contents, std::size_t most_embeddings)
    : system_(system),
      common_(std::move(common)),
      call_(std::move(call)),
      usage_(std::move(usage)),
      logs_contents_(logs_contents),
      most_embeddings_(most_embeddings) {
  // nop
}

void choice_starter::start(std::shared_ptr<choice_starter> starter,
                           std::shared_ptr<joint_answer> answer) {
  if (starter->is_in_turn())
    return start_in_turn(std::move(starter), std::move(answer));
  auto n = starter->call_.n;
  auto choices = starter->call_.choices();
  // The answer holds this action, so the action can't hold the answer.
  if (n > 1)
    answer->when_prompts_are_in(
        [starter, choices, n, whom = std::weak_ptr{answer}] {
          if (auto to = whom.lock())
            for (std::size_t i = 0; i < choices; ++i)
              if (i % n != 0)
                starter->start_choice(to, i);
        });
  for (std::size_t i = 0; i < choices; i += n)
    starter->start_choice(answer, i);
}

void choice_starter::start_in_turn(std::shared_ptr<choice_starter> starter,
                                   std::shared_ptr<joint_answer> answer) {
  auto start_more = [starter, whom = std::weak_ptr{answer}](std::size_t count) {
    if (auto to = whom.lock())
      for (std::size_t i = 0; i < count; ++i)
        starter->start_next(to);
  };
  answer->when_there_is_room(
      [=, others = starter->most_embeddings_ - 1] { start_more(others); },
      [=] { start_more(1); });
  starter->start_next(answer);
}

void choice_starter::start_next(const std::shared_ptr<joint_answer>& answer) {
  if (auto choice = next_.fetch_add(1); choice < call_.choices())
    start_choice(answer, choice);
}

void choice_starter::start_choice(const std::shared_ptr<joint_answer>& answer,
                                  std::size_t choice) const {
  auto options = options_for(choice);
  std::unique_ptr<reply_writer> writer =
      std::make_unique<choice_writer>(answer, choice);
  if (usage_)
    writer = std::make_unique<metered_writer>(std::move(writer), usage_,
                                              choice % call_.n == 0);
  if (logs_contents_)
    writer = std::make_unique<logging_writer>(std::move(writer), options.names,
                                              options.request);
  answer->replies().set(
      choice, spawn_reply(system_, std::move(options), std::move(writer)));
}

reply_options choice_starter::options_for(std::size_t choice) const {
  auto result = common_;
  result.request = call_.request;
  result.request.id += choice;
  result.request.prompt = call_.prompt_of(choice);
  result.request.seed += choice % call_.n;
  result.is_promised = choice > 0;
  result.shares_prompt = choice % call_.n != 0;
  result.index = static_cast<std::uint32_t>(choice);
  if (choice >= most_told_replies)
    result.telemetry.history = nullptr;
  if (is_in_turn() && choice > 0) {
    result.has_right_of_way = true;
    result.age = std::chrono::ceil<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - started_);
  }
  return result;
}

} // namespace model_server
