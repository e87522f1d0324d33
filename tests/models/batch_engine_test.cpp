// Tests that a reply's tokens are its own, whatever happens around it.
#include "tests/models/engine_driver.hpp"
#include "tests/models/hashing_net.hpp"
#include "tests/models/net_reference.hpp"
#include "tests/models/weight_forms.hpp"

#include "models/nets/decoder.hpp"
#include "models/nets/families/families.hpp"

#include <filesystem>
#include <string>

namespace fs = std::filesystem;

using namespace model_server;
using namespace model_server::testing;

namespace {

// Prompts that begin alike in different ways, greedy and drawn.
std::vector<engine_case> make_cases(std::mt19937& random, token_id vocabulary,
                                    std::size_t longest) {
  auto draw = [&] {
    return static_cast<token_id>(random() % static_cast<unsigned>(vocabulary));
  };
  std::vector<token_id> common(longest);
  for (auto& token : common)
    token = draw();
  std::vector<engine_case> result;
  for (std::size_t length : {1u, 15u, 16u, 17u, 33u, 48u, 48u, 64u, 64u}) {
    engine_case item;
    item.prompt.assign(common.begin(), common.begin()
                                           + static_cast<std::ptrdiff_t>(
                                               std::min(length, longest)));
    if (result.size() % 2 == 1)
      item.prompt[random() % item.prompt.size()] = draw();
    item.sampling.temperature = result.size() % 3 == 0 ? 0.0 : 1.0;
    item.sampling.repetition_penalty = result.size() % 3 == 2 ? 1.2 : 1.0;
    item.sampling.seed = random();
    result.push_back(item);
  }
  return result;
}

} // namespace

// --- a network that sees wrong blocks ----------------------------------------

namespace {

class hashing_engine_test : public ::testing::Test {
protected:
  hashing_engine_test() {
    batch_engine alone{std::make_unique<hashing_net>(), {.blocks = 100}};
    run_alone(alone, cases, 30);
  }

  std::mt19937 random{1};
  std::vector<engine_case> cases = make_cases(random, 8, 64);
};

} // namespace

TEST_F(hashing_engine_test, replies_are_the_same_in_any_traffic) {
  std::size_t stalls = 0, cached = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    batch_engine engine{std::make_unique<hashing_net>(),
                        {.blocks = 7 + seed % 20}};
    random_traffic traffic{engine, cases, seed};
    ASSERT_NO_FATAL_FAILURE(traffic.run(200)) << seed;
    ASSERT_NO_FATAL_FAILURE(traffic.finish()) << seed;
    stalls += traffic.stalls;
    cached += traffic.cached;
  }
  EXPECT_GT(stalls, 100u);
  EXPECT_GT(cached, 100u);
}

TEST_F(hashing_engine_test, ten_thousand_cancels_leave_nothing_behind) {
  batch_engine engine{std::make_unique<hashing_net>(), {.blocks = 12}};
  random_traffic traffic{engine, cases, 99};
  traffic.cancel_one_in = 2;
  traffic.checks_blocks = false;
  while (traffic.cancels < 10'000) {
    ASSERT_NO_FATAL_FAILURE(traffic.run(100));
    ASSERT_NO_FATAL_FAILURE(traffic.cancel_all());
  }
  ASSERT_NO_FATAL_FAILURE(traffic.cancel_all());
  engine.planner().check_invariants();
  EXPECT_GT(traffic.stalls, 100u);
}

TEST_F(hashing_engine_test, prompts_go_on_though_who_decodes_stands_still) {
  // The older one reads, the younger decodes; there is no room for both.
  batch_engine engine{std::make_unique<hashing_net>(), {.blocks = 6}};
  auto old = begin_sequence(cases[7], 1); // 64 tokens
  auto young = begin_sequence(cases[3], 2);
  sequence* old_alone[] = {old.get()};
  engine.step(old_alone, {.prompt_budget = 20});
  sequence* both[] = {old.get(), young.get()};
  for (int i = 0; i < 200 && old->reply_size() < 20; ++i)
    engine.step(both); // the engine finds its own pace
  EXPECT_EQ(old->reply_size(), 20u);
}

// --- real networks -----------------------------------------------------------

namespace {

struct real_case {
  std::string name;
  fs::path folder;
  weight_form form;
};

std::vector<real_case> real_cases() {
  std::vector<real_case> result;
  auto add = [&](std::string name, const fs::path& folder) {
    std::ranges::replace(name, '-', '_');
    for (auto& [form_name, form] : weight_forms())
      result.push_back({name + "_" + form_name, folder, form});
  };
  for (auto name : llama_names)
    add(name, network_folder(name));
  if (auto data = std::getenv("MODEL_SERVER_TEST_DATA"))
    add("tinystories", fs::path{data} / "models/tinystories-656k/hf");
  return result;
}

class exactness_test : public ::testing::TestWithParam<real_case> {
protected:
  std::unique_ptr<batch_engine> load(std::size_t blocks, int threads) const {
    auto& [_, folder, form] = GetParam();
    auto result = std::make_unique<batch_engine>(
        load_decoder_cpu(read_decoder_spec(folder),
                       std::make_shared<weight_folder>(folder), form),
        engine_options{.blocks = blocks});
    result->use_threads(threads);
    return result;
  }

  static constexpr std::size_t reply_length = 40;
};

INSTANTIATE_TEST_SUITE_P(models, exactness_test,
                         ::testing::ValuesIn(real_cases()),
                         [](auto& of) { return of.param.name; });

} // namespace

TEST_P(exactness_test, tokens_are_the_same_in_any_traffic) {
  std::mt19937 random{11};
  auto cases = make_cases(random, 90, 64);
  run_alone(*load(100, 1), cases, reply_length);
  for (unsigned seed = 0; seed < 8; ++seed) {
    // From hardly more than one sequence needs to more than enough.
    auto engine = load(8 + 4 * (seed / 2), 1 + static_cast<int>(seed % 2));
    random_traffic traffic{*engine, cases, seed};
    ASSERT_NO_FATAL_FAILURE(traffic.run(100)) << seed;
    ASSERT_NO_FATAL_FAILURE(traffic.finish()) << seed;
    EXPECT_GT(traffic.tokens, 0u);
  }
}

TEST_P(exactness_test, tokens_are_the_same_resumed_anywhere) {
  std::mt19937 random{12};
  auto cases = make_cases(random, 90, 64);
  run_alone(*load(100, 1), cases, reply_length);
  auto engine = load(20, 2); // its cache is cold first, then warm
  sequence_id id = 0;
  for (auto& item : cases)
    for (std::size_t seam = 0; seam < reply_length; ++seam) {
      auto state = begin_sequence(item, ++id, seam);
      sequence* batch[] = {state.get()};
      while (state->reply_size() < std::min(seam + 2, reply_length))
        engine->step(batch);
      engine->release(id);
      ASSERT_TRUE(
          std::equal(state->tokens.begin()
                         + static_cast<std::ptrdiff_t>(state->prompt_size),
                     state->tokens.end(), item.expected.begin()))
          << seam;
    }
  EXPECT_EQ(engine->planner().cache().used(), 0u);
}

TEST_P(exactness_test, tokens_are_the_same_at_the_pace_of_the_clock) {
  std::mt19937 random{13};
  auto cases = make_cases(random, 90, 64);
  run_alone(*load(100, 1), cases, reply_length);
  auto engine = load(16, 2);
  std::vector<std::unique_ptr<sequence>> sequences;
  std::vector<sequence*> batch;
  for (auto& item : cases) {
    sequences.push_back(begin_sequence(item, sequences.size() + 1));
    batch.push_back(sequences.back().get());
    engine->step(batch);
  }
  while (std::ranges::any_of(
      batch, [](auto item) { return item->reply_size() < reply_length; })) {
    std::erase_if(batch, [&](auto item) {
      if (item->reply_size() < reply_length)
        return false;
      engine->release(item->id);
      return true;
    });
    engine->step(batch);
  }
  for (std::size_t i = 0; i < cases.size(); ++i)
    EXPECT_TRUE(std::equal(
        cases[i].expected.begin(), cases[i].expected.end(),
        sequences[i]->tokens.begin()
            + static_cast<std::ptrdiff_t>(sequences[i]->prompt_size)))
        << i;
}

// --- through libtorch --------------------------------------------------------

TEST(torch_engine_test, replies_that_do_not_fit_together_are_those_of_alone) {
  net_reference reference{"gqa-tied-bf16"};
  auto folder = network_folder("gqa-tied-bf16");
  auto length = reference.prompt.size() + reference.greedy.size();
  // One fits, two do not.
  auto blocks = length / kv_block_tokens + 2;
  batch_engine engine{load_decoder_torch(read_decoder_spec(folder),
                                       std::make_shared<weight_folder>(folder),
                                       "cpu", number_format::f32),
                      {.blocks = blocks}};
  engine_case item{reference.prompt, {.temperature = 0.0}, reference.greedy};
  auto first = begin_sequence(item, 1), second = begin_sequence(item, 2);
  auto wanted = first->prompt_size + reference.greedy.size();
  sequence* both[] = {first.get(), second.get()};
  auto has_waited = false;
  while (first->tokens.size() < wanted) {
    engine.step(both, {.prompt_budget = 16});
    has_waited |= second->is_waiting;
  }
  EXPECT_TRUE(has_waited);
  engine.release(1);
  sequence* rest[] = {second.get()};
  while (second->tokens.size() < wanted)
    engine.step(rest, {.prompt_budget = 16});
  EXPECT_EQ(first->cached_tokens + second->cached_tokens, 0u);
  for (auto one : {first.get(), second.get()}) {
    one->tokens.resize(wanted);
    EXPECT_TRUE(std::ranges::equal(
        std::span{one->tokens}.subspan(one->prompt_size), reference.greedy));
  }
}
