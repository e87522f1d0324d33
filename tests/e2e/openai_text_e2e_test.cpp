// OpenAI's dialect on the real program and a real model: completions, tokens,
// logprobs.
#include "support/chats.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace model_server {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// Its only model is tiny-chat.
struct openai_text_e2e_test : testing::Test {
  static void SetUpTestSuite() {
    auto path = std::filesystem::absolute("models/tiny-chat").string();
    server = std::make_unique<server_process>(
        fmt::format(R"({{"tiny-chat":{{"name":"causal_lm",)"
                    R"("params":{{"path":"{}"}}}}}})",
                    path),
        std::vector<std::string>{"tiny-chat"});
  }

  static void TearDownTestSuite() {
    server.reset();
  }

  static client_response post(std::string_view target, std::string_view body) {
    return fetch(server->port(), "POST", target, body);
  }

  /// A greedy completion of a prompt, which is JSON.
  static client_response complete(std::string_view prompt,
                                  std::string_view fields = "") {
    return post("/v1/completions",
                fmt::format(R"({{"model":"tiny-chat","prompt":{},)"
                            R"("temperature":0,"max_tokens":6{}}})",
                            prompt, fields));
  }

  /// The list that follows a key, with its brackets.
  static std::string list_of(const std::string& json, std::string_view key) {
    auto begin = json.find(fmt::format("\"{}\":[", key)) + key.size() + 3;
    return json.substr(begin, json.find(']', begin) + 1 - begin);
  }

  inline static std::unique_ptr<server_process> server;
};

TEST_F(openai_text_e2e_test, continues_text) {
  auto response = complete(R"("How do I add a device?")");
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_THAT(response.body, StartsWith(R"({"id":"cmpl-)"));
  EXPECT_EQ(json_value(response.body, "object"), "text_completion");
  EXPECT_EQ(json_value(response.body, "logprobs"), "null");
  EXPECT_THAT(response.body, HasSubstr(R"("choices":[{"index":0,"text":")"));
}

TEST_F(openai_text_e2e_test, takes_tokens_for_the_text_that_they_are) {
  constexpr auto text = R"("How do I add a device?")";
  auto tokens = post("/tokenize", fmt::format(R"({{"prompt":{}}})", text));
  ASSERT_EQ(tokens.status, 200) << tokens.body;
  auto ids = list_of(tokens.body, "tokens");
  auto of_text = complete(text).body;
  auto of_ids = complete(ids).body;
  EXPECT_EQ(json_value(of_ids, "text"), json_value(of_text, "text"));
  EXPECT_EQ(json_value(of_ids, "prompt_tokens"),
            json_value(tokens.body, "count"));
  EXPECT_NE(json_value(tokens.body, "max_model_len"), "");
}

TEST_F(openai_text_e2e_test, answers_several_prompts_with_several_choices) {
  auto draw = [](std::string_view prompt, int n, int seed) {
    return post("/v1/completions",
                fmt::format(R"({{"model":"tiny-chat","prompt":{},"n":{},)"
                            R"("seed":{},"max_tokens":6,"min_tokens":6,)"
                            R"("echo":true}})",
                            prompt, n, seed))
        .body;
  };
  auto both = draw(R"(["How do I add","What is a"])", 2, 3);
  auto choice = [&](int i) {
    auto at = both.find(fmt::format("\"index\":{},", i));
    return at == std::string::npos ? both : json_value(both.substr(at), "text");
  };
  for (auto i : {0, 1}) {
    EXPECT_THAT(choice(i), StartsWith("How do I add"));
    EXPECT_THAT(choice(2 + i), StartsWith("What is a"));
    auto alone = draw(R"("What is a")", 1, 3 + i);
    EXPECT_EQ(choice(2 + i), json_value(alone, "text"));
  }
  EXPECT_EQ(json_value(both, "completion_tokens"), "24");
}

TEST_F(openai_text_e2e_test, repeats_the_prompt_if_told_to) {
  EXPECT_THAT(json_value(complete(R"("Once")", R"(,"echo":true)").body, "text"),
              StartsWith("Once"));
}

TEST_F(openai_text_e2e_test, streams_what_it_gives_as_a_whole) {
  http_client client{server->port()};
  client.request("POST", "/v1/completions",
                 R"({"model":"tiny-chat","prompt":"Once","temperature":0,)"
                 R"("max_tokens":6,"stream":true})");
  EXPECT_EQ(client.receive_head().status, 200);
  auto stream = read_stream(client);
  EXPECT_TRUE(stream.is_done);
  std::string text;
  for (const auto& data : stream.data) {
    EXPECT_EQ(json_value(data, "object"), "text_completion");
    text += json_value(data, "text");
  }
  EXPECT_EQ(text, json_value(complete(R"("Once")").body, "text"));
}

TEST_F(openai_text_e2e_test, gives_logprobs_in_both_shapes) {
  auto text = complete(R"("Once")", R"(,"logprobs":2)");
  ASSERT_EQ(text.status, 200) << text.body;
  EXPECT_THAT(text.body, HasSubstr(R"("logprobs":{"tokens":[")"));
  EXPECT_THAT(text.body, HasSubstr(R"("text_offset":[0,)"));
  auto chat = post("/v1/chat/completions",
                   R"({"model":"tiny-chat","messages":[{"role":"user",)"
                   R"("content":"hello"}],"max_tokens":2,"logprobs":true,)"
                   R"("top_logprobs":1})");
  EXPECT_THAT(chat.body, HasSubstr(R"("logprobs":{"content":[{"token":")"));
  EXPECT_THAT(chat.body, HasSubstr(R"(,"refusal":null})"));
}

TEST_F(openai_text_e2e_test, gives_tokens_back_as_their_text) {
  auto tokens =
      post("/tokenize", R"({"prompt":"gr\u00f6\u00dfer <|im_end|>"})");
  auto text = post("/detokenize", fmt::format(R"({{"tokens":{}}})",
                                              list_of(tokens.body, "tokens")));
  EXPECT_EQ(text.body, "{\"prompt\":\"gr\xC3\xB6\xC3\x9F"
                       "er <|im_end|>\"}");
}

TEST_F(openai_text_e2e_test, counts_a_chat_as_the_usage_does) {
  auto tokens = post("/tokenize", R"({"messages":[{"role":"user",)"
                                  R"("content":"hello"}]})");
  auto reply = post("/v1/chat/completions",
                    R"({"model":"tiny-chat","messages":[{"role":"user",)"
                    R"("content":"hello"}],"max_tokens":1})");
  EXPECT_EQ(json_value(tokens.body, "count"),
            json_value(reply.body, "prompt_tokens"));
}

TEST_F(openai_text_e2e_test, refuses_tokens_that_are_not_there) {
  auto response = complete("[99999999]");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(json_value(response.body, "param"), "prompt[0]");
  EXPECT_EQ(post("/detokenize", R"({"tokens":[99999999]})").status, 400);
  EXPECT_EQ(post("/tokenize", R"({"model":"nobody","prompt":"a"})").status,
            404);
}

TEST_F(openai_text_e2e_test, names_a_prompt_that_is_too_long) {
  std::string words;
  for (int i = 0; i < 20'000; ++i)
    words += "a ";
  auto response = complete(fmt::format("\"{}\"", words));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(json_value(response.body, "code"), "context_length_exceeded");
  EXPECT_EQ(json_value(response.body, "param"), "prompt");
}

} // namespace
} // namespace model_server
