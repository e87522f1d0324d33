// Prompts that are no chats, and what a worker says of tokens.
#include "tests/actors/worker_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using ::testing::HasSubstr;

class worker_prompt_test : public worker_fixture {
protected:
  worker_prompt_test() {
    plan->vocabulary = 5;
    plan->replies[""] = numbered_reply(4);
  }

  submit order_for(reply_prompt prompt) {
    auto result = order("");
    result.request.prompt = std::move(prompt);
    return result;
  }

  failure refusal(reply_prompt prompt) {
    auto refused = send(order_for(std::move(prompt)));
    run();
    EXPECT_TRUE(refused.answer->failed);
    return refused.answer->failed.value_or(failure{});
  }

  const reply_prompt text{prompt_form::text, {}, "Once", {}};
  const reply_prompt tokens{prompt_form::tokens, {}, "", {1, 2}};
};

} // namespace

TEST_F(worker_prompt_test, continues_text_and_tokens_without_a_new_turn) {
  load();
  for (const auto& prompt : {text, tokens}) {
    auto reply = send(order_for(prompt));
    run();
    ASSERT_TRUE(reply.answer->value);
    EXPECT_EQ(reply.answer->value->prompt_tokens,
              prompt.form == prompt_form::text ? 3u : 2u);
    EXPECT_EQ(reply.got->text(), " 1 2 3 4");
  }
}

TEST_F(worker_prompt_test, refuses_both_where_the_model_takes_chats_alone) {
  plan->vocabulary = 0;
  load();
  auto refused = refusal(text);
  EXPECT_EQ(refused.code, errc::bad_chat);
  EXPECT_EQ(refused.param, "prompt");
  EXPECT_THAT(refused.message, HasSubstr("chats alone"));
  EXPECT_EQ(refusal(tokens).code, errc::unsupported_field);
}

TEST_F(worker_prompt_test, names_a_token_that_the_model_does_not_have) {
  load();
  EXPECT_EQ(refusal({prompt_form::tokens, {}, "", {4, 5}}).param, "prompt[1]");
}

TEST_F(worker_prompt_test, names_the_prompt_that_is_too_long) {
  plan->context_length = 3;
  load();
  auto refused = refusal(text);
  EXPECT_EQ(refused.code, errc::context_length_exceeded);
  EXPECT_EQ(refused.param, "prompt");
}

TEST_F(worker_prompt_test, tells_the_tokens_of_a_prompt_in_every_form) {
  load();
  EXPECT_EQ(ask<tokenized>(subject, tokenize{"m", text}),
            (tokenized{{1, 1, 1}, 1000}));
  reply_prompt chat;
  chat.conversation = says("a");
  EXPECT_EQ(ask<tokenized>(subject, tokenize{"m", chat}).tokens.size(), 3u);
  EXPECT_TRUE(plan->steps.empty());
}

TEST_F(worker_prompt_test, tells_the_text_of_tokens) {
  load();
  // A space at the beginning is none of the text, and the end token has none.
  EXPECT_EQ(ask<detokenized>(subject, detokenize{"m", {0, 1, 2}}).text, "1 2");
  auto refused = ask_failure<detokenized>(subject, detokenize{"m", {1, 5}});
  EXPECT_EQ(refused.code, errc::out_of_range);
  EXPECT_EQ(refused.param, "tokens[1]");
}

TEST_F(worker_prompt_test, whoever_asks_hears_of_a_model_that_breaks) {
  plan->before_encode = [](const chat&) { throw std::runtime_error("broken"); };
  load();
  reply_prompt chat;
  chat.conversation = says("a");
  EXPECT_EQ(ask_failure<tokenized>(subject, tokenize{"m", chat}).code,
            errc::worker_lost);
}

} // namespace model_server
