// Sends requests on their way and writes what comes back.
#include "http/endpoints.hpp"

#include "actors/reply.hpp"
#include "config/logging.hpp"
#include "config/model_name.hpp"
#include "config/quote.hpp"
#include "http/api_v1.hpp"
#include "http/chat_request.hpp"
#include "http/error_reply.hpp"
#include "http/json_writer.hpp"
#include "http/logging_writer.hpp"
#include "http/openapi.hpp"
#include "http/request_id.hpp"
#include "http/routes.hpp"
#include "http/sse_writer.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace model_server {

namespace {

/// How long the gateway may take for what it answers by itself. Loading a
/// model may take as long as it takes.
const caf::duration status_patience{std::chrono::seconds{10}};

using answer_ptr = std::unique_ptr<http_answer>;

/// Answers, and says in the log what was refused.
void send_error(http_answer& answer, const http_request& request,
                const error_reply& error) {
  log_event(log_level::info, "request_refused",
            {{"request_id", request.request_id},
             {"status", error.status},
             {"code", error.code}});
  answer.send(to_response(error));
}

void send_json(http_answer& answer, unsigned status, std::string body) {
  http_response response;
  response.status = status;
  response.body = std::move(body);
  response.headers.emplace_back("cache-control", "no-store");
  answer.send(std::move(response));
}

class endpoints {
public:
  endpoints(caf::actor_system& system, gateway_actor gateway,
            const settings& config)
      : system_(system),
        gateway_(std::move(gateway)),
        serving_(config.serving),
        ping_interval_(config.http.ping_interval),
        logs_contents_(config.log.contents) {
    // nop
  }

  void handle(const http_request& request, answer_ptr answer) {
    auto found = find_route(request.method, request.target);
    if (auto* error = std::get_if<error_reply>(&found))
      return send_error(*answer, request, *error);
    const auto& [leads_to, model] = std::get<route_match>(found);
    auto has_model = leads_to == endpoint::call || leads_to == endpoint::add
                     || leads_to == endpoint::remove
                     || leads_to == endpoint::activate;
    // Checked before it reaches a log or a message; the gateway knows which
    // there are.
    if (has_model && !is_model_name(model))
      return send_error(
          *answer, request,
          {.status = 404,
           .code = "model_not_found",
           .message = fmt::format("there is no model {}; a name has {}",
                                  quote(model, 200), model_name_rule())});
    switch (leads_to) {
    case endpoint::call:
      return call(request, model, std::move(answer));
    case endpoint::add:
      return change<add_device>(device_change::add, request, model,
                                std::move(answer));
    case endpoint::remove:
      return change<remove_device>(device_change::remove, request, model,
                                   std::move(answer));
    case endpoint::activate:
      return change<activate_model>(device_change::activate, request, model,
                                    std::move(answer));
    case endpoint::status:
      if (auto error = check_empty_body(request.body))
        return send_error(*answer, request, *error);
      return ask<server_status>(get_status{}, status_patience,
                                std::move(answer), &endpoints::answer_status);
    case endpoint::ready:
      return ask<server_status>(get_status{}, status_patience,
                                std::move(answer), &endpoints::answer_ready);
    case endpoint::live:
      return send_json(*answer, 200, R"({"status":"live"})");
    case endpoint::openapi:
      return send_json(*answer, 200, std::string{openapi_json()});
    }
  }

private:
  void call(const http_request& request, const std::string& model,
            answer_ptr answer) {
    auto read = read_chat_request(request.body);
    if (auto* error = std::get_if<error_reply>(&read))
      return send_error(*answer, request, *error);
    auto& chat = std::get<chat_request>(read);
    if (chat.is_streamed && !request.can_stream)
      return send_error(*answer, request,
                        {.status = 505,
                         .code = "http_version",
                         .message = "a stream needs HTTP/1.1",
                         .param = "stream"});
    auto call_id = "call-" + new_request_id();
    reply_options options;
    options.gateway = gateway_;
    options.request = std::move(chat.request);
    options.request.id = ++last_id_;
    options.request.trace_id = request.request_id;
    options.request.model = model;
    if (!chat.has_seed)
      options.request.seed = new_seed();
    options.credit = serving_.credit;
    options.max_attempts = serving_.max_attempts;
    options.ping_interval = ping_interval_;
    options.deadline = serving_.request_timeout;
    options.worker_wait = serving_.worker_wait;
    // The answer goes into the writer, and the writer into the actor, before
    // there is an actor to tell of the client; what happens until then is told
    // on this thread afterwards.
    auto& fate = *answer;
    auto reply = std::make_shared<reply_actor>();
    fate.watch({.taken =
                    [reply](std::uint64_t mark) {
                      if (*reply)
                        caf::anon_send(*reply, written{mark});
                    },
                .client_left =
                    [reply] {
                      if (*reply)
                        caf::anon_send(*reply, client_left{});
                    }});
    if (chat.is_streamed)
      options.writer =
          std::make_unique<sse_writer>(std::move(answer), std::move(call_id));
    else
      options.writer = std::make_unique<json_writer>(
          std::move(answer), std::move(call_id), model,
          options.request.sampling.top_logprobs.has_value());
    if (logs_contents_)
      options.writer = std::make_unique<logging_writer>(
          std::move(options.writer), options.request);
    *reply = spawn_reply(system_, std::move(options));
  }

  template <class Order>
  static Order order_for(const std::string& model, device_request asked) {
    Order result;
    result.model = model;
    result.device = std::move(asked.device);
    if constexpr (std::is_same_v<Order, add_device>)
      result.wait = asked.wait;
    return result;
  }

  /// Asks the gateway by way of a small actor, which waits in our stead and
  /// hands the result to `write`. A client that leaves doesn't stop what it has
  /// asked for.
  template <class Result, class Order, class Write>
  void ask(Order order, caf::duration patience, answer_ptr answer,
           Write write) {
    std::shared_ptr<http_answer> to = std::move(answer);
    // The gateway is an argument though it could be captured: without any, CAF
    // 0.17 dereferences a null pointer to them.
    system_.spawn(
        [=](caf::event_based_actor* self, const gateway_actor& gateway) {
          self->request(gateway, patience, order)
              .then([=](const Result& result) { write(*to, result); },
                    [=](const caf::error& reason) {
                      to->send(to_response(to_error_reply(
                          to_failure(reason), failed_at::administration)));
                    });
        },
        gateway_);
  }

  template <class Order>
  void change(device_change what, const http_request& request,
              const std::string& model, answer_ptr answer) {
    auto read = read_device_request(request.body, what == device_change::add);
    if (auto* error = std::get_if<error_reply>(&read))
      return send_error(*answer, request, *error);
    auto asked = std::get<device_request>(read);
    auto status = asked.wait ? 200u : 202u;
    ask<device_report>(
        order_for<Order>(model, std::move(asked)), caf::infinite,
        std::move(answer), [=](http_answer& to, const device_report& report) {
          send_json(to, status, device_report_json(what, model, report));
        });
  }

  static void answer_status(http_answer& answer, const server_status& status) {
    send_json(answer, 200, status_json(status));
  }

  static void answer_ready(http_answer& answer, const server_status& status) {
    auto is_ready = [](const model_status& model) {
      return model.state == model_state::ready
             || model.state == model_state::degraded;
    };
    if (status.draining)
      answer.send(to_response({.status = 503,
                               .code = "shutting_down",
                               .message = "the server is stopping",
                               .retry_after = 5}));
    else if (std::ranges::none_of(status.models, is_ready))
      answer.send(to_response({.status = 503,
                               .code = "not_ready",
                               .message = "no model has an entity that is "
                                          "ready",
                               .retry_after = 1}));
    else
      send_json(answer, 200, R"({"status":"ready"})");
  }

  caf::actor_system& system_;
  gateway_actor gateway_;
  serving_settings serving_;
  std::chrono::milliseconds ping_interval_;
  bool logs_contents_;
  std::atomic<request_id> last_id_{0};
};

} // namespace

request_handler make_endpoints(caf::actor_system& system, gateway_actor gateway,
                               const settings& config) {
  auto shared = std::make_shared<endpoints>(system, std::move(gateway), config);
  return [shared](const http_request& request, answer_ptr answer) {
    shared->handle(request, std::move(answer));
  };
}

} // namespace model_server
