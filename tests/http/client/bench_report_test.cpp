// The figures of a benchmark.
#include "http/client/bench_report.hpp"

#include "http/client/bench_prompt.hpp"

#include <gmock/gmock.h>

#include <numeric>
#include <random>

namespace model_server {
namespace {

using ::testing::HasSubstr;

TEST(percentile_test, is_the_nearest_rank) {
  std::vector<float> values(100);
  std::iota(values.begin(), values.end(), 1.F);
  std::shuffle(values.begin(), values.end(), std::mt19937{7});
  EXPECT_EQ(percentile(values, 0.5), 50.F);
  EXPECT_EQ(percentile(values, 0.95), 95.F);
  EXPECT_EQ(percentile(values, 1), 100.F);
  EXPECT_EQ(percentile(values, 0.001), 1.F);
  std::vector<float> three{3, 1, 2};
  EXPECT_EQ(percentile(three, 0.5), 2.F);
  EXPECT_EQ(percentile(three, 0.95), 3.F);
  std::vector<float> none;
  EXPECT_EQ(percentile(none, 0.5), 0.F);
}

bench_samples some_samples() {
  bench_samples samples;
  samples.first_token = {0.25F, 0.5F};
  samples.between_tokens = {0.0625F, 0.125F, 0.125F};
  samples.whole_reply = {1.F, 2.F};
  samples.prompt_tokens = 21;
  samples.cached_tokens = 4;
  samples.completion_tokens = 10;
  samples.seconds = 2;
  samples.errors = {{"queue_full", 3}};
  return samples;
}

TEST(bench_report_test, tells_people) {
  auto text = bench_text({"tiny", "http://h", 2, 5}, some_samples());
  EXPECT_EQ(text,
            "tiny at http://h: 5 requests, 2 at a time\n"
            "  tokens/s              5.0 (10 tokens in 2.00 s)\n"
            "  replies/s             1.00\n"
            "  time to first token   p50    250.00 ms   p95    500.00 ms\n"
            "  between tokens        p50    125.00 ms   p95    125.00 ms\n"
            "  whole reply           p50   1000.00 ms   p95   2000.00 ms\n"
            "  prompt, on average    10.5 tokens, 2.0 of them from the cache\n"
            "  reply, on average     5.0 tokens\n"
            "  errors                3\n"
            "    3 x queue_full\n");
}

TEST(bench_report_test, tells_programs) {
  auto json = bench_json({"tiny", "http://h", 2, 5}, some_samples());
  for (auto part :
       {"\"tokens_per_second\": 5.0", "\"replies\": 2", "\"failures\": 3",
        "\"queue_full\": 3", "\"p95\": 0.5", "\"requests\": 5"})
    EXPECT_THAT(json, HasSubstr(part));
}

TEST(bench_report_test, divides_by_nothing_when_nothing_came) {
  EXPECT_THAT(bench_text({"m", "u", 1, 1}, {}), HasSubstr("0.0 (0 tokens"));
}

TEST(bench_prompt_test, finds_the_number_of_words) {
  EXPECT_EQ(words_for(128, 10, 64, 10 + 63), 119U); // a token each, ten around
  EXPECT_EQ(words_for(128, 12, 64, 12 + 126), 59U); // two each
  EXPECT_EQ(words_for(5, 10, 64, 73), 1U);
  EXPECT_EQ(words_for(128, 10, 64, 10), 1U); // all words are one token
}

TEST(bench_prompt_test, says_something_else_each_time) {
  bench_prompts prompts{1};
  std::vector<std::string> seen;
  for (int i = 0; i < 5; ++i)
    seen.push_back(prompts.next() + prompts.next() + prompts.next());
  std::ranges::sort(seen);
  EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
}

} // namespace
} // namespace model_server
