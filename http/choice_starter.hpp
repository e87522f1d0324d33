// Starts the reply actors of one call.
#pragma once

#include "actors/reply.hpp"
#include "http/chat_request.hpp"
#include "http/joint_answer.hpp"
#include "http/key_usage.hpp"

#include <caf/actor_system.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>

namespace model_server {

/// Starts a reply for each choice of a call: the first of each prompt, and the
/// others when these are admitted. So a prompt is not copied `n` times before a
/// worker knows that it has room for it. Each further choice of a prompt has
/// the seed that follows.
///
/// Embeddings, of which a call may want many, are started a few at a time: the
/// first, then, if there was room for it, others up to a limit, and another one
/// whenever one has come. So a call never holds more of a queue than that, and
/// only its first input can find the queue full.
class choice_starter {
public:
  /// `common` is what all replies are started with, but for the request;
  /// `most_embeddings` are under way together. `usage` pays for the tokens if
  /// it is not null.
  /// The request's id is that of the first choice, and the ids that follow are
  /// for the others. The system must outlive it.
  choice_starter(caf::actor_system& system, reply_options common,
                 chat_request call, std::shared_ptr<key_usage> usage,
                 bool logs_contents, std::size_t most_embeddings);

  /// Starts the replies that write to this answer.
  static void start(std::shared_ptr<choice_starter> starter,
                    std::shared_ptr<joint_answer> answer);

private:
  static void start_in_turn(std::shared_ptr<choice_starter> starter,
                            std::shared_ptr<joint_answer> answer);
  bool is_in_turn() const {
    return call_.request.task == request_task::embedding;
  }
  void start_next(const std::shared_ptr<joint_answer>& answer);
  void start_choice(const std::shared_ptr<joint_answer>& answer,
                    std::size_t choice) const;
  reply_options options_for(std::size_t choice) const;

  caf::actor_system& system_;
  reply_options common_;
  chat_request call_;
  std::shared_ptr<key_usage> usage_;
  bool logs_contents_;
  std::size_t most_embeddings_;
  // Of those that are started in turn.
  std::atomic<std::size_t> next_{0};
  std::chrono::steady_clock::time_point started_ =
      std::chrono::steady_clock::now();
};

} // namespace model_server
