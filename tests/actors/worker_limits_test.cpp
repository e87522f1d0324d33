// What a worker refuses, and where its replies end.
#include "tests/actors/worker_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class worker_limits_test : public worker_fixture {};

} // namespace

TEST_F(worker_limits_test, refuses_when_the_queue_is_full) {
  load();
  std::vector<sent> all;
  for (const auto* turn : {"a", "b", "c", "d", "e"})
    all.push_back(send(turn, 0)); // two places, three that wait
  run();
  auto refused = send("f", 0);
  run();
  ASSERT_TRUE(refused.answer->failed);
  EXPECT_EQ(refused.answer->failed->code, errc::queue_full);
  EXPECT_THAT(refused.answer->failed->message,
              HasSubstr("3 requests are waiting, the limit is 3"));
  EXPECT_EQ(refused.answer->failed->retry_after, 1u); // nothing measured yet
}

TEST_F(worker_limits_test, bounds_the_tokens_of_prompts_that_wait) {
  plan->prompt_size = 10;
  options.queue.prompt_tokens = 20;
  load();
  for (const auto* turn : {"a", "b"})
    send(turn, 0); // have places
  auto first = send("c", 0), second = send("d", 0);
  run();
  EXPECT_TRUE(first.answer->value);
  EXPECT_TRUE(second.answer->value); // the limit itself
  auto refused = send("e", 0);
  run();
  ASSERT_TRUE(refused.answer->failed);
  EXPECT_EQ(refused.answer->failed->code, errc::queue_full);
  EXPECT_EQ(refused.answer->failed->message,
            "prompts of 20 tokens are waiting, with this one it would be more "
            "than the limit of 20");
}

TEST_F(worker_limits_test, lets_twice_its_cache_wait_unless_told_otherwise) {
  plan->prompt_size = 10;
  plan->cache_tokens = 14;
  options.queue.requests = 100;
  load();
  std::vector<sent> all;
  for (int i = 0; i < 5; ++i)
    all.push_back(send("a", 0)); // two of them have places
  run();
  for (int i = 0; i < 4; ++i)
    EXPECT_TRUE(all[i].answer->value) << i;
  ASSERT_TRUE(all[4].answer->failed);
  EXPECT_THAT(all[4].answer->failed->message, HasSubstr("the limit of 28"));
}

TEST_F(worker_limits_test, lets_one_prompt_wait_however_long) {
  plan->prompt_size = 10;
  options.queue.prompt_tokens = 1;
  load();
  for (const auto* turn : {"a", "b"})
    send(turn, 0);
  auto longer = send("c", 0);
  run();
  EXPECT_TRUE(longer.answer->value);
}

TEST_F(worker_limits_test, refuses_what_has_waited_too_long) {
  plan->before_step = [this] { scheduler.clock().current_time += 1s; };
  options.batch_size = 1; // and each reply takes five steps
  options.queue.wait = 4s;
  load();
  auto resumed = order("a"), too = order("b"), part = order("c");
  resumed.resumed = too.resumed = true;
  part.is_promised = true;
  auto a = send(resumed), b = send(too), c = send(part), late = send("d");
  run();
  EXPECT_TRUE(late.answer->value); // it was told to wait
  EXPECT_THAT(late.got->chunks, IsEmpty());
  ASSERT_THAT(late.got->failures, SizeIs(1));
  EXPECT_EQ(late.got->failures[0].reason.code, errc::queue_timeout);
  EXPECT_THAT(late.got->failures[0].reason.message,
              HasSubstr("within the limit of 4s"));
  EXPECT_GE(late.got->failures[0].reason.retry_after, 1u);
  for (const auto& other : {a, b, c})
    EXPECT_EQ(other.got->text(), "1 2 3 4");
}

TEST_F(worker_limits_test, begins_what_has_waited_just_short_of_the_limit) {
  plan->before_step = [this] { scheduler.clock().current_time += 1s; };
  options.queue.wait = 5s + 1ms;
  load();
  auto a = send("a"), b = send("b"), c = send("c");
  run();
  EXPECT_EQ(c.got->text(), "1 2 3 4");
  EXPECT_THAT(c.got->failures, IsEmpty());
}

TEST_F(worker_limits_test, counts_no_prompt_that_another_part_stands_for) {
  plan->prompt_size = 10;
  options.queue.prompt_tokens = 10;
  load();
  auto promised = order("c", 0);
  promised.is_promised = true;
  for (const auto* turn : {"a", "b"})
    send(turn, 0);
  auto a = send(promised), b = send("d", 0);
  run();
  EXPECT_TRUE(a.answer->value);
  EXPECT_TRUE(b.answer->value);
  promised.request.id = ++last_id;
  auto c = send(promised), d = send("e", 0);
  run();
  EXPECT_TRUE(c.answer->value);
  EXPECT_TRUE(d.answer->failed);
}

TEST_F(worker_limits_test, gives_up_one_for_all_orders_of_a_step) {
  plan->replies["long"] = numbered_reply(50);
  plan->before_step = [this] {
    if (plan->steps.size() == 3)
      for (int i = 0; i < 5; ++i)
        caf::anon_send(subject, shed_atom::value);
  };
  options.batch_size = 1;
  load();
  std::vector<sent> all{send("long")};
  for (int i = 0; i < 3; ++i)
    all.push_back(send("a"));
  run();
  EXPECT_EQ(all[0].got->text(), joined(numbered_reply(50)));
  EXPECT_EQ(all[1].got->text(), "1 2 3 4");
  EXPECT_EQ(all[2].got->text(), "1 2 3 4");
  EXPECT_THAT(all[3].got->failures, SizeIs(1));
}

TEST_F(worker_limits_test, gives_up_the_youngest_that_waits) {
  options.queue.requests = 10;
  load();
  std::vector<sent> all;
  for (const auto* turn : {"a", "b", "c", "d"})
    all.push_back(send(turn, 0)); // two have places
  auto underway = order("e", 0);
  underway.resumed = true;
  auto urgent = order("f", 0); // before the others, and younger
  urgent.request.priority = -1;
  run();
  auto resumed = send(underway);
  run();
  scheduler.clock().current_time += 1s;
  auto first = send(urgent);
  run();
  auto shed = [&] {
    caf::anon_send(subject, shed_atom::value);
    run();
  };
  shed();
  ASSERT_THAT(first.got->failures, SizeIs(1));
  EXPECT_EQ(first.got->failures[0].reason.code, errc::low_memory);
  shed();
  EXPECT_THAT(all[3].got->failures, SizeIs(1));
  EXPECT_THAT(all[2].got->failures, IsEmpty());
  shed();
  EXPECT_THAT(all[2].got->failures, SizeIs(1));
  shed(); // nobody waits who may be refused
  for (const auto* other : {&all[0], &all[1], &resumed})
    EXPECT_THAT(other->got->failures, IsEmpty());
}

TEST_F(worker_limits_test, takes_a_full_batch_and_queue_in_one_burst) {
  load();
  std::vector<sent> all;
  for (const auto* turn : {"a", "b", "c", "d", "e", "f"})
    all.push_back(send(turn, 0));
  // The submits come before the first step, so all of them wait.
  run();
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_TRUE(all[i].answer->value) << i;
  EXPECT_TRUE(all[5].answer->failed);
}

TEST_F(worker_limits_test, computes_when_a_full_queue_will_have_room) {
  plan->before_step = [this] {
    scheduler.clock().current_time += std::chrono::milliseconds{500};
  };
  load();
  for (const auto* turn : {"a", "b"})
    send(turn); // 4 tokens a reply, at 2 to 4 a second
  run();
  for (const auto* turn : {"a", "b", "c", "d", "e"})
    send(turn, 0);
  run();
  auto refused = send("f", 0);
  run();
  ASSERT_TRUE(refused.answer->failed);
  // 3 replies of 4 tokens at that speed.
  EXPECT_GE(refused.answer->failed->retry_after, 3u);
  EXPECT_LE(refused.answer->failed->retry_after, 6u);
}

TEST_F(worker_limits_test, refuses_a_prompt_that_leaves_no_room) {
  plan->context_length = 3;
  load();
  auto a = send("a");
  run();
  ASSERT_TRUE(a.answer->failed);
  EXPECT_EQ(a.answer->failed->code, errc::context_length_exceeded);
  EXPECT_EQ(a.answer->failed->param, "messages");
  EXPECT_THAT(a.answer->failed->message, HasSubstr("3 tokens"));
  EXPECT_THAT(a.answer->failed->message, HasSubstr("context of 3"));
}

TEST_F(worker_limits_test, refuses_a_chat_that_the_template_refuses) {
  plan->before_encode = [](const chat&) {
    throw bad_chat("roles must alternate");
  };
  load();
  auto a = send("a");
  run();
  ASSERT_TRUE(a.answer->failed);
  EXPECT_EQ(*a.answer->failed,
            (failure{errc::bad_chat, "roles must alternate", "messages", 0}));
  plan->before_encode = nullptr;
  auto b = send("b");
  run();
  EXPECT_EQ(b.got->text(), "1 2 3 4"); // nothing else was harmed
}

TEST_F(worker_limits_test, ends_at_the_most_tokens_of_the_request) {
  load();
  auto what = order("a");
  what.request.max_tokens = 2;
  auto a = send(what);
  run();
  EXPECT_EQ(a.got->text(), "1 2");
  EXPECT_EQ(a.got->finish(), finish_reason::length);
  EXPECT_THAT(a.got->chunks, SizeIs(2)); // told with the last token
}

TEST_F(worker_limits_test, ends_at_the_most_tokens_of_the_model) {
  plan->default_max_tokens = 3;
  load();
  auto a = send("a");
  run();
  EXPECT_EQ(a.got->text(), "1 2 3");
  EXPECT_EQ(a.got->finish(), finish_reason::length);
}

TEST_F(worker_limits_test, ends_at_the_context_length) {
  plan->context_length = 5;
  load();
  auto what = order("a");
  what.request.max_tokens = 100;
  auto a = send(what);
  run();
  EXPECT_EQ(a.got->text(), "1 2");
  EXPECT_EQ(a.got->finish(), finish_reason::length);
}

TEST_F(worker_limits_test, cuts_what_a_step_makes_beyond_the_end) {
  plan->tokens_per_step = 3;
  load();
  auto what = order("a");
  what.request.max_tokens = 2;
  auto a = send(what), b = send("b");
  run();
  EXPECT_EQ(a.got->text(), "1 2");
  EXPECT_EQ(b.got->text(), "1 2 3 4");
  EXPECT_EQ(b.got->finish(), finish_reason::stop);
  EXPECT_THAT(b.got->chunks, SizeIs(2));
}

TEST_F(worker_limits_test, goes_on_from_a_log) {
  load();
  // The texts are tokens 1 to 4.
  auto what = order("a");
  what.log = {1, 2};
  what.resumed = true;
  auto a = send(what);
  run();
  EXPECT_EQ(a.got->chunks.front().first, 3u);
  EXPECT_EQ(a.got->text(), " 3 4");
  EXPECT_EQ(a.got->finish(), finish_reason::stop);
}

TEST_F(worker_limits_test, ends_a_log_that_is_complete_at_once) {
  load();
  auto what = order("a");
  what.request.max_tokens = 2;
  what.log = {1, 2};
  what.resumed = true;
  auto a = send(what);
  run();
  ASSERT_TRUE(a.answer->value);
  ASSERT_THAT(a.got->chunks, SizeIs(1));
  EXPECT_EQ(a.got->chunks[0].first, 3u);
  EXPECT_THAT(a.got->chunks[0].tokens, IsEmpty());
  EXPECT_EQ(a.got->finish(), finish_reason::length);
  EXPECT_THAT(plan->steps, IsEmpty());
}

TEST_F(worker_limits_test, keeps_the_space_of_a_reply_that_continues_a_turn) {
  load();
  auto what = order("a");
  what.request.prompt.conversation.messages.back().role = chat_role::agent;
  auto a = send(what);
  run();
  EXPECT_EQ(a.got->text(), " 1 2 3 4");
}

TEST_F(worker_limits_test, resolves_what_is_in_force) {
  plan->defaults.temperature = 0.5;
  plan->defaults.top_p = 0.9;
  load();
  auto what = order("a");
  what.request.sampling.top_p = 0.3;
  what.request.seed = 99;
  send(what);
  run();
  sampling_params expected;
  expected.end_tokens = {0};
  expected.temperature = 0.5;
  expected.top_p = 0.3;
  expected.seed = 99;
  EXPECT_EQ(plan->sampling.at("a"), expected);
}

} // namespace model_server
