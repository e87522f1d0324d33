// One question to a server, whoever its certificate says it is.
#include "http/client/health.hpp"

#include "http/client/server_link.hpp"

#include <chrono>
#include <stdexcept>

namespace model_server {

namespace {

constexpr std::chrono::seconds limit{5};

} // namespace

int ask_health(const health_options& options) {
  server_link link{options.server};
  auto question = link.request("/health/ready");
  question.limit = limit;
  // It holds no secret, and the certificate of a server seldom has the name
  // 127.0.0.1.
  question.takes_any_certificate = true;
  auto answer =
      fetch(link.loop(), std::move(question), server_link::max_answer_bytes);
  if (answer.end != exchange_end::complete)
    throw std::runtime_error(link.describe(answer.end, answer.problem));
  if (answer.head.status != 200)
    throw std::runtime_error(link.describe(answer.head, answer.body));
  return 0;
}

} // namespace model_server
