// The body of /v1/chat/completions: what is taken, passed over and refused.
#include "http/openai_request.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>
#include <variant>

namespace model_server {
namespace {

using testing::HasSubstr;

openai_request taken(std::string_view body) {
  auto result = read_openai_chat(body);
  if (auto* error = std::get_if<error_reply>(&result)) {
    ADD_FAILURE() << body << ": " << error->message;
    return {};
  }
  return std::get<openai_request>(result);
}

error_reply refused(std::string_view body) {
  auto result = read_openai_chat(body);
  if (auto* error = std::get_if<error_reply>(&result))
    return *error;
  ADD_FAILURE() << "taken: " << body;
  return {};
}

/// A body with a model, one good message and these further fields.
std::string with(std::string_view fields) {
  return fmt::format(R"({{"model":"org/m","messages":[{{"role":"user",)"
                     R"("content":"hi"}}]{}{}}})",
                     fields.empty() ? "" : ",", fields);
}

std::string with_messages(std::string_view messages) {
  return fmt::format(R"({{"model":"m","messages":[{}]}})", messages);
}

void expect_unsupported(std::string_view fields, std::string_view param) {
  auto error = refused(with(fields));
  EXPECT_EQ(error.status, 400u) << fields;
  EXPECT_EQ(error.code, "unsupported_field") << fields;
  EXPECT_EQ(error.param, param) << fields;
  EXPECT_THAT(error.message, HasSubstr(std::string{param}));
}

TEST(openai_chat_test, reads_a_whole_request) {
  auto request = taken(R"({"model":"org/m","messages":[
    {"role":"developer","content":"be brief"},
    {"role":"system","content":"be kind","name":"boss"},
    {"role":"user","content":[{"type":"text","text":"he","cache_control":{}},
                              {"type":"text","text":"llo"}]},
    {"role":"assistant","content":null,"tool_calls":[],"refusal":null},
    {"role":"assistant"},
    {"role":"tool","content":"42","tool_call_id":"call_1"}],
    "max_tokens":7,"max_completion_tokens":9,"temperature":0.5,"top_p":0.9,
    "presence_penalty":-1,"frequency_penalty":2,"logit_bias":{"5":1},
    "seed":3,"stop":["a","b"],"logprobs":true,"top_logprobs":2,
    "stream":true,"stream_options":{"include_usage":true}})");
  const auto& values = request.call.request;
  EXPECT_EQ(values.model, "org/m");
  const auto& prompt = request.call.prompts[0];
  EXPECT_EQ(prompt.form, prompt_form::chat);
  EXPECT_EQ(prompt.conversation.messages,
            (std::vector<chat_message>{{chat_role::system, "be brief"},
                                       {chat_role::system, "be kind"},
                                       {chat_role::user, "hello"},
                                       {chat_role::agent, ""},
                                       {chat_role::agent, ""},
                                       {chat_role::tool, "42"}}));
  EXPECT_EQ(values.max_tokens, 9u);
  EXPECT_EQ(values.sampling.temperature, 0.5);
  EXPECT_EQ(values.sampling.presence_penalty, -1.0);
  EXPECT_EQ(values.sampling.logit_bias, (std::vector<token_bias>{{5, 1.0}}));
  EXPECT_EQ(values.sampling.top_logprobs, 2u);
  EXPECT_EQ(values.seed, 3u);
  EXPECT_TRUE(request.call.has_seed);
  EXPECT_EQ(values.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(request.call.is_streamed);
  EXPECT_TRUE(request.reports_usage);
}

TEST(openai_chat_test, takes_the_sampling_fields_of_the_other_dialect) {
  auto values =
      taken(with(R"("top_k":40,"min_p":0.1,"typical_p":0.9,)"
                 R"("repetition_penalty":1.1,"stop_token_ids":[7],)"
                 R"("min_tokens":3,"ignore_eos":true,"max_tokens":4)"))
          .call.request;
  EXPECT_EQ(values.sampling.top_k, 40);
  EXPECT_EQ(values.sampling.min_p, 0.1);
  EXPECT_EQ(values.sampling.typical_p, 0.9);
  EXPECT_EQ(values.sampling.repetition_penalty, 1.1);
  EXPECT_EQ(values.sampling.stop_tokens, (std::vector<token_id>{7}));
  EXPECT_EQ(values.sampling.min_tokens, 3u);
  EXPECT_TRUE(values.sampling.ignore_eos);
  EXPECT_EQ(values.max_tokens, 4u);
}

TEST(openai_chat_test, null_means_absent) {
  for (auto name : {"max_tokens",
                    "max_completion_tokens",
                    "temperature",
                    "top_p",
                    "seed",
                    "stop",
                    "stream",
                    "stream_options",
                    "n",
                    "logprobs",
                    "top_logprobs",
                    "logit_bias",
                    "tools",
                    "tool_choice",
                    "response_format",
                    "audio",
                    "modalities",
                    "functions",
                    "function_call",
                    "prediction",
                    "user",
                    "presence_penalty",
                    "frequency_penalty",
                    "top_k",
                    "best_of"}) {
    auto request = taken(with(fmt::format("\"{}\":null", name)));
    EXPECT_EQ(request.call.request.sampling, sampling_options{}) << name;
    EXPECT_EQ(request.call.request.max_tokens, 0u) << name;
    EXPECT_FALSE(request.call.has_seed) << name;
    EXPECT_FALSE(request.call.is_streamed) << name;
    EXPECT_FALSE(request.reports_usage) << name;
  }
}

TEST(openai_chat_test, passes_over_what_it_does_not_know) {
  for (auto fields : {R"("store":true,"metadata":{"a":"b"},"user":"u")",
                      R"("service_tier":"auto","parallel_tool_calls":true)",
                      R"("safety_identifier":"x","prompt_cache_key":"y")",
                      R"("temperatur":9,"chat_template_kwarg":{"a":[1]})"})
    taken(with(fields));
}

TEST(openai_chat_test, takes_neutral_values_of_what_is_not_built) {
  for (auto fields :
       {R"("tools":[],"tool_choice":"none","functions":[])",
        R"("tool_choice":"auto","function_call":"auto")",
        R"("response_format":{"type":"text"},"modalities":["text"])",
        R"("n":2,"best_of":2)"})
    taken(with(fields));
}

TEST(openai_chat_test, refuses_by_name_what_is_not_built) {
  expect_unsupported(R"("tools":[{"type":"function"}])", "tools");
  expect_unsupported(R"("tool_choice":"required")", "tool_choice");
  expect_unsupported(R"("tool_choice":{"type":"function"})", "tool_choice");
  expect_unsupported(R"("functions":[{}])", "functions");
  expect_unsupported(R"("function_call":{"name":"f"})", "function_call");
  expect_unsupported(R"("response_format":{"type":"json_object"})",
                     "response_format");
  expect_unsupported(R"("audio":{"voice":"x"})", "audio");
  expect_unsupported(R"("modalities":["text","audio"])", "modalities");
  expect_unsupported(R"("modalities":["audio"])", "modalities");
  expect_unsupported(R"("prediction":{"type":"content"})", "prediction");
  expect_unsupported(R"("web_search_options":{})", "web_search_options");
  expect_unsupported(R"("best_of":2)", "best_of");
}

TEST(openai_chat_test, refuses_calls_of_tools_in_the_messages) {
  auto error = refused(with_messages(
      R"({"role":"assistant","content":null,"tool_calls":[{"id":"x"}]})"));
  EXPECT_EQ(error.code, "unsupported_field");
  EXPECT_EQ(error.param, "messages[0].tool_calls");
}

TEST(openai_chat_test, refuses_content_that_is_no_text) {
  for (auto type : {"image_url", "input_audio", "file", "refusal"}) {
    auto error = refused(with_messages(fmt::format(
        R"({{"role":"user","content":[{{"type":"text","text":"a"}},)"
        R"({{"type":"{}"}}]}})",
        type)));
    EXPECT_EQ(error.status, 400u);
    EXPECT_EQ(error.code, "unsupported_content");
    EXPECT_EQ(error.param, "messages[0].content[1].type");
    EXPECT_THAT(error.message, HasSubstr(type));
  }
}

TEST(openai_chat_test, only_an_assistant_may_say_nothing) {
  for (auto role : {"user", "system", "developer", "tool"})
    EXPECT_EQ(refused(with_messages(fmt::format(
                          R"({{"role":"{}","content":null}})", role)))
                  .param,
              "messages[0].content");
}

TEST(openai_chat_test, knows_its_own_roles_only) {
  for (auto role : {"agent", "function", "User", ""}) {
    auto error = refused(
        with_messages(fmt::format(R"({{"role":"{}","content":"x"}})", role)));
    EXPECT_EQ(error.code, "bad_role");
    EXPECT_EQ(error.param, "messages[0].role");
  }
}

TEST(openai_chat_test, needs_a_model_that_can_be_one) {
  auto missing = refused(R"({"messages":[{"role":"user","content":"x"}]})");
  EXPECT_EQ(missing.status, 400u);
  EXPECT_EQ(missing.param, "model");
  auto odd = refused(R"({"model":"../x","messages":[]})");
  EXPECT_EQ(odd.status, 404u);
  EXPECT_EQ(odd.code, "model_not_found");
}

TEST(openai_chat_test, takes_any_seed_of_64_bits) {
  EXPECT_EQ(taken(with(R"("seed":-1)")).call.request.seed, ~0ull);
  EXPECT_EQ(taken(with(R"("seed":18446744073709551615)")).call.request.seed,
            ~0ull);
  EXPECT_EQ(refused(with(R"("seed":1.5)")).param, "seed");
}

TEST(openai_chat_test, asks_for_usage_only_when_told_to) {
  EXPECT_FALSE(
      taken(with(R"("stream":true,"stream_options":{})")).reports_usage);
  EXPECT_FALSE(taken(with(R"("stream":true,"stream_options":)"
                          R"({"include_usage":false,"more":1})"))
                   .reports_usage);
  EXPECT_EQ(refused(with(R"("stream_options":{"include_usage":true})")).param,
            "stream_options");
  EXPECT_EQ(refused(with(R"("stream":true,"stream_options":)"
                         R"({"include_usage":1})"))
                .param,
            "stream_options.include_usage");
}

TEST(openai_chat_test, names_the_place_of_a_wrong_value) {
  EXPECT_EQ(refused(with(R"("temperature":3)")).param, "temperature");
  EXPECT_EQ(refused(with(R"("max_completion_tokens":0)")).param,
            "max_completion_tokens");
  EXPECT_EQ(refused(with(R"("top_logprobs":2)")).param, "top_logprobs");
  EXPECT_EQ(refused(with(R"("logprobs":3)")).code, "wrong_type");
  EXPECT_EQ(refused(with(R"("max_tokens":2,"min_tokens":3)")).param,
            "min_tokens");
  EXPECT_EQ(refused("").param, "model");
  EXPECT_EQ(refused("[]").status, 400u);
}

} // namespace
} // namespace model_server
