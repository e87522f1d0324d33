// Starts the reply actors of one call.
#pragma once

#include "actors/reply.hpp"
#include "http/chat_request.hpp"
#include "http/joint_answer.hpp"

#include <caf/actor_system.hpp>

#include <cstddef>
#include <memory>

namespace model_server {

/// Starts a reply for each choice of a call: the first of each prompt, and the
/// others when these are admitted. So a prompt is not copied `n` times before a
/// worker knows that it has room for it. Each further choice of a prompt has
/// the seed that follows.
class choice_starter {
public:
  /// `common` is what all replies are started with, but for the request.
  /// The request's id is that of the first choice, and the ids that follow are
  /// for the others. The system must outlive it.
  choice_starter(caf::actor_system& system, reply_options common,
                 chat_request call, bool logs_contents);

  /// Starts the replies that write to this answer.
  static void start(std::shared_ptr<choice_starter> starter,
                    std::shared_ptr<joint_answer> answer);

private:
  void start_choice(const std::shared_ptr<joint_answer>& answer,
                    std::size_t choice) const;
  reply_options options_for(std::size_t choice) const;

  caf::actor_system& system_;
  reply_options common_;
  chat_request call_;
  bool logs_contents_;
};

} // namespace model_server
