// The routes below /v1: from a request to the actors, and their answer back.
#pragma once

#include "config/settings.hpp"
#include "http/actor_calls.hpp"
#include "http/error_reply.hpp"
#include "http/exchange.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

namespace model_server {

/// Answers in OpenAI's dialect. Nothing here waits; calls may overlap.
class openai_endpoints {
public:
  /// `calls` must outlive it.
  openai_endpoints(actor_calls& calls, const settings& config);

  void chat(const http_request& request, std::unique_ptr<http_answer> answer);

  void completion(const http_request& request,
                  std::unique_ptr<http_answer> answer);

  void embedding(const http_request& request,
                 std::unique_ptr<http_answer> answer);

  /// The tokens of a text or a chat.
  void tokens(const http_request& request, std::unique_ptr<http_answer> answer);

  /// The text of tokens.
  void text(const http_request& request, std::unique_ptr<http_answer> answer);

  void models(std::unique_ptr<http_answer> answer);

  /// The model's name is one, but perhaps of no model.
  void model(const std::string& name, std::unique_ptr<http_answer> answer);

private:
  template <class Result, class Question, class Write>
  void ask(std::variant<Question, error_reply> read,
           const http_request& request, std::unique_ptr<http_answer> answer,
           Write write);

  actor_calls& calls_;
  /// The model of a server that has no other; else empty.
  std::string only_model_;
  /// How long a worker may take that is busy with a step.
  caf::duration patience_;
  /// When the server began.
  std::uint64_t started_;
};

} // namespace model_server
