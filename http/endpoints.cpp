// Sends requests on their way and writes what comes back.
#include "http/endpoints.hpp"

#include "config/logging.hpp"
#include "config/model_name.hpp"
#include "config/quote.hpp"
#include "http/actor_calls.hpp"
#include "http/api_v1.hpp"
#include "http/call_format.hpp"
#include "http/chat_request.hpp"
#include "http/counted_answer.hpp"
#include "http/error_reply.hpp"
#include "http/guarded_answer.hpp"
#include "http/metrics_text.hpp"
#include "http/openai_endpoints.hpp"
#include "http/openapi.hpp"
#include "http/page.hpp"
#include "http/plain_answers.hpp"
#include "http/request_id.hpp"
#include "http/routes.hpp"
#include "http/story_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace model_server {

namespace {

using answer_ptr = std::unique_ptr<http_answer>;

class endpoints {
public:
  endpoints(caf::actor_system& system, gateway_actor gateway,
            const telemetry_sinks& telemetry, const settings& config,
            std::shared_ptr<const access_control> access)
      : figures_(telemetry.figures),
        node_name_(config.node_name),
        access_(std::move(access)),
        calls_(system, std::move(gateway), telemetry, config),
        openai_(calls_, config) {
    // nop
  }

  void handle(http_request request, answer_ptr answer) {
    auto origin = request.field("origin");
    if (is_preflight(request) && access_->cors().allows(origin))
      return answer->send(access_->cors().preflight(request));
    auto found = find_route(request.method, request.target);
    answer = counted_answer(std::move(answer), route_of(found), figures_);
    access_decision decision;
    if (auto* match = std::get_if<route_match>(&found))
      decision = access_->check(request, match->needs,
                                std::chrono::steady_clock::now());
    request.usage = decision.usage;
    if (request.usage)
      request.key_name = request.usage->name();
    // Refusals tell pages and clients of limits too.
    answer = std::make_unique<guarded_answer>(
        std::move(answer), access_->cors().headers_for(origin), decision.usage,
        decision.is_counted);
    if (auto* error = std::get_if<error_reply>(&found))
      return send_error(*answer, request, *error);
    if (decision.refusal)
      return send_error(*answer, request, *decision.refusal);
    enter(request, std::get<route_match>(found), std::move(answer));
  }

private:
  void enter(const http_request& request, const route_match& where,
             answer_ptr answer) {
    if (where.leads_to == endpoint::story)
      return calls_.ask_stories(where.name, std::move(answer), answer_story);
    if (where.leads_to == endpoint::page)
      return page(request, where.name, *answer);
    const auto& model = where.name;
    if (!model.empty())
      if (auto error = check_model_name(model))
        return send_error(*answer, request, *error);
    switch (where.leads_to) {
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
    case endpoint::reload:
      return reload(request, std::move(answer));
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
    case endpoint::metrics:
      return metrics(std::move(answer));
    case endpoint::story:
      return; // answered above
    case endpoint::openapi:
      return send_json(*answer, 200, std::string{openapi_json()});
    case endpoint::page:
      return; // answered above
    }
  }

  // Of the table, or one word for all that lead nowhere.
  static std::string_view
  route_of(const std::variant<route_match, error_reply>& found) {
    const auto* match = std::get_if<route_match>(&found);
    return match ? path_to(match->leads_to) : "other";
  }

  void call(const http_request& request, const std::string& model,
            answer_ptr answer) {
    auto read = read_chat_request(request.body);
    if (auto* error = std::get_if<error_reply>(&read))
      return send_error(*answer, request, *error);
    auto& asked = std::get<chat_request>(read);
    asked.request.model = model;
    asked.reply_id = "call-" + new_request_id();
    auto format = std::make_unique<call_format>(
        asked.reply_id, model, asked.request.sampling.top_logprobs.has_value(),
        asked.choices());
    calls_.start_replies(request, std::move(asked), std::move(format),
                         std::move(answer));
  }

  static void page(const http_request& request, const std::string& name,
                   http_answer& answer) {
    if (const auto* file = find_page_file(name))
      answer.send(page_response(*file, request.field("if-none-match")));
    else
      send_error(answer, request, unknown_address(request.target));
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
    log_event(log_level::info, "change_asked",
              {{"request_id", request.request_id},
               {"key", request.key_name},
               {"path", request.target.substr(0, request.target.find('?'))}});
    auto status = asked.wait ? 200u : 202u;
    // Loading a model may take as long as it takes.
    calls_.ask<device_report>(
        order_for<Order>(model, std::move(asked)), caf::infinite,
        failed_at::administration, std::move(answer),
        [=](http_answer& to, const device_report& report) {
          send_json(to, status, device_report_json(what, model, report));
        });
  }

  void metrics(answer_ptr answer) {
    calls_.ask_status(
        std::move(answer), [counted = figures_, node = node_name_](
                               http_answer& to, const server_status& status) {
          http_response response;
          response.content_type = metrics_content_type;
          response.headers.emplace_back("cache-control", "no-store");
          response.body =
              metrics_text(*counted, status, read_process_usage(), node);
          to.send(std::move(response));
        });
  }

  static void answer_story(http_answer& answer,
                           const request_stories& stories) {
    send_json(answer, 200, story_json(stories));
  }

  void reload(const http_request& request, answer_ptr answer) {
    if (auto error = check_empty_body(request.body))
      return send_error(*answer, request, *error);
    // A disk may take as long as it takes.
    calls_.ask<reload_report>(reload_models{}, caf::infinite,
                              failed_at::administration, std::move(answer),
                              [](http_answer& to, const reload_report& report) {
                                send_json(to, 200, reload_report_json(report));
                              });
  }

  static void answer_status(http_answer& answer, const server_status& status) {
    send_json(answer, 200, status_json(status));
  }

  static void answer_ready(http_answer& answer, const server_status& status) {
    // What is loaded on demand makes tokens as soon as somebody wants them.
    auto is_ready = [](const model_status& model) {
      return model.state == model_state::ready
             || model.state == model_state::degraded
             || (model.loads_on_demand && !model.is_removed);
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
                                          "ready, or is loaded on demand",
                               .retry_after = 1}));
    else
      send_json(answer, 200, R"({"status":"ready"})");
  }

  std::shared_ptr<figures> figures_;
  std::string node_name_;
  std::shared_ptr<const access_control> access_;
  actor_calls calls_;
  openai_endpoints openai_;
};

} // namespace

request_handler make_endpoints(caf::actor_system& system, gateway_actor gateway,
                               telemetry_sinks telemetry,
                               const settings& config,
                               std::shared_ptr<const access_control> access) {
  auto shared = std::make_shared<endpoints>(system, std::move(gateway),
                                            telemetry, config,
                                            std::move(access));
  return [shared](const http_request& request, answer_ptr answer) {
    shared->handle(request, std::move(answer));
  };
}

} // namespace model_server
