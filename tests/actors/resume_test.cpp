// Exact resume: a reply that changes its worker after any token has the same
// bytes as one that was left alone.
#include "tests/support/serving_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using namespace std::chrono_literals;

// A reply to interrupt, and what decides its end.
struct resume_case {
  const char* name;
  std::vector<std::string> texts;
  std::vector<std::string> stop;
  std::uint32_t max_tokens = 0;
  std::size_t tokens_per_step = 1;
};

void PrintTo(const resume_case& item, std::ostream* out) {
  *out << item.name;
}

class resume_test : public serving_fixture,
                    public ::testing::WithParamInterface<resume_case> {
protected:
  resume_test() {
    serving.restart_pause_most = serving.restart_pause; // never grows
    serving.restart_limit = 0;
    plan->replies["hello"] = GetParam().texts;
    plan->replies["other"] = numbered_reply(12);
    plan->tokens_per_step = GetParam().tokens_per_step;
    open({{"m", plan}});
    add("m", "cpu");
    add("m", "virtual:0");
  }

  running_reply begin() {
    auto options = asking("m", "hello");
    options.request.seed = 5;
    options.request.stop = GetParam().stop;
    options.request.max_tokens = GetParam().max_tokens;
    options.max_attempts = 3;
    return start(std::move(options));
  }

  // Runs the reply, and calls `interrupt` once, right after token `k`.
  transcript run_with(std::size_t k, std::function<void()> interrupt) {
    auto done = std::make_shared<bool>(false);
    plan->before_token = [=](const std::string& turn, std::size_t number) {
      if (turn == "hello" && number == k + 1 && !std::exchange(*done, true))
        interrupt();
      return "";
    };
    auto reply = begin();
    advance(5s);
    plan->before_token = nullptr;
    EXPECT_TRUE(*done) << "nothing was interrupted at " << k;
    return *reply.client;
  }

  transcript run_alone() {
    auto reply = begin();
    run();
    return *reply.client;
  }

  void expect_same(const transcript& seen, const transcript& expected,
                   std::size_t k) {
    ASSERT_TRUE(expected.end);
    ASSERT_TRUE(seen.end) << "after token " << k << ": "
                          << (seen.failed ? seen.failed->message : "hangs");
    EXPECT_EQ(seen.text, expected.text) << "after token " << k;
    EXPECT_EQ(seen.end->finish, expected.end->finish);
    EXPECT_EQ(seen.end->seed, expected.end->seed);
    EXPECT_EQ(seen.end->prompt_tokens, expected.end->prompt_tokens);
    EXPECT_EQ(seen.end->completion_tokens, expected.end->completion_tokens);
    EXPECT_EQ(seen.broken, "");
  }

  // The tokens that the reply makes before its end.
  std::size_t tokens_made() {
    plan->before_token = [this](const std::string&, std::size_t number) {
      last_number = std::max(last_number, number);
      return "";
    };
    run_alone();
    plan->before_token = nullptr;
    return last_number;
  }

  std::shared_ptr<script> plan = std::make_shared<script>();
  std::size_t last_number = 0;
};

} // namespace

TEST_P(resume_test, its_worker_breaks_after_any_token) {
  auto expected = run_alone();
  for (std::size_t k = 0, count = tokens_made(); k < count; ++k) {
    auto seen = run_with(k, [] { throw std::runtime_error("broken"); });
    expect_same(seen, expected, k);
  }
}

TEST_P(resume_test, its_worker_is_killed_after_any_token) {
  auto expected = run_alone();
  for (std::size_t k = 0, count = tokens_made(); k < count; ++k) {
    // The step goes on and its tokens are still sent: they come before the
    // worker's end.
    auto seen = run_with(k, [this] {
      for (const auto& item : workers)
        kill(item);
    });
    expect_same(seen, expected, k);
  }
}

TEST_P(resume_test, its_device_is_removed_after_any_token) {
  auto expected = run_alone();
  for (std::size_t k = 0, count = tokens_made(); k < count; ++k) {
    auto seen = run_with(k, [this] {
      caf::anon_send(door, remove_device{"m", "cpu"});
      caf::anon_send(door, add_device{"m", "cpu", false});
    });
    expect_same(seen, expected, k);
    EXPECT_EQ(status_of("m").entities.size(), 2u);
  }
}

TEST_P(resume_test, workers_are_lost_as_often_as_allowed) {
  auto expected = run_alone();
  auto lost = 0;
  plan->before_token = [&](const std::string& turn, std::size_t number) {
    // In one step and in the next: twice in the same would be poison.
    auto breaks_at = std::size_t(lost) * GetParam().tokens_per_step + 1;
    if (turn == "hello" && lost < 2 && number == breaks_at) {
      ++lost;
      throw std::runtime_error("broken");
    }
    return "";
  };
  auto reply = begin();
  advance(10s);
  EXPECT_EQ(lost, 2);
  expect_same(*reply.client, expected, 2);
}

TEST_P(resume_test, a_step_that_breaks_twice_is_poison) {
  plan->before_token = [&](const std::string& turn,
                           std::size_t number) -> std::string {
    if (turn == "hello" && number == 2)
      throw std::runtime_error("broken");
    return "";
  };
  auto reply = begin();
  advance(20s);
  ASSERT_TRUE(reply.client->failed);
  EXPECT_EQ(reply.client->failed->code, errc::poison_request);
}

TEST_P(resume_test, others_of_the_batch_are_resumed_too) {
  auto expected = run_alone();
  auto other = start("m", "other");
  auto seen = run_with(1, [] { throw std::runtime_error("broken"); });
  expect_same(seen, expected, 1);
  EXPECT_EQ(other.client->text, joined(numbered_reply(12)));
}

INSTANTIATE_TEST_SUITE_P(
    cases, resume_test,
    ::testing::Values(
        resume_case{"plain", numbered_reply(8), {}, 0, 1},
        resume_case{"length", numbered_reply(8), {}, 5, 1},
        resume_case{"stop", {"a", " b", "ST", "OP", " c"}, {"STOP"}, 0, 1},
        resume_case{
            "almost_stop", {"a", "ST", "O", "ST", "OPP", "d"}, {"OPPO"}, 0, 1},
        resume_case{"utf8",
                    {"\xC3", "\xA4", "x\xF0", "\x9F", "\x98", "\x80y", "\xE2"},
                    {},
                    0,
                    1},
        resume_case{
            "utf8_stop", {"\xC3", "\xA4\xC3", "\xB6", "z"}, {"\xC3\xB6"}, 0, 1},
        resume_case{"many_a_step", numbered_reply(10), {}, 0, 3}),
    [](const auto& tested) { return std::string{tested.param.name}; });

} // namespace model_server
