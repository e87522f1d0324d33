// Limits of a key, with a clock that the test moves.
#include "http/guarded_answer.hpp"
#include "http/key_usage.hpp"
#include "http/metered_writer.hpp"
#include "http/rate_bucket.hpp"

#include "recording_answer.hpp"
#include "tests/support/recording_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace model_server {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;

const rate_bucket::time_point start{};

// -- rate_bucket --------------------------------------------------------------

TEST(rate_bucket_test, begins_full_and_fills_at_an_even_pace) {
  rate_bucket bucket{60, start};
  EXPECT_EQ(bucket.left(start), 60u);
  bucket.take(60, start);
  EXPECT_EQ(bucket.left(start), 0u);
  EXPECT_EQ(bucket.wait(start), 1000ms);
  EXPECT_EQ(bucket.reset(start), 60s);
  EXPECT_EQ(bucket.left(start + 999ms), 0u);
  EXPECT_EQ(bucket.left(start + 1s), 1u);
  EXPECT_EQ(bucket.wait(start + 1s), 0ms);
  EXPECT_EQ(bucket.left(start + 24h), 60u);
}

TEST(rate_bucket_test, makes_up_for_what_was_taken_beyond) {
  rate_bucket bucket{600, start};
  bucket.take(1200, start);
  EXPECT_EQ(bucket.left(start), 0u);
  EXPECT_EQ(bucket.wait(start), 60'100ms);
  EXPECT_EQ(bucket.wait(start + 60'100ms), 0ms);
}

TEST(rate_bucket_test, has_no_end_without_a_limit) {
  rate_bucket bucket{0, start};
  bucket.take(1'000'000, start);
  EXPECT_EQ(bucket.wait(start), 0ms);
  EXPECT_EQ(bucket.reset(start), 0ms);
}

TEST(rate_bucket_test, gives_nothing_for_time_that_comes_twice) {
  rate_bucket bucket{60, start};
  bucket.take(60, start + 10s);
  bucket.take(0, start + 5s); // another thread's look at the clock
  EXPECT_EQ(bucket.left(start + 11s), 1u);
}

TEST(rate_bucket_test, waits_exactly_until_there_is_one) {
  for (std::uint64_t limit : {1u, 7u, 59u, 61u, 599u, 1'000'000u})
    for (std::uint64_t taken : {limit, limit + 1, 3 * limit}) {
      rate_bucket bucket{limit, start};
      bucket.take(taken, start);
      auto wait = bucket.wait(start);
      EXPECT_GT(wait, 0ms);
      EXPECT_EQ(bucket.wait(start + wait), 0ms) << limit << " " << taken;
      EXPECT_GT(bucket.wait(start + wait - 1ms), 0ms) << limit << " " << taken;
    }
}

// -- key_usage ----------------------------------------------------------------

TEST(key_usage_test, counts_requests) {
  key_usage usage{"alice", {2, 0, 0}, start};
  EXPECT_FALSE(usage.begin_request(start));
  EXPECT_FALSE(usage.begin_request(start));
  auto refusal = usage.begin_request(start);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 429u);
  EXPECT_EQ(refusal->code, "rate_limit_exceeded");
  EXPECT_EQ(refusal->message,
            "the key alice may make 2 requests a minute; try again in 30 s");
  EXPECT_EQ(refusal->retry_after, 30u);
  EXPECT_FALSE(usage.begin_request(start + 30s));
  EXPECT_TRUE(usage.begin_request(start + 30s));
}

TEST(key_usage_test, refuses_a_key_that_has_no_tokens_left) {
  key_usage usage{"alice", {0, 600, 0}, start};
  EXPECT_FALSE(usage.begin_request(start));
  usage.charge(599, start);
  EXPECT_FALSE(usage.begin_request(start)); // one is left
  usage.charge(101, start);
  auto refusal = usage.begin_request(start);
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->message, HasSubstr("600 tokens a minute"));
  EXPECT_EQ(refusal->retry_after, 11u); // 100 beyond, and the next one
  EXPECT_FALSE(usage.begin_request(start + 11s));
}

TEST(key_usage_test, counts_requests_in_progress) {
  key_usage usage{"alice", {0, 0, 2}, start};
  EXPECT_FALSE(usage.begin_request(start));
  EXPECT_FALSE(usage.begin_request(start));
  auto refusal = usage.begin_request(start);
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->message,
              HasSubstr("as many requests in progress as it may: 2"));
  EXPECT_EQ(refusal->retry_after, 1u);
  usage.end_request();
  EXPECT_FALSE(usage.begin_request(start));
}

TEST(key_usage_test, a_refused_request_uses_nothing_up) {
  key_usage usage{"alice", {10, 0, 1}, start};
  EXPECT_FALSE(usage.begin_request(start));
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(usage.begin_request(start));
  usage.end_request();
  EXPECT_FALSE(usage.begin_request(start));
}

TEST(key_usage_test, tells_what_is_left_as_clients_read_it) {
  key_usage usage{"alice", {60, 120'000, 8}, start};
  usage.begin_request(start);
  usage.charge(12'000, start);
  EXPECT_THAT(usage.headers(start),
              ElementsAre(Pair("x-ratelimit-limit-requests", "60"),
                          Pair("x-ratelimit-remaining-requests", "59"),
                          Pair("x-ratelimit-reset-requests", "1s"),
                          Pair("x-ratelimit-limit-tokens", "120000"),
                          Pair("x-ratelimit-remaining-tokens", "108000"),
                          Pair("x-ratelimit-reset-tokens", "6s")));
  EXPECT_THAT(key_usage("bob", {0, 0, 0}, start).headers(start), IsEmpty());
}

TEST(key_usage_test, writes_times_as_openai_does) {
  EXPECT_EQ(reset_text(0ms), "0ms");
  EXPECT_EQ(reset_text(120ms), "120ms");
  EXPECT_EQ(reset_text(1s), "1s");
  EXPECT_EQ(reset_text(1001ms), "2s");
  EXPECT_EQ(reset_text(6min), "6m0s");
  EXPECT_EQ(reset_text(1h + 2min + 3s), "1h2m3s");
}

TEST(key_usage_test, new_limits_begin_anew_and_old_ones_go_on) {
  key_usage usage{"alice", {1, 0, 0}, start};
  EXPECT_FALSE(usage.begin_request(start));
  usage.set_limits({1, 1000, 0}, start);
  EXPECT_TRUE(usage.begin_request(start));
  usage.set_limits({2, 1000, 0}, start);
  EXPECT_FALSE(usage.begin_request(start));
}

// -- metered_writer -----------------------------------------------------------

admitted prompt_of(std::uint32_t tokens) {
  admitted result;
  result.prompt_tokens = tokens;
  return result;
}

struct metered_writer_test : testing::Test {
  std::unique_ptr<metered_writer> writer(bool counts_prompt = true) {
    return std::make_unique<metered_writer>(
        std::make_unique<recording_writer>(client), usage, counts_prompt);
  }

  std::string left() const {
    auto headers = usage->headers(now);
    return headers.at(1).second;
  }

  // The writer looks at the clock by itself; the bucket takes days to fill.
  rate_bucket::time_point now = std::chrono::steady_clock::now() + 1h;
  std::shared_ptr<key_usage> usage =
      std::make_shared<key_usage>("alice", key_limits{0, 1'000'000, 0}, now);
  std::shared_ptr<transcript> client = std::make_shared<transcript>();
};

TEST_F(metered_writer_test, charges_prompt_and_reply_as_they_come) {
  auto to = writer();
  to->begin(prompt_of(100));
  EXPECT_EQ(left(), "999900");
  to->text("a", 1, {});
  to->text("bc", 5, {});
  EXPECT_EQ(left(), "999895");
  reply_summary summary;
  summary.completion_tokens = 7;
  to->end(summary);
  EXPECT_EQ(left(), "999893");
  EXPECT_EQ(client->text, "abc");
  EXPECT_TRUE(client->end);
}

TEST_F(metered_writer_test, charges_a_client_that_leaves_for_what_was_made) {
  auto to = writer();
  to->begin(prompt_of(10));
  to->text("a", 3, {});
  to.reset();
  EXPECT_EQ(left(), "999987");
}

TEST_F(metered_writer_test, charges_a_prompt_once) {
  auto to = writer(false);
  to->begin(prompt_of(100));
  to->text("a", 2, {});
  EXPECT_EQ(left(), "999998");
}

// -- guarded_answer -----------------------------------------------------------

struct guarded_answer_test : testing::Test {
  std::unique_ptr<http_answer> answer() {
    usage->begin_request(std::chrono::steady_clock::now());
    return std::make_unique<guarded_answer>(
        std::make_unique<recording_answer>(record), http_headers{{"vary", "x"}},
        usage, true);
  }

  bool has_place() {
    auto is_refused = usage->begin_request(std::chrono::steady_clock::now());
    if (!is_refused)
      usage->end_request();
    return !is_refused;
  }

  recorded_answer record;
  std::shared_ptr<key_usage> usage = std::make_shared<key_usage>(
      "alice", key_limits{600, 0, 1}, std::chrono::steady_clock::now());
};

TEST_F(guarded_answer_test, adds_its_headers_to_both_kinds) {
  auto whole = answer();
  http_response response;
  response.headers.emplace_back("a", "b");
  whole->send(response);
  EXPECT_THAT(record.response.headers, Contains(Pair("a", "b")));
  EXPECT_THAT(record.response.headers, Contains(Pair("vary", "x")));
  EXPECT_THAT(record.response.headers,
              Contains(Pair("x-ratelimit-limit-requests", "600")));
  auto stream = answer();
  stream->begin({});
  EXPECT_THAT(record.response.headers,
              Contains(Key("x-ratelimit-remaining-requests")));
  EXPECT_THAT(record.response.headers,
              Not(Contains(Key("x-ratelimit-limit-tokens"))));
}

TEST_F(guarded_answer_test, counts_out_once_whichever_way_it_ends) {
  auto whole = answer();
  EXPECT_FALSE(has_place());
  whole->send({});
  EXPECT_TRUE(has_place());
  auto stream = answer();
  stream->begin({});
  stream->write("x", 0);
  EXPECT_FALSE(has_place());
  stream->end("");
  EXPECT_TRUE(has_place());
  auto dropped = answer();
  EXPECT_FALSE(has_place());
  dropped.reset();
  EXPECT_TRUE(has_place());
  whole.reset();
  stream.reset();
  auto last = answer();
  EXPECT_FALSE(has_place());
}

} // namespace
} // namespace model_server
