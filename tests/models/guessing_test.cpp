// Tests that guesses change the time of a reply and nothing else.
#include "tests/models/engine_driver.hpp"
#include "tests/models/hashing_net.hpp"
#include "tests/models/net_reference.hpp"
#include "tests/models/reciting_net.hpp"
#include "tests/models/weight_forms.hpp"

#include "models/nets/decoder.hpp"
#include "models/nets/families/families.hpp"

#include <string>

using namespace model_server;
using namespace model_server::testing;

namespace {

// Prompts that repeat themselves, some of which begin alike, with everything
// that a draw may depend on.
std::vector<engine_case> make_cases(std::mt19937& random, token_id vocabulary) {
  auto draw = [&] {
    return static_cast<token_id>(random() % static_cast<unsigned>(vocabulary));
  };
  std::vector<engine_case> result;
  std::vector<token_id> common;
  for (std::size_t i = 0; i < 12; ++i) {
    engine_case item;
    if (i % 3 != 1)
      item.prompt = common;
    auto period = 1 + random() % 12;
    for (std::size_t k = item.prompt.size(), size = 20 + random() % 40;
         k < size; ++k)
      item.prompt.push_back(k < period ? draw() : item.prompt[k - period]);
    common = item.prompt;
    auto& how = item.sampling;
    how.temperature = std::array{0.0, 0.3, 1.0}[i % 3];
    how.seed = random();
    how.repetition_penalty = i % 4 == 1 ? 1.3 : 1.0;
    how.frequency_penalty = i % 4 == 2 ? 0.5 : 0.0;
    how.presence_penalty = i % 4 == 3 ? 0.5 : 0.0;
    how.top_k = i % 5 == 4 ? 3 : 0;
    how.logit_bias = {{draw(), 2.0}};
    how.end_tokens = {draw()};
    how.stop_tokens = {draw()};
    how.min_tokens = static_cast<std::uint32_t>(random() % 40);
    how.ignore_eos = i % 6 == 5;
    if (i % 2 == 0)
      how.top_logprobs = static_cast<std::uint32_t>(random() % 4);
    result.push_back(item);
  }
  return result;
}

engine_options guessing(std::size_t blocks) {
  return {.blocks = blocks, .context_length = 1000, .speculates = true};
}

void expect_case(const sequence& item, const engine_case& expected) {
  EXPECT_TRUE(std::ranges::equal(
      std::span{item.tokens}.subspan(item.prompt_size), expected.expected));
  EXPECT_EQ(item.logprobs, expected.logprobs);
}

} // namespace

// --- a network that sees wrong blocks ----------------------------------------

TEST(guessing_test, tokens_and_logprobs_are_the_same_in_any_traffic) {
  std::size_t stalls = 0, cached = 0;
  std::uint64_t right = 0, wrong = 0;
  for (unsigned seed = 0; seed < 80; ++seed) {
    std::mt19937 random{seed};
    auto cases = make_cases(random, 8);
    batch_engine alone{std::make_unique<hashing_net>(), {.blocks = 100}};
    run_alone(alone, cases, 60);
    batch_engine engine{std::make_unique<hashing_net>(),
                        guessing(8 + seed % 20)};
    random_traffic traffic{engine, cases, seed};
    traffic.most_guesses = 1 + seed % 20;
    ASSERT_NO_FATAL_FAILURE(traffic.run(200)) << seed;
    ASSERT_NO_FATAL_FAILURE(traffic.finish()) << seed;
    stalls += traffic.stalls;
    cached += traffic.cached;
    right += engine.guesses_right();
    wrong += engine.guesses_read() - engine.guesses_right();
  }
  EXPECT_GT(stalls, 100u);
  EXPECT_GT(cached, 100u);
  EXPECT_GT(right, 500u);
  EXPECT_GT(wrong, 1000u);
}

TEST(guessing_test, cancels_leave_nothing_behind) {
  std::mt19937 random{7};
  auto cases = make_cases(random, 8);
  batch_engine alone{std::make_unique<hashing_net>(), {.blocks = 100}};
  run_alone(alone, cases, 60);
  batch_engine engine{std::make_unique<hashing_net>(), guessing(12)};
  random_traffic traffic{engine, cases, 9};
  traffic.most_guesses = 6;
  traffic.cancel_one_in = 2;
  traffic.checks_blocks = false;
  while (traffic.cancels < 3000)
    ASSERT_NO_FATAL_FAILURE(traffic.run(100));
  ASSERT_NO_FATAL_FAILURE(traffic.cancel_all());
  engine.planner().check_invariants();
}

// --- real networks -----------------------------------------------------------

namespace {

class guessing_net_test
    : public ::testing::TestWithParam<std::tuple<std::string, named_form>> {
protected:
  guessing_net_test() {
    batch_engine alone{load(), {.blocks = 100}};
    run_alone(alone, cases, 40);
  }

  static std::unique_ptr<causal_net> load() {
    auto folder = network_folder(std::get<0>(GetParam()));
    return load_decoder_cpu(read_decoder_spec(folder),
                          std::make_shared<weight_folder>(folder),
                          std::get<1>(GetParam()).form);
  }

  std::mt19937 random{21};
  std::vector<engine_case> cases = make_cases(random, 90);
};

INSTANTIATE_TEST_SUITE_P(
    models, guessing_net_test,
    ::testing::Combine(::testing::ValuesIn(std::vector<std::string>(
                           std::begin(llama_names), std::end(llama_names))),
                       ::testing::ValuesIn(weight_forms())),
    [](auto& of) {
      std::string name = std::get<0>(of.param);
      std::ranges::replace(name, '-', '_');
      return name + "_" + std::get<1>(of.param).name;
    });

} // namespace

TEST_P(guessing_net_test, tokens_and_logprobs_are_the_same_in_any_traffic) {
  std::uint64_t right = 0;
  for (unsigned seed = 0; seed < 8; ++seed) {
    batch_engine engine{load(), guessing(8 + 4 * (seed / 2))};
    engine.use_threads(1 + static_cast<int>(seed % 2));
    random_traffic traffic{engine, cases, seed};
    traffic.most_guesses = 1 + 2 * seed;
    ASSERT_NO_FATAL_FAILURE(traffic.run(100)) << seed;
    ASSERT_NO_FATAL_FAILURE(traffic.finish()) << seed;
    right += engine.guesses_right();
  }
  EXPECT_GT(right, 0u);
}

TEST_P(guessing_net_test, tokens_are_the_same_at_the_pace_of_the_clock) {
  batch_engine engine{load(), guessing(20)};
  std::vector<std::unique_ptr<sequence>> all;
  std::vector<sequence*> batch;
  auto leave = [&](sequence* item) {
    if (item->reply_size() < item->max_tokens)
      return false;
    engine.release(item->id);
    return true;
  };
  for (auto& item : cases) {
    all.push_back(begin_sequence(item, all.size() + 1));
    batch.push_back(all.back().get());
    for (int i = 0; i < 5; ++i) {
      engine.step(batch);
      engine.planner().check_invariants();
      std::erase_if(batch, leave);
    }
  }
  while (!batch.empty()) {
    engine.step(batch);
    std::erase_if(batch, leave);
  }
  for (std::size_t i = 0; i < cases.size(); ++i)
    expect_case(*all[i], cases[i]);
}

// --- ends, failures ----------------------------------------------------------

TEST(guessing_test, nothing_follows_an_end_within_a_step) {
  batch_engine engine{std::make_unique<reciting_net>(), guessing(20)};
  engine_case from{reciting_net::text(40), {.temperature = 0.0}, {}};
  from.sampling.end_tokens = {5};
  auto item = begin_sequence(from, 1);
  sequence* batch[] = {item.get()};
  while (item->tokens.back() != 5 && item->tokens.size() < 60)
    engine.step(batch, {.guesses = 15});
  EXPECT_EQ(item->tokens.back(), 5);
  EXPECT_EQ(
      std::ranges::count(item->tokens.begin() + 40, item->tokens.end(), 5), 1);
  EXPECT_GT(engine.guesses_right(), 0u);
  // Who goes on all the same gets what comes.
  while (item->tokens.size() < 100)
    engine.step(batch, {.guesses = 15});
  item->tokens.resize(100);
  EXPECT_EQ(item->tokens, reciting_net::text(100));
}

TEST(guessing_test, a_failure_comes_after_the_tokens_before_it) {
  auto net = std::make_unique<reciting_net>();
  net->has_nan_at = 57;
  batch_engine engine{std::move(net), guessing(20)};
  engine_case from{reciting_net::text(40), {.temperature = 0.0}, {}};
  auto item = begin_sequence(from, 1);
  sequence* batch[] = {item.get()};
  std::size_t before = 0;
  while (item->failure.empty()) {
    before = item->tokens.size();
    engine.step(batch, {.guesses = 6});
    engine.planner().check_invariants();
  }
  // As without guesses: a step of its own, which makes nothing.
  EXPECT_EQ(before, 58u);
  EXPECT_EQ(item->tokens, reciting_net::text(58));
  EXPECT_NE(item->failure.find("token 19 "), std::string::npos);
  EXPECT_GT(engine.guesses_right(), 0u);
}

TEST(guessing_test, a_wrong_guess_that_overflows_harms_nobody) {
  // Behind 8, 9 the prompt has what the network cannot bear to read; nobody
  // does, for it was read elsewhere.
  auto net = std::make_unique<reciting_net>();
  net->overflows_at = 99;
  net->overflows_from = 40;
  batch_engine engine{std::move(net), guessing(20)};
  engine_case from{reciting_net::text(40), {.temperature = 0.0}, {}};
  from.prompt[20] = from.prompt[30] = 99;
  auto item = begin_sequence(from, 1);
  sequence* batch[] = {item.get()};
  while (item->tokens.size() < 80) {
    engine.step(batch, {.guesses = 3});
    engine.planner().check_invariants();
  }
  EXPECT_EQ(item->failure, "");
  EXPECT_GT(engine.guesses_read(), engine.guesses_right());
  auto expected = reciting_net::text(80);
  expected[20] = expected[30] = 99;
  item->tokens.resize(80);
  EXPECT_EQ(item->tokens, expected);
}

// --- when it pays ------------------------------------------------------------

TEST(guessing_test, saves_passes_where_rows_are_cheap) {
  auto owned = std::make_unique<reciting_net>();
  auto net = owned.get();
  net->pass_time = std::chrono::microseconds{200};
  batch_engine engine{std::move(owned), guessing(100)};
  engine_case from{reciting_net::text(100), {.temperature = 0.0}, {}};
  auto item = begin_sequence(from, 1);
  sequence* batch[] = {item.get()};
  while (item->reply_size() < 400)
    engine.step(batch);
  EXPECT_LT(net->passes, 300u);
  item->tokens.resize(500);
  EXPECT_EQ(item->tokens, reciting_net::text(500));
}

TEST(guessing_test, is_left_alone_where_rows_are_not_exact) {
  auto net = std::make_unique<reciting_net>();
  net->exact = false;
  batch_engine engine{std::move(net), guessing(100)};
  engine_case from{reciting_net::text(100), {.temperature = 0.0}, {}};
  auto item = begin_sequence(from, 1);
  sequence* batch[] = {item.get()};
  while (item->reply_size() < 50)
    engine.step(batch, {.guesses = 5});
  EXPECT_EQ(engine.guesses_read(), 0u);
}
