// Asks the model that ships with the project what it was never trained on.
#include "models/model_catalog.hpp"
#include "models/tiny-chat/corpus.hpp"
#include "tests/models/entry_driver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace model_server {
namespace {

using testing::ask;
using testing::driven_reply;
using testing::run_alone;
using testing::step;
using testing::text_of;
using tiny_chat::corpus_item;

const std::filesystem::path folder = "models/tiny-chat";

constexpr std::size_t batch_size = 8;
constexpr std::size_t longest_reply = 150;
constexpr double least_share_right = 0.8;

const std::vector<corpus_item>& corpus() {
  static const auto items = tiny_chat::read_corpus(folder / "corpus");
  return items;
}

const corpus_item& item_called(std::string_view key) {
  for (const auto& item : corpus())
    if (item.key == key)
      return item;
  throw std::runtime_error("the corpus has no [" + std::string(key) + "]");
}

/// A question that the model was not trained on, and its answer.
struct question {
  std::string wording;
  std::string answer;
};

std::vector<question> held_out_questions(bool beyond) {
  std::vector<question> result;
  for (const auto& item : corpus())
    if ((item.key == tiny_chat::beyond_key) == beyond)
      for (const auto& wording : item.held_out)
        result.push_back({wording, item.answer});
  return result;
}

class tiny_chat_test : public ::testing::Test {
protected:
  static void SetUpTestSuite() {
    entry_params params{false, {{"path", folder.string()}}};
    entry_ = make_entry("causal_lm", {params, "cpu"});
    entry_->use_threads(
        static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  }

  static void TearDownTestSuite() {
    entry_.reset();
  }

  /// The greedy replies to chats, made `batch_size` at a time: a chat joins
  /// when another's reply has ended.
  static std::vector<std::string> replies_to(const std::vector<chat>& chats) {
    struct place {
      std::size_t index;
      std::unique_ptr<driven_reply> reply;
    };
    sampling_params greedy;
    greedy.temperature = 0;
    std::vector<std::string> texts(chats.size());
    std::deque<place> running;
    for (std::size_t next = 0; next < chats.size() || !running.empty();) {
      for (; next < chats.size() && running.size() < batch_size; ++next)
        running.push_back({next, std::make_unique<driven_reply>(
                                     *entry_, next + 1, chats[next], greedy)});
      std::vector<driven_reply*> batch;
      for (auto& one : running)
        batch.push_back(one.reply.get());
      step(*entry_, batch);
      std::erase_if(running, [&](const place& one) {
        auto& reply = *one.reply;
        EXPECT_EQ(reply.state.failure, "");
        if (!reply.has_ended() && reply.state.failure.empty()
            && reply.state.reply_size() < longest_reply)
          return false;
        entry_->release(reply.state.id);
        texts[one.index] = text_of(*entry_, reply.tokens());
        return true;
      });
    }
    return texts;
  }

  /// Share of the questions that get their answer word for word, each asked
  /// after the same earlier turns. Prints the misses.
  static double share_right(const std::vector<question>& questions,
                            const std::vector<chat_message>& before = {}) {
    std::vector<chat> chats;
    for (const auto& one : questions) {
      chats.push_back({before});
      chats.back().messages.push_back({chat_role::user, one.wording});
    }
    auto texts = replies_to(chats);
    std::size_t right = 0;
    for (std::size_t i = 0; i < questions.size(); ++i)
      if (texts[i] == questions[i].answer)
        ++right;
      else
        std::cout << "  wrong: " << questions[i].wording << "\n    " << texts[i]
                  << '\n';
    std::cout << right << " of " << questions.size() << " right\n";
    return static_cast<double>(right) / static_cast<double>(questions.size());
  }

  static inline std::unique_ptr<model_entry> entry_;
};

TEST_F(tiny_chat_test, answers_known_questions_in_words_it_never_saw) {
  auto questions = held_out_questions(false);
  ASSERT_GE(questions.size(), 400u);
  EXPECT_GE(share_right(questions), least_share_right);
}

TEST_F(tiny_chat_test, says_plainly_that_other_questions_are_beyond_it) {
  auto questions = held_out_questions(true);
  ASSERT_GE(questions.size(), 40u);
  EXPECT_GE(share_right(questions), least_share_right);
}

TEST_F(tiny_chat_test, keeps_answering_in_a_longer_chat) {
  std::vector<chat_message> before{
      {chat_role::system, "You are a helpful assistant."}};
  for (auto key : {"hello", "add-device", "beyond", "thanks"}) {
    before.push_back({chat_role::user, item_called(key).wordings.front()});
    before.push_back({chat_role::agent, item_called(key).answer});
  }
  auto all = held_out_questions(false);
  std::vector<question> some;
  for (std::size_t i = 0; i < all.size(); i += 4)
    some.push_back(all[i]);
  EXPECT_GE(share_right(some, before), least_share_right);
}

TEST_F(tiny_chat_test, greets_the_one_who_greets) {
  auto texts = replies_to({ask("hello"), ask("Hello!"), ask("hi there")});
  for (const auto& text : texts)
    EXPECT_EQ(text, item_called("hello").answer);
}

TEST_F(tiny_chat_test, answers_by_default_as_it_does_when_greedy) {
  // What a call without a temperature gets: generation_config.json decides.
  auto defaults = entry_->info().defaults;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    driven_reply reply{*entry_, 1000 + seed, ask("hello"),
                       resolve({}, defaults, {}, seed)};
    EXPECT_EQ(text_of(*entry_, run_alone(*entry_, reply, longest_reply)),
              item_called("hello").answer);
  }
}

TEST(tiny_chat_corpus_test, no_held_out_wording_is_trained_on) {
  std::set<std::string> trained;
  for (const auto& item : corpus())
    for (const auto& wording : item.wordings)
      trained.insert(tiny_chat::normal_form(wording));
  for (const auto& item : corpus())
    for (const auto& wording : item.held_out)
      EXPECT_FALSE(trained.contains(tiny_chat::normal_form(wording)))
          << "[" << item.key << "] " << wording;
}

TEST(tiny_chat_corpus_test, every_known_item_has_two_held_out_wordings) {
  for (const auto& item : corpus())
    EXPECT_GE(item.held_out.size(), 2u) << "[" << item.key << "]";
}

TEST(tiny_chat_folder_test, takes_less_than_eight_megabytes) {
  std::uintmax_t size = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator{folder})
    if (file.is_regular_file())
      size += file.file_size();
  EXPECT_LT(size, 8'000'000u);
}

} // namespace
} // namespace model_server
