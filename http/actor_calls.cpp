// Starts reply actors for a request, with the writers that suit.
#include "http/actor_calls.hpp"

#include "http/logging_writer.hpp"
#include "http/plain_answers.hpp"
#include "http/request_id.hpp"
#include "http/streamed_answer.hpp"
#include "http/whole_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace model_server {

namespace {

// Each choice has a copy of its prompt: together they may not take what one
// request may not.
std::optional<error_reply> check_size(const chat_request& call,
                                      std::size_t body_bytes,
                                      std::size_t max_body_bytes) {
  if (call.n == 1 || call.n * body_bytes <= max_body_bytes)
    return std::nullopt;
  return error_reply{
      .status = 400,
      .code = "out_of_range",
      .message = fmt::format("n is {}: {} times the {} bytes of this request "
                             "are {}, the limit is {}",
                             call.n, call.n, body_bytes, call.n * body_bytes,
                             max_body_bytes),
      .param = "n"};
}

} // namespace

actor_calls::actor_calls(caf::actor_system& system, gateway_actor gateway,
                         const settings& config)
    : system_(system),
      gateway_(std::move(gateway)),
      serving_(config.serving),
      max_body_bytes_(config.http.max_body_bytes),
      ping_interval_(config.http.ping_interval),
      logs_contents_(config.log.contents) {
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
  if (auto error = check_size(call, request.body.size(), max_body_bytes_))
    return send_error(*answer, request, *error);
  call.request.trace_id = request.request_id;
  if (!call.has_seed)
    call.request.seed = new_seed();
  choice_counts counts{.all = call.choices(), .per_prompt = call.n};
  std::shared_ptr<joint_answer> joint;
  if (call.is_streamed)
    joint = std::make_shared<streamed_answer>(std::move(answer),
                                              std::move(format), counts);
  else
    joint = std::make_shared<whole_answer>(std::move(answer), std::move(format),
                                           counts);
  std::vector<reply_actor> replies;
  for (std::size_t i = 0; i < counts.all; ++i) {
    auto options = options_for(call);
    options.request.id = ++last_id_;
    options.request.prompt = call.prompt_of(i);
    options.request.seed += i % call.n;
    options.writer = std::make_unique<choice_writer>(joint, i);
    if (logs_contents_)
      options.writer = std::make_unique<logging_writer>(
          std::move(options.writer), options.request);
    replies.push_back(spawn_reply(system_, std::move(options)));
  }
  joint->replies().set(std::move(replies));
}

reply_options actor_calls::options_for(const chat_request& call) const {
  reply_options result;
  result.gateway = gateway_;
  result.request = call.request;
  result.credit = serving_.credit;
  result.max_attempts = serving_.max_attempts;
  result.ping_interval = ping_interval_;
  result.deadline = serving_.request_timeout;
  if (call.timeout)
    result.deadline = std::min(result.deadline, *call.timeout);
  result.worker_wait = serving_.worker_wait;
  return result;
}

} // namespace model_server
