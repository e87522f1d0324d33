// The routes below /v1: from a request to the actors, and their answer back.
#pragma once

#include "config/settings.hpp"
#include "http/actor_calls.hpp"
#include "http/exchange.hpp"
#include "http/openai_request.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace model_server {

/// Answers in OpenAI's dialect. Nothing here waits; calls may overlap.
class openai_endpoints {
public:
  /// `calls` must outlive it.
  explicit openai_endpoints(actor_calls& calls);

  void chat(const http_request& request, std::unique_ptr<http_answer> answer);

  void models(std::unique_ptr<http_answer> answer);

  /// The model's name is one, but perhaps of no model.
  void model(const std::string& name, std::unique_ptr<http_answer> answer);

private:
  actor_calls& calls_;
  /// When the server began.
  std::uint64_t started_;
};

} // namespace model_server
