// Answers the routes below /v1.
#include "http/openai_endpoints.hpp"

#include "config/quote.hpp"
#include "http/completion_format.hpp"
#include "http/openai_completion.hpp"
#include "http/openai_embedding.hpp"
#include "http/openai_format.hpp"
#include "http/openai_request.hpp"
#include "http/plain_answers.hpp"
#include "http/request_id.hpp"
#include "http/tokenize_api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

namespace model_server {

namespace {

// A tokenizer is quick; a worker that is lost meanwhile never answers.
constexpr std::chrono::milliseconds tokens_patience{30'000};

} // namespace

namespace {

openai_frame new_frame(std::string_view kind, const std::string& model) {
  return {fmt::format("{}-{}", kind, new_request_id()), unix_seconds(), model};
}

} // namespace

openai_endpoints::openai_endpoints(actor_calls& calls, const settings& config)
    : calls_(calls),
      only_model_(config.models.size() == 1 ? config.models[0].name : ""),
      patience_(std::min<std::chrono::milliseconds>(
          config.serving.request_timeout, tokens_patience)),
      started_(unix_seconds()) {
  // nop
}

void openai_endpoints::chat(const http_request& request,
                            std::unique_ptr<http_answer> answer) {
  auto read = read_openai_chat(request.body);
  if (auto* error = std::get_if<error_reply>(&read))
    return send_error(*answer, request, *error);
  auto& [call, reports_usage] = std::get<openai_request>(read);
  auto frame = new_frame("chatcmpl", call.request.model);
  call.reply_id = frame.id;
  auto format = std::make_unique<chat_format>(
      std::move(frame), call.request.sampling.top_logprobs.has_value(),
      reports_usage);
  calls_.start_replies(request, std::move(call), std::move(format),
                       std::move(answer));
}

void openai_endpoints::completion(const http_request& request,
                                  std::unique_ptr<http_answer> answer) {
  auto read = read_openai_completion(request.body);
  if (auto* error = std::get_if<error_reply>(&read))
    return send_error(*answer, request, *error);
  auto& [asked, repeats_prompt] = std::get<completion_request>(read);
  auto& call = asked.call;
  std::vector<std::string> repeated(call.choices());
  if (repeats_prompt)
    for (std::size_t i = 0; i < repeated.size(); ++i)
      repeated[i] = call.prompt_of(i).text;
  auto frame = new_frame("cmpl", call.request.model);
  call.reply_id = frame.id;
  auto format = std::make_unique<completion_format>(
      std::move(frame), std::move(repeated),
      call.request.sampling.top_logprobs.has_value(), asked.reports_usage);
  calls_.start_replies(request, std::move(call), std::move(format),
                       std::move(answer));
}

void openai_endpoints::embedding(const http_request& request,
                                 std::unique_ptr<http_answer> answer) {
  auto read = read_openai_embedding(request.body);
  if (auto* error = std::get_if<error_reply>(&read))
    return send_error(*answer, request, *error);
  auto& [call, encoding] = std::get<embedding_request>(read);
  // Its answer has no id that a client could read.
  call.reply_id = new_frame("embd", call.request.model).id;
  auto format =
      std::make_unique<embedding_format>(call.request.model, encoding);
  calls_.start_replies(request, std::move(call), std::move(format),
                       std::move(answer));
}

template <class Result, class Question, class Write>
void openai_endpoints::ask(std::variant<Question, error_reply> read,
                           const http_request& request,
                           std::unique_ptr<http_answer> answer, Write write) {
  if (auto* error = std::get_if<error_reply>(&read))
    return send_error(*answer, request, *error);
  calls_.ask<Result>(std::move(std::get<Question>(read)), patience_,
                     failed_at::call, std::move(answer),
                     [=](http_answer& to, const Result& result) {
                       send_json(to, 200, write(result));
                     });
}

void openai_endpoints::tokens(const http_request& request,
                              std::unique_ptr<http_answer> answer) {
  ask<tokenized>(read_tokenize(request.body, only_model_), request,
                 std::move(answer), tokenized_json);
}

void openai_endpoints::text(const http_request& request,
                            std::unique_ptr<http_answer> answer) {
  ask<detokenized>(read_detokenize(request.body, only_model_), request,
                   std::move(answer), detokenized_json);
}

void openai_endpoints::models(std::unique_ptr<http_answer> answer) {
  calls_.ask_status(
      std::move(answer),
      [created = started_](http_answer& to, const server_status& status) {
        send_json(to, 200, models_json(status, created));
      });
}

void openai_endpoints::model(const std::string& name,
                             std::unique_ptr<http_answer> answer) {
  calls_.ask_status(
      std::move(answer),
      [name, created = started_](http_answer& to, const server_status& status) {
        auto is_it = [&](const model_status& model) {
          return model.name == name && !model.is_removed;
        };
        auto found = std::ranges::find_if(status.models, is_it);
        if (found != status.models.end())
          return send_json(to, 200, model_json(*found, created));
        to.send(to_response(
            {.status = 404,
             .code = "model_not_found",
             .message = fmt::format("there is no model {}", quote(name)),
             .param = "model"}));
      });
}

} // namespace model_server
