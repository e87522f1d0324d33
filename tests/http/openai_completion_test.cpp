// The body of /v1/completions, and the bodies of /tokenize and /detokenize.
#include "http/openai_completion.hpp"
#include "http/tokenize_api.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

namespace model_server {
namespace {

completion_request taken(std::string_view body) {
  auto result = read_openai_completion(body);
  if (auto* error = std::get_if<error_reply>(&result)) {
    ADD_FAILURE() << body << ": " << error->message;
    return {};
  }
  return std::get<completion_request>(result);
}

error_reply refused(std::string_view body) {
  auto result = read_openai_completion(body);
  if (auto* error = std::get_if<error_reply>(&result))
    return *error;
  ADD_FAILURE() << "taken: " << body;
  return {};
}

std::string with_prompt(std::string_view prompt) {
  return fmt::format(R"({{"model":"m","prompt":{}}})", prompt);
}

std::string with(std::string_view fields) {
  return fmt::format(R"({{"model":"m","prompt":"Once",{}}})", fields);
}

reply_prompt prompt_of(std::string_view prompt) {
  return taken(with_prompt(prompt)).asked.call.prompts[0];
}

TEST(openai_completion_test, reads_a_whole_request) {
  auto request = taken(with(R"("max_tokens":7,"temperature":0,"logprobs":5,)"
                            R"("stop":"\n","seed":3,"top_k":2,"stream":true,)"
                            R"("stream_options":{"include_usage":true})"));
  const auto& values = request.asked.call.request;
  EXPECT_EQ(values.model, "m");
  EXPECT_EQ(request.asked.call.prompts,
            (std::vector<reply_prompt>{{prompt_form::text, {}, "Once", {}}}));
  EXPECT_EQ(values.max_tokens, 7u);
  EXPECT_EQ(values.sampling.temperature, 0.0);
  EXPECT_EQ(values.sampling.top_logprobs, 5u);
  EXPECT_EQ(values.sampling.top_k, 2);
  EXPECT_EQ(values.stop, std::vector<std::string>{"\n"});
  EXPECT_TRUE(request.asked.call.is_streamed);
  EXPECT_TRUE(request.asked.reports_usage);
  EXPECT_FALSE(request.repeats_prompt);
}

TEST(openai_completion_test, takes_one_prompt_in_each_of_its_forms) {
  EXPECT_EQ(prompt_of(R"(["Once"])"), prompt_of(R"("Once")"));
  EXPECT_EQ(prompt_of("[0,7]"),
            (reply_prompt{prompt_form::tokens, {}, "", {0, 7}}));
  EXPECT_EQ(prompt_of("[[0,7]]"), prompt_of("[0,7]"));
  EXPECT_EQ(prompt_of(R"("")").form, prompt_form::text);
}

TEST(openai_completion_test, takes_several_prompts_of_one_form) {
  auto texts = taken(R"({"model":"m","prompt":["a","b"],"n":3})").asked.call;
  EXPECT_EQ(texts.choices(), 6u);
  EXPECT_EQ(texts.prompt_of(2).text, "a");
  EXPECT_EQ(texts.prompt_of(3).text, "b");
  auto ids = taken(with_prompt("[[1],[2,3]]")).asked.call;
  EXPECT_EQ(ids.choices(), 2u);
  EXPECT_EQ(ids.prompt_of(1).tokens, (std::vector<token_id>{2, 3}));
  EXPECT_EQ(refused(with_prompt(R"(["a",[1]])")).param, "prompt[1]");
  EXPECT_EQ(refused(with_prompt(R"([[1],"a"])")).param, "prompt[1]");
  EXPECT_EQ(refused(with_prompt("[[1],[]]")).param, "prompt[1]");
  EXPECT_EQ(refused(with_prompt("[[1],[2,-1]]")).param, "prompt[1][1]");
  EXPECT_EQ(refused(R"({"model":"m","prompt":["a","b","c"],"n":43})").message,
            "3 prompts with n = 43 make 129 replies, the limit is 128");
}

TEST(openai_completion_test, refuses_other_prompts) {
  for (auto prompt : {"7", "{}", "[]", "[null]", "true"})
    EXPECT_EQ(refused(with_prompt(prompt)).param, "prompt") << prompt;
  EXPECT_EQ(refused(with_prompt("[[]]")).param, "prompt[0]");
  EXPECT_EQ(refused(with_prompt(R"(["a",1])")).param, "prompt[1]");
  EXPECT_EQ(refused(with_prompt("[1,-1]")).param, "prompt[1]");
  EXPECT_EQ(refused(with_prompt("[1,\"a\"]")).param, "prompt[1]");
  EXPECT_EQ(refused(with_prompt("[1.5]")).param, "prompt[0]");
  EXPECT_EQ(refused(with_prompt("null")).code, "missing_field");
}

TEST(openai_completion_test, has_sixteen_tokens_unless_told_otherwise) {
  EXPECT_EQ(taken(with_prompt("\"a\"")).asked.call.request.max_tokens, 16u);
  EXPECT_EQ(taken(with(R"("min_tokens":20)")).asked.call.request.max_tokens,
            20u);
}

TEST(openai_completion_test, counts_logprobs_up_to_five) {
  EXPECT_EQ(
      taken(with(R"("logprobs":0)")).asked.call.request.sampling.top_logprobs,
      0u);
  EXPECT_FALSE(taken(with(R"("logprobs":null)"))
                   .asked.call.request.sampling.top_logprobs);
  EXPECT_EQ(refused(with(R"("logprobs":6)")).code, "out_of_range");
  EXPECT_EQ(refused(with(R"("logprobs":true)")).code, "wrong_type");
}

TEST(openai_completion_test, repeats_text_without_logprobs) {
  EXPECT_TRUE(taken(with(R"("echo":true)")).repeats_prompt);
  EXPECT_EQ(refused(with(R"("echo":true,"logprobs":1)")).param, "echo");
  EXPECT_EQ(refused(R"({"model":"m","prompt":[1],"echo":true})").param, "echo");
}

TEST(openai_completion_test, refuses_by_name_what_is_not_built) {
  EXPECT_EQ(refused(with(R"("suffix":"end")")).param, "suffix");
  EXPECT_EQ(refused(with(R"("best_of":2)")).param, "best_of");
  EXPECT_EQ(refused(with(R"("best_of":3,"n":2)")).param, "best_of");
  EXPECT_EQ(taken(with(R"("best_of":2,"n":2)")).asked.call.n, 2u);
  taken(with(R"("suffix":"","best_of":1,"n":1,"user":"u","more":{})"));
}

// -- /tokenize and /detokenize ------------------------------------------------

template <class Question>
error_reply error_of(const std::variant<Question, error_reply>& result) {
  if (auto* error = std::get_if<error_reply>(&result))
    return *error;
  ADD_FAILURE() << "taken";
  return {};
}

TEST(tokenize_api_test, reads_a_text_or_a_chat) {
  auto text = read_tokenize(R"({"model":"m","prompt":"a"})", "");
  EXPECT_EQ(std::get<tokenize>(text),
            (tokenize{"m", {prompt_form::text, {}, "a", {}}}));
  auto chat = read_tokenize(R"({"model":"m","messages":[)"
                            R"({"role":"user","content":"a"}]})",
                            "");
  EXPECT_EQ(
      std::get<tokenize>(chat),
      (tokenize{"m", {prompt_form::chat, {{{chat_role::user, "a"}}}, "", {}}}));
}

TEST(tokenize_api_test, needs_no_model_if_there_is_one_only) {
  EXPECT_EQ(std::get<tokenize>(read_tokenize(R"({"prompt":"a"})", "one")).model,
            "one");
  EXPECT_EQ(
      std::get<detokenize>(read_detokenize(R"({"tokens":[]})", "one")).model,
      "one");
  EXPECT_EQ(error_of(read_tokenize(R"({"prompt":"a"})", "")).param, "model");
  EXPECT_EQ(error_of(read_detokenize(R"({"tokens":[1]})", "")).param, "model");
}

TEST(tokenize_api_test, refuses_what_it_cannot_do) {
  for (auto [fields, param] :
       {std::pair{R"("prompt":"a","messages":[])", "prompt"},
        {R"("prompt":["a"])", "prompt"},
        {R"("user":"a")", "prompt"},
        {R"("prompt":"a","add_special_tokens":false)", "add_special_tokens"},
        {R"("prompt":"a","return_token_strs":true)", "return_token_strs"},
        {R"("messages":[])", "messages"}})
    EXPECT_EQ(error_of(read_tokenize(
                           fmt::format(R"({{"model":"m",{}}})", fields), ""))
                  .param,
              param)
        << fields;
  for (auto [tokens, param] : {std::pair{"null", "tokens"},
                               {"\"a\"", "tokens"},
                               {"[-1]", "tokens[0]"},
                               {"[1,2147483648]", "tokens[1]"}})
    EXPECT_EQ(
        error_of(read_detokenize(
                     fmt::format(R"({{"model":"m","tokens":{}}})", tokens), ""))
            .param,
        param)
        << tokens;
}

TEST(tokenize_api_test, writes_the_answers) {
  EXPECT_EQ(tokenized_json({{5, 0}, 4096}),
            R"({"tokens":[5,0],"count":2,"max_model_len":4096})");
  EXPECT_EQ(detokenized_json({"a\"\xC3"}),
            "{\"prompt\":\"a\\\"\xEF\xBF\xBD\"}");
}

} // namespace
} // namespace model_server
