// The body of a call: what is taken, and what is said of what is not.
#include "http/chat_request.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <variant>

namespace model_server {
namespace {

chat_request taken(std::string_view body) {
  auto result = read_chat_request(body);
  if (auto* error = std::get_if<error_reply>(&result)) {
    ADD_FAILURE() << error->message;
    return {};
  }
  return std::get<chat_request>(result);
}

error_reply refused(std::string_view body) {
  auto result = read_chat_request(body);
  if (auto* error = std::get_if<error_reply>(&result))
    return *error;
  ADD_FAILURE() << "taken: " << body.substr(0, 200);
  return {};
}

/// A body with one good message and these further fields.
std::string with(std::string_view fields) {
  return fmt::format(R"({{"messages":[{{"role":"user","content":"hi"}}],{}}})",
                     fields);
}

std::string with_messages(std::string_view messages) {
  return fmt::format(R"({{"messages":{}}})", messages);
}

TEST(chat_request_test, reads_a_whole_request) {
  auto request = taken(R"({"messages":[
    {"role":"system","content":"be brief"},
    {"role":"user","content":[{"type":"text","text":"he"},{"type":"text","text":"llo"}]},
    {"role":"assistant","content":"hi"},
    {"role":"tool","content":""}],
    "max_tokens":7, "temperature":0.5, "top_p":0.9, "top_k":40, "min_p":0.1,
    "repetition_penalty":1.1, "presence_penalty":-1, "frequency_penalty":2,
    "seed":9007199254740991, "stop":["a","b"], "stream":true})");
  const auto& values = request.request;
  ASSERT_EQ(request.prompts[0].conversation.messages.size(), 4u);
  EXPECT_EQ(request.prompts[0].conversation.messages[0],
            (chat_message{chat_role::system, "be brief"}));
  EXPECT_EQ(request.prompts[0].conversation.messages[1],
            (chat_message{chat_role::user, "hello"}));
  EXPECT_EQ(request.prompts[0].conversation.messages[2],
            (chat_message{chat_role::agent, "hi"}));
  EXPECT_EQ(request.prompts[0].conversation.messages[3],
            (chat_message{chat_role::tool, ""}));
  EXPECT_EQ(values.max_tokens, 7u);
  EXPECT_EQ(values.sampling.temperature, 0.5);
  EXPECT_EQ(values.sampling.top_p, 0.9);
  EXPECT_EQ(values.sampling.top_k, 40);
  EXPECT_EQ(values.sampling.min_p, 0.1);
  EXPECT_EQ(values.sampling.repetition_penalty, 1.1);
  EXPECT_EQ(values.sampling.presence_penalty, -1.0);
  EXPECT_EQ(values.sampling.frequency_penalty, 2.0);
  EXPECT_EQ(values.seed, 9007199254740991u);
  EXPECT_TRUE(request.has_seed);
  EXPECT_EQ(values.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(request.is_streamed);
}

TEST(chat_request_test, leaves_unset_what_is_not_given_or_null) {
  for (
      auto body :
      {with(R"("stream":false)"),
       with(
           R"("temperature":null,"seed":null,"stop":null,"max_tokens":null)")}) {
    auto request = taken(body);
    EXPECT_EQ(request.request.sampling, sampling_options{});
    EXPECT_FALSE(request.has_seed);
    EXPECT_EQ(request.request.max_tokens, 0u);
    EXPECT_TRUE(request.request.stop.empty());
    EXPECT_FALSE(request.is_streamed);
  }
}

TEST(chat_request_test, continues_the_agent) {
  auto request = taken(with_messages(
      R"([{"role":"user","content":"x"},{"role":"agent","content":"y"}])"));
  EXPECT_TRUE(request.prompts[0].conversation.continues_agent());
}

TEST(chat_request_test, takes_the_neutral_values_of_what_is_not_built_yet) {
  taken(with(R"("n":1,"response_format":{"type":"text"},"tools":[])"));
}

TEST(chat_request_test, takes_what_the_template_may_ask_for) {
  auto arguments = [](std::string_view fields) {
    return taken(with(fields)).prompts[0].conversation.template_arguments;
  };
  EXPECT_EQ(arguments("\"n\":1"), "");
  EXPECT_EQ(arguments(R"("chat_template_kwargs":{},"documents":null)"), "");
  EXPECT_EQ(arguments(R"("chat_template_kwargs":{"enable_thinking":false,
                "effort":2.5,"style":"dry","other":null},
                "documents":[{"title":"a","text":"b"}],
                "reasoning_effort":"low")"),
            R"({"enable_thinking":false,"effort":2.5,"style":"dry",)"
            R"("other":null,"documents":[{"title":"a","text":"b"}],)"
            R"("reasoning_effort":"low"})");
}

TEST(chat_request_test, refuses_what_is_not_for_templates) {
  auto check = [](std::string_view fields, const char* code,
                  const char* param) {
    auto error = refused(with(fields));
    EXPECT_EQ(error.code, code) << fields;
    EXPECT_EQ(error.param, param) << fields;
  };
  check(R"("chat_template_kwargs":[])", "wrong_type", "chat_template_kwargs");
  check(R"("chat_template_kwargs":{"messages":1})", "unsupported_field",
        "chat_template_kwargs.messages");
  check(R"("chat_template_kwargs":{"chat_template":"{{ 1 }}"})",
        "unsupported_field", "chat_template_kwargs.chat_template");
  check(R"("chat_template_kwargs":{"deep":{"er":1}})", "wrong_type",
        "chat_template_kwargs.deep");
  check(R"("chat_template_kwargs":{"no name":1})", "out_of_range",
        "chat_template_kwargs.no name");
  check(R"("documents":{"a":1})", "wrong_type", "documents");
  check(R"("documents":["a"])", "wrong_type", "documents[0]");
  check(R"("documents":[{"a":[1]}])", "wrong_type", "documents[0]");
  check(R"("reasoning_effort":3)", "wrong_type", "reasoning_effort");
  std::string many;
  for (int i = 0; i < 17; ++i)
    many += fmt::format("{}\"k{}\":{}", i == 0 ? "" : ",", i, i);
  check(fmt::format("\"chat_template_kwargs\":{{{}}}", many), "out_of_range",
        "chat_template_kwargs");
}

TEST(chat_request_test, says_how_many_replies_and_how_soon) {
  auto plain = taken(with(R"("n":1)"));
  EXPECT_EQ(plain.n, 1u);
  EXPECT_EQ(plain.request.priority, 0);
  EXPECT_FALSE(plain.timeout);
  auto request = taken(with(R"("n":128,"priority":-7,"timeout":0.2)"));
  EXPECT_EQ(request.choices(), 128u);
  EXPECT_EQ(request.request.priority, -7);
  EXPECT_EQ(request.timeout, std::chrono::milliseconds{200});
  EXPECT_EQ(refused(with(R"("n":0)")).message, "n is 0; it must be 1 to 128");
  EXPECT_EQ(refused(with(R"("n":129)")).param, "n");
  EXPECT_EQ(taken(with(R"("n":2,"seed":9007199254740990)")).n, 2u);
  EXPECT_EQ(refused(with(R"("n":2,"seed":9007199254740991)")).message,
            "seed is 9007199254740991; with n = 2 it must be 0 to "
            "9007199254740990");
  EXPECT_EQ(refused(with(R"("priority":1.5)")).code, "wrong_type");
  EXPECT_EQ(refused(with(R"("priority":1001)")).code, "out_of_range");
  EXPECT_EQ(refused(with(R"("timeout":0)")).param, "timeout");
  EXPECT_EQ(refused(with(R"("timeout":"5s")")).code, "wrong_type");
}

TEST(chat_request_test, min_tokens_are_at_most_max_tokens) {
  EXPECT_EQ(taken(with(R"("min_tokens":5,"max_tokens":5)"))
                .request.sampling.min_tokens,
            5u);
  auto error = refused(with(R"("min_tokens":6,"max_tokens":5)"));
  EXPECT_EQ(error.code, "out_of_range");
  EXPECT_EQ(error.param, "min_tokens");
}

TEST(chat_request_test, takes_whole_numbers_with_a_decimal_point) {
  EXPECT_EQ(taken(with(R"("max_tokens":5.0)")).request.max_tokens, 5u);
}

struct refusal_case {
  std::string body;
  std::string code;
  std::string param;
};

class refusal_table : public testing::TestWithParam<refusal_case> {};

TEST_P(refusal_table, has_its_code_and_place) {
  const auto& [body, code, param] = GetParam();
  auto error = refused(body);
  EXPECT_EQ(error.status, 400u);
  EXPECT_EQ(error.code, code) << body;
  EXPECT_EQ(error.param, param) << body;
  EXPECT_FALSE(error.message.empty());
}

INSTANTIATE_TEST_SUITE_P(
    bodies, refusal_table,
    testing::Values(
        refusal_case{"", "missing_field", "messages"},
        refusal_case{"{}", "missing_field", "messages"},
        refusal_case{"[]", "wrong_type", ""},
        refusal_case{"null", "wrong_type", ""},
        refusal_case{"\"x\"", "wrong_type", ""},
        refusal_case{"{", "invalid_json", ""},
        refusal_case{"{\"messages\":[{\"role\":\"\xFF\"}]}", "invalid_utf8",
                     ""},
        refusal_case{with(R"("temprature":1)"), "unknown_field", "temprature"},
        refusal_case{with(R"("model":"x")"), "unknown_field", "model"}));

INSTANTIATE_TEST_SUITE_P(
    messages, refusal_table,
    testing::Values(
        refusal_case{with_messages("null"), "missing_field", "messages"},
        refusal_case{with_messages("{}"), "wrong_type", "messages"},
        refusal_case{with_messages("[]"), "out_of_range", "messages"},
        refusal_case{with_messages("[null]"), "wrong_type", "messages[0]"},
        refusal_case{with_messages(R"([{"content":"x"}])"), "missing_field",
                     "messages[0].role"},
        refusal_case{with_messages(R"([{"role":"robot","content":"x"}])"),
                     "bad_role", "messages[0].role"},
        refusal_case{with_messages(R"([{"role":1,"content":"x"}])"),
                     "wrong_type", "messages[0].role"},
        refusal_case{with_messages(R"([{"role":"user"}])"), "missing_field",
                     "messages[0].content"},
        refusal_case{with_messages(R"([{"role":"user","content":null}])"),
                     "missing_field", "messages[0].content"},
        refusal_case{with_messages(R"([{"role":"user","content":7}])"),
                     "wrong_type", "messages[0].content"},
        refusal_case{with_messages(R"([{"role":"user","content":["x"]}])"),
                     "wrong_type", "messages[0].content[0]"},
        refusal_case{
            with_messages(
                R"([{"role":"user","content":[{"type":"image_url"}]}])"),
            "unsupported_content", "messages[0].content[0].type"},
        refusal_case{
            with_messages(R"([{"role":"user","content":[{"type":"text"}]}])"),
            "missing_field", "messages[0].content[0].text"},
        refusal_case{
            with_messages(R"([{"role":"user","content":"x","name":"y"}])"),
            "unknown_field", "messages[0].name"},
        refusal_case{with_messages(R"([{"role":"user","content":"x"},)"
                                   R"({"role":"system","content":"y"}])"),
                     "bad_role", "messages[1].role"}));

INSTANTIATE_TEST_SUITE_P(
    numbers, refusal_table,
    testing::Values(
        refusal_case{with(R"("temperature":-0.1)"), "out_of_range",
                     "temperature"},
        refusal_case{with(R"("temperature":2.1)"), "out_of_range",
                     "temperature"},
        refusal_case{with(R"("temperature":"hot")"), "wrong_type",
                     "temperature"},
        refusal_case{with(R"("top_p":0)"), "out_of_range", "top_p"},
        refusal_case{with(R"("top_p":1.1)"), "out_of_range", "top_p"},
        refusal_case{with(R"("min_p":2)"), "out_of_range", "min_p"},
        refusal_case{with(R"("top_k":-2)"), "out_of_range", "top_k"},
        refusal_case{with(R"("top_k":1099511627776)"), "out_of_range", "top_k"},
        refusal_case{with(R"("top_k":1.5)"), "wrong_type", "top_k"},
        refusal_case{with(R"("repetition_penalty":0)"), "out_of_range",
                     "repetition_penalty"},
        refusal_case{with(R"("repetition_penalty":1e-40)"), "out_of_range",
                     "repetition_penalty"},
        refusal_case{with(R"("repetition_penalty":1e30)"), "out_of_range",
                     "repetition_penalty"},
        refusal_case{with(R"("presence_penalty":2.1)"), "out_of_range",
                     "presence_penalty"},
        refusal_case{with(R"("frequency_penalty":-2.1)"), "out_of_range",
                     "frequency_penalty"},
        refusal_case{with(R"("max_tokens":0)"), "out_of_range", "max_tokens"},
        refusal_case{with(R"("max_tokens":-1)"), "out_of_range", "max_tokens"},
        refusal_case{with(R"("max_tokens":2147483648)"), "out_of_range",
                     "max_tokens"},
        refusal_case{with(R"("max_tokens":1e300)"), "out_of_range",
                     "max_tokens"},
        refusal_case{with(R"("max_tokens":"5")"), "wrong_type", "max_tokens"},
        refusal_case{with(R"("max_tokens":true)"), "wrong_type", "max_tokens"},
        refusal_case{with(R"("seed":9007199254740992)"), "out_of_range",
                     "seed"},
        refusal_case{with(R"("seed":-1)"), "out_of_range", "seed"},
        refusal_case{with(R"("seed":1.5)"), "wrong_type", "seed"}));

INSTANTIATE_TEST_SUITE_P(
    others, refusal_table,
    testing::Values(
        refusal_case{with(R"("stream":"true")"), "wrong_type", "stream"},
        refusal_case{with(R"("stream":1)"), "wrong_type", "stream"},
        refusal_case{with(R"("stop":1)"), "wrong_type", "stop"},
        refusal_case{with(R"("stop":"")"), "out_of_range", "stop"},
        refusal_case{with(R"("stop":["a",""])"), "out_of_range", "stop[1]"},
        refusal_case{with(R"("stop":["a",1])"), "wrong_type", "stop[1]"},
        refusal_case{with(R"("n":"2")"), "wrong_type", "n"},
        refusal_case{with(R"("n":0)"), "out_of_range", "n"},
        refusal_case{with(R"("logprobs":"yes")"), "wrong_type", "logprobs"},
        refusal_case{with(R"("response_format":{"type":"json_object"})"),
                     "unsupported_field", "response_format"},
        refusal_case{with(R"("tools":[{}])"), "unsupported_field", "tools"},
        refusal_case{with(R"("tools":{})"), "unsupported_field", "tools"}));

TEST(chat_request_test, counts_messages_parts_and_stops) {
  auto many = [](std::size_t count, std::string_view each) {
    std::string list;
    for (std::size_t i = 0; i < count; ++i)
      list += (i > 0 ? "," : "") + std::string{each};
    return "[" + list + "]";
  };
  auto message = R"({"role":"user","content":"x"})";
  taken(with_messages(many(2048, message)));
  EXPECT_EQ(refused(with_messages(many(2049, message))).code, "out_of_range");
  auto parts = [&](std::size_t count) {
    return with_messages(R"([{"role":"user","content":)"
                         + many(count, R"({"type":"text","text":"x"})") + "}]");
  };
  EXPECT_EQ(
      taken(parts(256)).prompts[0].conversation.messages[0].content.size(),
      256u);
  EXPECT_EQ(refused(parts(257)).param, "messages[0].content");
  taken(with("\"stop\":" + many(16, "\"a\"")));
  EXPECT_EQ(refused(with("\"stop\":" + many(17, "\"a\""))).param, "stop");
  taken(with("\"stop\":\"" + std::string(256, 'a') + "\""));
  EXPECT_EQ(refused(with("\"stop\":\"" + std::string(257, 'a') + "\"")).param,
            "stop");
}

TEST(chat_request_test, names_the_value_and_the_limit) {
  EXPECT_EQ(refused(with(R"("temperature":2.5)")).message,
            "temperature is 2.5; it must be at least 0, and at most 2");
  EXPECT_EQ(refused(with(R"("max_tokens":0)")).message,
            "max_tokens is 0; it must be 1 to 2147483647");
  EXPECT_EQ(refused(with(R"("temperature":"hot")")).message,
            "temperature is a string, not a number");
}

} // namespace
} // namespace model_server
