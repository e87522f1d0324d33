// Tests what is remembered of prompts that were sent to a worker.
#include "actors/prefix_affinity.hpp"

#include <gtest/gtest.h>

#include <string>

namespace model_server {

namespace {

constexpr auto step = prompt_trail::step_bytes;

reply_prompt text(const std::string& what) {
  reply_prompt result;
  result.form = prompt_form::text;
  result.text = what;
  return result;
}

reply_prompt chat_of(std::vector<chat_message> messages) {
  reply_prompt result;
  result.conversation.messages = std::move(messages);
  return result;
}

std::size_t known(const prefix_memory& memory, const reply_prompt& prompt) {
  return memory.known_steps(prompt_trail{prompt});
}

} // namespace

TEST(prefix_affinity_test, knows_the_beginning_that_two_prompts_share) {
  prefix_memory memory;
  std::string common(3 * step, 'a');
  memory.read(prompt_trail{text(common + std::string(step, 'b'))});
  EXPECT_EQ(known(memory, text(common + std::string(2 * step, 'c'))), 3u);
  EXPECT_EQ(known(memory, text(common + std::string(step, 'b'))), 4u);
  EXPECT_EQ(known(memory, text('x' + common)), 0u);
}

TEST(prefix_affinity_test, roles_and_contents_count) {
  std::string long_text(step, 'a');
  prefix_memory memory;
  memory.read(prompt_trail{
      chat_of({{chat_role::system, long_text}, {chat_role::user, "hi"}})});
  EXPECT_EQ(known(memory, chat_of({{chat_role::system, long_text},
                                   {chat_role::user, "something else"}})),
            1u);
  EXPECT_EQ(known(memory, chat_of({{chat_role::user, long_text}})), 0u);
}

TEST(prefix_affinity_test, token_ids_count) {
  reply_prompt one, two;
  one.form = two.form = prompt_form::tokens;
  one.tokens.assign(step, 5);
  two.tokens.assign(step, 6);
  prefix_memory memory;
  memory.read(prompt_trail{one});
  EXPECT_EQ(known(memory, one), 4u);
  EXPECT_EQ(known(memory, two), 0u);
}

TEST(prefix_affinity_test, forgets_what_was_used_longest_ago_ends_first) {
  prefix_memory memory{4};
  memory.read(prompt_trail{text(std::string(3 * step, 'a'))});
  memory.read(prompt_trail{text(std::string(2 * step, 'b'))});
  EXPECT_EQ(memory.size(), 4u);
  EXPECT_EQ(known(memory, text(std::string(3 * step, 'a'))), 2u);
  EXPECT_EQ(known(memory, text(std::string(2 * step, 'b'))), 2u);
}

TEST(prefix_affinity_test, guesses_the_number_of_tokens) {
  EXPECT_EQ(prompt_trail{text(std::string(400, 'a'))}.tokens(), 100u);
  EXPECT_EQ(prompt_trail::tokens_of(2), 64u);
}

} // namespace model_server
