// Starts replies, each with a writer of its own.
#include "http/choice_starter.hpp"

#include "http/logging_writer.hpp"

#include <utility>

namespace model_server {

choice_starter::choice_starter(caf::actor_system& system, reply_options common,
                               chat_request call, bool logs_contents)
    : system_(system),
      common_(std::move(common)),
      call_(std::move(call)),
      logs_contents_(logs_contents) {
  // nop
}

void choice_starter::start(std::shared_ptr<choice_starter> starter,
                           std::shared_ptr<joint_answer> answer) {
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

void choice_starter::start_choice(const std::shared_ptr<joint_answer>& answer,
                                  std::size_t choice) const {
  auto options = options_for(choice);
  std::unique_ptr<reply_writer> writer =
      std::make_unique<choice_writer>(answer, choice);
  if (logs_contents_)
    writer =
        std::make_unique<logging_writer>(std::move(writer), options.request);
  answer->replies().set(
      choice, spawn_reply(system_, std::move(options), std::move(writer)));
}

reply_options choice_starter::options_for(std::size_t choice) const {
  auto result = common_;
  result.request = call_.request;
  result.request.id += choice;
  result.request.prompt = call_.prompt_of(choice);
  result.request.seed += choice % call_.n;
  result.is_promised = choice % call_.n != 0;
  return result;
}

} // namespace model_server
