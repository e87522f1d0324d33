// Starts the replies to a call, with an answer that suits.
#include "http/actor_calls.hpp"

#include "http/choice_starter.hpp"
#include "http/plain_answers.hpp"
#include "http/request_id.hpp"
#include "http/streamed_answer.hpp"
#include "http/whole_answer.hpp"

#include <algorithm>
#include <utility>

namespace model_server {

namespace {

// Twice as many embeddings keep a worker busy while others travel.
std::size_t largest_batch(const settings& config) {
  std::size_t result = std::max(config.serving.batch_size, 1u);
  for (const auto& model : config.models)
    result = std::max<std::size_t>(result, model.batch_size);
  return result;
}

} // namespace

actor_calls::actor_calls(caf::actor_system& system, gateway_actor gateway,
                         telemetry_sinks telemetry, const settings& config)
    : system_(system),
      gateway_(std::move(gateway)),
      telemetry_(std::move(telemetry)),
      serving_(config.serving),
      ping_interval_(config.http.ping_interval),
      logs_contents_(config.log.contents),
      most_embeddings_(2 * largest_batch(config)) {
  // nop
}

void actor_calls::start_replies(const http_request& request, chat_request call,
                                std::unique_ptr<reply_format> format,
                                std::unique_ptr<http_answer> answer) {
  if (call.is_streamed && !request.can_stream)
    return send_error(*answer, request,
                      {.status = 505,
                       .code = "http_version",
                       .message = "a stream needs HTTP/1.1",
                       .param = "stream"});
  call.request.id = last_id_.fetch_add(call.choices()) + 1;
  if (!call.has_seed)
    call.request.seed = new_seed();
  reply_options common;
  common.gateway = gateway_;
  common.names = {request.request_id, call.reply_id, request.trace,
                  std::chrono::system_clock::now()};
  common.telemetry = telemetry_;
  common.key_name = request.key_name;
  common.credit = serving_.credit;
  common.max_attempts = serving_.max_attempts;
  common.ping_interval = ping_interval_;
  common.deadline = std::min(serving_.request_timeout,
                             call.timeout.value_or(serving_.request_timeout));
  common.worker_wait = serving_.worker_wait;
  choice_counts counts{.prompts = call.prompts.size(), .per_prompt = call.n};
  auto is_streamed = call.is_streamed;
  auto starter = std::make_shared<choice_starter>(
      system_, std::move(common), std::move(call), request.usage,
      logs_contents_, most_embeddings_);
  if (is_streamed)
    choice_starter::start(std::move(starter),
                          std::make_shared<streamed_answer>(
                              std::move(answer), std::move(format), counts));
  else
    choice_starter::start(std::move(starter),
                          std::make_shared<whole_answer>(
                              std::move(answer), std::move(format), counts));
}

} // namespace model_server
