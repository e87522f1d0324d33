// Sends requests on their way and writes what comes back.
#include "http/endpoints.hpp"

#include "config/model_name.hpp"
#include "config/quote.hpp"
#include "http/actor_calls.hpp"
#include "http/api_v1.hpp"
#include "http/call_format.hpp"
#include "http/chat_request.hpp"
#include "http/error_reply.hpp"
#include "http/openai_endpoints.hpp"
#include "http/openapi.hpp"
#include "http/plain_answers.hpp"
#include "http/request_id.hpp"
#include "http/routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace model_server {

namespace {

using answer_ptr = std::unique_ptr<http_answer>;

class endpoints {
public:
  endpoints(caf::actor_system& system, gateway_actor gateway,
            const settings& config)
      : calls_(system, std::move(gateway), config), openai_(calls_, config) {
    // nop
  }

  void handle(const http_request& request, answer_ptr answer) {
    auto found = find_route(request.method, request.target);
    if (auto* error = std::get_if<error_reply>(&found))
      return send_error(*answer, request, *error);
    const auto& [leads_to, model] = std::get<route_match>(found);
    if (!model.empty())
      if (auto error = check_model_name(model))
        return send_error(*answer, request, *error);
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
      return calls_.ask_status(std::move(answer), answer_status);
    case endpoint::ready:
      return calls_.ask_status(std::move(answer), answer_ready);
    case endpoint::openai_chat:
      return openai_.chat(request, std::move(answer));
    case endpoint::openai_completion:
      return openai_.completion(request, std::move(answer));
    case endpoint::openai_embedding:
      return openai_.embedding(request, std::move(answer));
    case endpoint::tokenize:
      return openai_.tokens(request, std::move(answer));
    case endpoint::detokenize:
      return openai_.text(request, std::move(answer));
    case endpoint::openai_models:
      return openai_.models(std::move(answer));
    case endpoint::openai_model:
      return openai_.model(model, std::move(answer));
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
    auto& asked = std::get<chat_request>(read);
    asked.request.model = model;
    auto format = std::make_unique<call_format>(
        "call-" + new_request_id(), model,
        asked.request.sampling.top_logprobs.has_value(), asked.choices());
    calls_.start_replies(request, std::move(asked), std::move(format),
                         std::move(answer));
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

  template <class Order>
  void change(device_change what, const http_request& request,
              const std::string& model, answer_ptr answer) {
    auto read = read_device_request(request.body, what == device_change::add);
    if (auto* error = std::get_if<error_reply>(&read))
      return send_error(*answer, request, *error);
    auto asked = std::get<device_request>(read);
    auto status = asked.wait ? 200u : 202u;
    // Loading a model may take as long as it takes.
    calls_.ask<device_report>(
        order_for<Order>(model, std::move(asked)), caf::infinite,
        failed_at::administration, std::move(answer),
        [=](http_answer& to, const device_report& report) {
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

  actor_calls calls_;
  openai_endpoints openai_;
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
