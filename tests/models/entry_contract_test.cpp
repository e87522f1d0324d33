// What every entry of the catalog must keep to: the contract of entry.hpp.
#include "models/model_catalog.hpp"

#include "tests/models/contract_cases.hpp"
#include "tests/models/entry_driver.hpp"
#include "tests/models/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <memory>
#include <set>

namespace model_server {

namespace {

using testing::ask;
using testing::contract_case;
using testing::contract_cases;
using testing::driven_reply;
using testing::error_of;
using ::testing::HasSubstr;
using testing::run_alone;
using testing::step;

using tokens = std::vector<token_id>;

namespace fs = std::filesystem;

// Longest reply that is looked at; a trained model may go on for long.
constexpr std::size_t most_tokens = 24;

class entry_contract_test : public ::testing::TestWithParam<contract_case> {
protected:
  void SetUp() override {
    const auto& file = GetParam().needed_file;
    if (!file.empty() && !fs::exists(file))
      GTEST_SKIP() << "there is no " << file;
    spec = {GetParam().params(folder.path()), "cpu"};
    entry = make();
  }

  std::unique_ptr<model_entry> make() const {
    auto result = make_entry(GetParam().entry, spec);
    result->use_threads(1);
    return result;
  }

  // The tokens of a reply that nothing else runs beside.
  tokens alone(const chat& conversation, const sampling_params& sampling,
               const tokens& begun = {}) {
    driven_reply reply{*entry, next_id++, conversation, sampling, begun};
    auto result = run_alone(*entry, reply, most_tokens);
    EXPECT_EQ(reply.state.failure, "");
    return result;
  }

  std::unique_ptr<driven_reply> open(const chat& conversation,
                                     const sampling_params& sampling) {
    return std::make_unique<driven_reply>(*entry, next_id++, conversation,
                                          sampling);
  }

  testing::temporary_folder folder;
  entry_spec spec;
  std::unique_ptr<model_entry> entry;
  sequence_id next_id = 1;
};

// Chats of unlike lengths, one in several turns.
const std::vector<chat>& chats() {
  static const std::vector<chat> result{
      ask("Hello!"),
      ask("How do I add a device, and what does activate do when there is "
          "one?"),
      {{{chat_role::user, "Hi"},
        {chat_role::agent, "Hello. What can I do for you?"},
        {chat_role::user, "What is a batch?"}}},
      ask("Größe, 日本, 🙂"),
  };
  return result;
}

sampling_params greedy() {
  sampling_params result;
  result.temperature = 0;
  result.seed = 11;
  return result;
}

sampling_params drawn(std::uint64_t seed) {
  sampling_params result;
  result.temperature = 1;
  result.seed = seed;
  return result;
}

// Both ways to choose tokens, for each chat another seed.
std::vector<sampling_params> both_ways(std::uint64_t seed) {
  return {greedy(), drawn(seed)};
}

tokens first_of(const driven_reply& reply) {
  auto result = reply.tokens();
  result.resize(std::min(result.size(), most_tokens));
  return result;
}

bool is_done(const driven_reply& reply) {
  return reply.has_ended() || reply.state.reply_size() >= most_tokens;
}

TEST_P(entry_contract_test, states_sane_facts) {
  auto info = entry->info();
  EXPECT_GE(info.context_length, 16u);
  std::set<token_id> ends{info.end_tokens.begin(), info.end_tokens.end()};
  EXPECT_EQ(ends.size(), info.end_tokens.size());
  for (auto end : ends)
    EXPECT_GE(end, 0);
  auto again = entry->info();
  EXPECT_EQ(again.context_length, info.context_length);
  EXPECT_EQ(again.end_tokens, info.end_tokens);
  EXPECT_EQ(again.defaults, info.defaults);
  EXPECT_EQ(again.default_max_tokens, info.default_max_tokens);
}

TEST_P(entry_contract_test, encodes_plain_chats) {
  for (const auto& conversation : chats()) {
    auto prompt = entry->encode(conversation);
    EXPECT_FALSE(prompt.empty());
    EXPECT_LT(prompt.size(), entry->info().context_length);
    for (auto token : prompt)
      EXPECT_GE(token, 0);
    EXPECT_EQ(entry->encode(conversation), prompt);
  }
}

TEST_P(entry_contract_test, decodes_whatever_it_is_given) {
  auto known = entry->encode(chats()[1]);
  for (auto token : known)
    EXPECT_EQ(entry->decode(token, false), entry->decode(token, false));
  for (token_id token :
       {0, 1, -1, 255, 65'536, 0x110001, std::numeric_limits<token_id>::max(),
        std::numeric_limits<token_id>::min()})
    EXPECT_NO_THROW(entry->decode(token, true)) << token;
}

TEST_P(entry_contract_test, makes_tokens_until_an_end) {
  for (const auto& conversation : chats()) {
    auto reply = open(conversation, greedy());
    std::size_t steps = 0;
    while (!is_done(*reply)) {
      auto before = reply->state.tokens;
      step(*entry, {reply.get()});
      // It appends; what was there stays.
      ASSERT_GE(reply->state.tokens.size(), before.size());
      ASSERT_TRUE(std::equal(before.begin(), before.end(),
                             reply->state.tokens.begin()));
      ASSERT_EQ(reply->state.failure, "");
      ASSERT_LT(++steps, 10'000u) << "no token in so many steps";
    }
    for (auto token : reply->tokens())
      EXPECT_GE(token, 0);
    entry->release(reply->state.id);
  }
}

TEST_P(entry_contract_test, says_the_same_again) {
  for (std::size_t i = 0; i < chats().size(); ++i)
    for (const auto& sampling : both_ways(i)) {
      auto first = alone(chats()[i], sampling);
      EXPECT_EQ(alone(chats()[i], sampling), first);
      auto other = make();
      driven_reply reply{*other, 1, chats()[i], sampling};
      EXPECT_EQ(run_alone(*other, reply, most_tokens), first);
    }
}

TEST_P(entry_contract_test, company_changes_nothing) {
  for (auto way : {0, 1}) {
    std::vector<tokens> expected;
    std::vector<std::unique_ptr<driven_reply>> replies;
    std::vector<driven_reply*> batch;
    for (std::size_t i = 0; i < chats().size(); ++i) {
      auto sampling = both_ways(i)[static_cast<std::size_t>(way)];
      expected.push_back(alone(chats()[i], sampling));
      batch.push_back(replies.emplace_back(open(chats()[i], sampling)).get());
    }
    while (!batch.empty()) {
      step(*entry, batch);
      std::erase_if(batch, [](auto* reply) { return is_done(*reply); });
    }
    for (std::size_t i = 0; i < replies.size(); ++i) {
      EXPECT_EQ(first_of(*replies[i]), expected[i]) << "chat " << i;
      entry->release(replies[i]->state.id);
    }
  }
}

TEST_P(entry_contract_test, replies_join_and_leave_between_steps) {
  std::vector<tokens> expected;
  for (std::size_t i = 0; i < chats().size(); ++i)
    expected.push_back(alone(chats()[i], drawn(i)));
  // Two of each chat; one joins every second step, in front of the others.
  // Every third leaves after three steps.
  struct guest {
    std::unique_ptr<driven_reply> reply;
    std::size_t chat = 0;
    int steps = 0;
    bool leaves_early = false;
  };
  std::vector<guest> present;
  std::size_t arrived = 0;
  std::size_t finished = 0;
  for (int now = 0; arrived < 2 * chats().size() || !present.empty(); ++now) {
    if (now % 2 == 0 && arrived < 2 * chats().size()) {
      auto which = arrived % chats().size();
      present.insert(present.begin(), {open(chats()[which], drawn(which)),
                                       which, 0, arrived % 3 == 2});
      ++arrived;
    }
    std::vector<driven_reply*> batch;
    for (auto& guest : present)
      batch.push_back(guest.reply.get());
    step(*entry, batch);
    std::erase_if(present, [&](guest& guest) {
      auto is_finished = is_done(*guest.reply);
      if (!is_finished && !(guest.leaves_early && ++guest.steps == 3))
        return false;
      if (is_finished) {
        ++finished;
        EXPECT_EQ(first_of(*guest.reply), expected[guest.chat]);
      }
      entry->release(guest.reply->state.id);
      return true;
    });
  }
  EXPECT_GE(finished, chats().size());
}

TEST_P(entry_contract_test, resumes_after_every_token) {
  for (const auto& sampling : both_ways(5)) {
    const auto& conversation = chats()[2];
    auto whole = alone(conversation, sampling);
    for (std::size_t k = 0; k <= whole.size(); ++k) {
      tokens begun{whole.begin(),
                   whole.begin() + static_cast<std::ptrdiff_t>(k)};
      EXPECT_EQ(alone(conversation, sampling, begun), whole)
          << "after " << k << " tokens";
    }
  }
}

TEST_P(entry_contract_test, a_whole_reply_resumed_ends_at_once) {
  auto reply = open(chats()[0], greedy());
  while (!is_done(*reply))
    step(*entry, {reply.get()});
  entry->release(reply->state.id);
  if (!reply->has_ended())
    GTEST_SKIP() << "the reply is longer than " << most_tokens << " tokens";
  driven_reply rest{*entry, next_id++, chats()[0], greedy(), reply->tokens()};
  while (rest.state.reply_size() == reply->tokens().size())
    step(*entry, {&rest});
  EXPECT_TRUE(rest.has_ended());
  EXPECT_EQ(rest.tokens(), reply->tokens());
  entry->release(rest.state.id);
}

TEST_P(entry_contract_test, goes_on_after_a_release) {
  for (const auto& sampling : both_ways(6)) {
    auto whole = alone(chats()[1], sampling);
    auto reply = open(chats()[1], sampling);
    for (int i = 0; i < 1000 && !is_done(*reply); ++i) {
      auto before = reply->state.tokens.size();
      step(*entry, {reply.get()});
      if (reply->state.tokens.size() != before)
        entry->release(reply->state.id);
    }
    entry->release(reply->state.id);
    EXPECT_EQ(first_of(*reply), whole);
  }
}

TEST_P(entry_contract_test, ignores_unknown_ids) {
  EXPECT_NO_THROW(entry->release(123'456));
}

TEST_P(entry_contract_test, the_number_of_threads_changes_nothing) {
  auto one = alone(chats()[1], drawn(7));
  entry->use_threads(2);
  EXPECT_EQ(alone(chats()[1], drawn(7)), one);
}

TEST_P(entry_contract_test, names_a_parameter_that_it_does_not_take) {
  auto wrong = spec;
  wrong.params.values.emplace_back("no_such_parameter", true);
  EXPECT_THAT(error_of([&] { make_entry(GetParam().entry, wrong); }),
              HasSubstr("there is no parameter \"no_such_parameter\"; known "
                        "are "));
}

INSTANTIATE_TEST_SUITE_P(catalog, entry_contract_test,
                         ::testing::ValuesIn(contract_cases()),
                         [](const auto& entry) { return entry.param.name; });

TEST(entry_contract_cases, every_entry_of_the_catalog_has_one) {
  for (const auto& name : entry_names())
    // That one writes no replies: embedding_test.cpp.
    EXPECT_TRUE(name == "embedding"
                || std::any_of(contract_cases().begin(), contract_cases().end(),
                               [&](auto& one) { return one.entry == name; }))
        << "entry " << name << " is in entries.def; give it a case above";
}

} // namespace

} // namespace model_server
