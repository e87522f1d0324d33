// Tests the entry causal_lm on trained and on tiny random models.
#include "tests/models/tiny_model.hpp"

#include "models/weights/json_file.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdint>
#include <limits>

namespace fs = std::filesystem;

using namespace model_server;
using namespace model_server::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// --- trained models ----------------------------------------------------------

namespace {

class trained_model_test : public ::testing::TestWithParam<const char*> {
protected:
  void SetUp() override {
    auto data = std::getenv("MODEL_SERVER_TEST_DATA");
    if (data == nullptr)
      GTEST_SKIP() << "MODEL_SERVER_TEST_DATA does not say where the trained "
                      "models are";
    folder = fs::path{data} / "models" / GetParam();
  }

  // What transformers continues; made with the weights as they are stored.
  rapidjson::Document expected() const {
    return read_json_file(folder.string() + ".expected.json");
  }

  static std::vector<token_id> ids(const rapidjson::Value& list) {
    std::vector<token_id> result;
    for (auto& item : list.GetArray())
      result.push_back(item.GetInt());
    return result;
  }

  fs::path folder;
};

INSTANTIATE_TEST_SUITE_P(models, trained_model_test,
                         ::testing::Values("stories260K/hf",
                                           "stories260K/hf-f16",
                                           "tinystories-656k/hf",
                                           "tinystories-656k/hf-bf16-sharded"),
                         [](auto& of) {
                           std::string name = of.param;
                           for (auto& letter : name)
                             if (letter == '/' || letter == '-')
                               letter = '_';
                           return name;
                         });

} // namespace

TEST_P(trained_model_test, texts_go_on_as_with_transformers) {
  auto entry = load(folder);
  auto document = expected();
  for (auto& run : document["runs"].GetArray()) {
    auto wanted = ids(run["greedy_ids"]);
    reply one{*entry, 1, run["prompt"].GetString(), greedy};
    EXPECT_EQ(one.state.tokens, ids(run["prompt_ids"]));
    finish(*entry, one, wanted.size());
    EXPECT_EQ(one.made(), wanted) << run["prompt"].GetString();
    std::string text = run["prompt"].GetString();
    for (std::size_t i = 0; i < wanted.size(); ++i)
      text += entry->decode(one.made()[i], i == 0);
    EXPECT_EQ(text, run["text"].GetString());
    entry->release(1);
  }
}

TEST_P(trained_model_test, a_batch_gives_what_each_gives_alone) {
  auto entry = load(folder);
  auto document = expected();
  std::vector<std::unique_ptr<reply>> replies;
  std::vector<sequence*> batch;
  for (auto& run : document["runs"].GetArray()) {
    replies.push_back(std::make_unique<reply>(
        *entry, replies.size(), run["prompt"].GetString(), greedy));
    // Each joins one step after the one before it.
    batch.push_back(&replies.back()->state);
    entry->step(batch);
  }
  std::size_t length = 90;
  while (std::ranges::any_of(
      batch, [&](auto one) { return one->reply_size() < length; }))
    entry->step(batch);
  for (rapidjson::SizeType i = 0; i < replies.size(); ++i) {
    auto wanted = ids(document["runs"][i]["greedy_ids"]);
    auto made = replies[i]->made();
    wanted.resize(length);
    made.resize(length);
    EXPECT_EQ(made, wanted) << i;
  }
}

TEST_P(trained_model_test, a_reply_goes_on_anywhere_from_its_tokens) {
  auto first = load(folder);
  auto second = load(folder);
  sampling_params sampling{
      .temperature = 0.8, .top_p = 0.95, .repetition_penalty = 1.1, .seed = 42};
  reply whole{*first, 1, "Once upon a time", sampling};
  finish(*first, whole, 60);
  for (std::size_t seam : {1u, 17u, 59u}) {
    reply moved{*second, seam, "Once upon a time", sampling};
    auto made = whole.made();
    moved.state.tokens.insert(moved.state.tokens.end(), made.begin(),
                              made.begin() + static_cast<std::ptrdiff_t>(seam));
    finish(*second, moved, 60);
    EXPECT_EQ(moved.made(), made) << seam;
  }
}

TEST_P(trained_model_test, a_template_that_writes_the_begin_token_is_enough) {
  temporary_folder copy;
  fs::copy(folder, copy.path(), fs::copy_options::recursive);
  copy.write("chat_template.jinja",
             "{{ bos_token }}{% for message in messages %}"
             "{{ message['content'] }}{% endfor %}");
  auto entry = load(copy.path());
  auto tokens = entry->encode({{{chat_role::user, "Once"}}});
  ASSERT_GE(tokens.size(), 2u);
  EXPECT_EQ(tokens[0], 1);
  EXPECT_NE(tokens[1], 1);
}

// --- tiny random models ------------------------------------------------------

TEST_F(tiny_model_test, without_a_template_all_turns_are_one_text) {
  auto entry = load(folder.path());
  EXPECT_THAT(entry->encode({{{chat_role::user, "ab"},
                              {chat_role::agent, " c"},
                              {chat_role::user, "d"}}}),
              ElementsAre(4, 5, 3, 6, 7));
  EXPECT_EQ(entry->decode(3, true), " ");
  EXPECT_EQ(entry->decode(2, false), "");
  EXPECT_THAT(error_of([&] {
                entry->encode({{{chat_role::user, ""}}});
              }),
              HasSubstr("no tokens"));
}

TEST_F(tiny_model_test, facts_come_from_the_files) {
  auto info = load(folder.path())->info();
  EXPECT_EQ(info.context_length, 128u);
  EXPECT_THAT(info.end_tokens, ElementsAre(2));
  EXPECT_EQ(info.default_max_tokens, 0u);
  EXPECT_EQ(load(folder.path(), {{"context_length", std::int64_t{64}}})
                ->info()
                .context_length,
            64u);
  folder.write("generation_config.json",
               R"({"eos_token_id":[5,6],"temperature":0.5,)"
               R"("max_new_tokens":9})");
  info = load(folder.path())->info();
  EXPECT_THAT(info.end_tokens, ElementsAre(5, 6));
  EXPECT_EQ(info.defaults.temperature, 0.5);
  EXPECT_EQ(info.default_max_tokens, 9u);
}

TEST_F(tiny_model_test, scores_that_are_no_numbers_end_their_reply_alone) {
  // The embedding of `z` is broken; the head is another tensor.
  overwrite("model.embed_tokens.weight", 29 * 40 + 7,
            std::numeric_limits<float>::quiet_NaN());
  auto entry = load(folder.path());
  reply well{*entry, 1, "abc", greedy};
  reply ill{*entry, 2, "abzc", greedy};
  reply fine{*entry, 3, "xyx", greedy};
  sequence* batch[] = {&well.state, &ill.state, &fine.state};
  entry->step(batch);
  EXPECT_EQ(well.state.reply_size(), 1u);
  EXPECT_EQ(well.state.failure, "");
  EXPECT_EQ(ill.state.reply_size(), 0u);
  EXPECT_THAT(ill.state.failure, HasSubstr("no numbers"));
  EXPECT_EQ(fine.state.reply_size(), 1u);
  EXPECT_EQ(fine.state.failure, "");
}

TEST_F(tiny_model_test, a_long_prompt_holds_nobody_up) {
  auto entry = load(folder.path());
  reply quick{*entry, 1, "abc", greedy};
  reply slow{*entry, 2, std::string(1000, 'a'), greedy};
  sequence* batch[] = {&quick.state, &slow.state};
  for (std::size_t step = 1; step <= 3; ++step) {
    entry->step(batch);
    EXPECT_EQ(quick.state.reply_size(), step);
    EXPECT_EQ(slow.state.reply_size(), 0u);
  }
  while (slow.state.reply_size() == 0)
    entry->step(batch);
  reply alone{*entry, 3, std::string(1000, 'a'), greedy};
  finish(*entry, alone, 1);
  EXPECT_EQ(slow.made(), alone.made());
}

TEST_F(tiny_model_test, a_released_sequence_is_read_again) {
  auto entry = load(folder.path());
  reply steady{*entry, 1, "hello there", greedy};
  finish(*entry, steady, 20);
  reply torn{*entry, 2, "hello there", greedy};
  for (std::size_t i = 1; i <= 20; ++i) {
    finish(*entry, torn, i);
    entry->release(2);
  }
  entry->release(77);
  EXPECT_EQ(torn.made(), steady.made());
}

TEST_F(tiny_model_test, every_number_format_runs) {
  auto exact = load(folder.path(), {{"dtype", std::string{"fp32"}}});
  for (auto dtype : {"auto", "bf16", "fp16", "fp32"}) {
    auto entry = load(folder.path(), {{"dtype", std::string{dtype}}});
    reply one{*entry, 1, "hello", greedy};
    finish(*entry, one, 5);
    EXPECT_EQ(one.state.reply_size(), 5u) << dtype;
    EXPECT_EQ(one.state.failure, "") << dtype;
  }
}

TEST_F(tiny_model_test, guesses_change_no_token) {
  sampling_params sampling{.temperature = 0.7, .top_logprobs = 2, .seed = 6};
  auto guessing = load(folder.path());
  auto plain = load(folder.path(), {{"speculation", std::string{"off"}}});
  for (auto& how : {greedy, sampling}) {
    reply one{*guessing, 1, std::string(20, 'a'), how};
    reply other{*plain, 1, std::string(20, 'a'), how};
    finish(*guessing, one, 100);
    finish(*plain, other, 100);
    EXPECT_EQ(one.made(), other.made());
    EXPECT_EQ(one.state.logprobs, other.state.logprobs);
    guessing->release(1);
    plain->release(1);
  }
}

TEST_F(tiny_model_test, what_does_not_load_says_why) {
  EXPECT_THAT(refusal({{"dtype", std::string{"int4"}}}),
              AllOf(HasSubstr("\"dtype\" is \"int4\""),
                    HasSubstr("auto, bf16, fp16 or fp32")));
  EXPECT_THAT(refusal({{"context_length", std::int64_t{0}}}),
              HasSubstr("context_length"));
  EXPECT_THAT(
      refusal({{"speculation", std::string{"on"}}}),
      AllOf(HasSubstr("\"speculation\" is \"on\""), HasSubstr("auto or off")));
  EXPECT_THAT(refusal({{"size", std::int64_t{7}}}), HasSubstr("size"));
  EXPECT_THAT(refusal({}, "cuda:99"),
              AllOf(HasSubstr("no device `cuda:99`"), HasSubstr("cpu")));
  EXPECT_EQ(refusal({}, "virtual:3"), "");
  write_tokenizer(100);
  EXPECT_THAT(refusal({}), HasSubstr("the tokenizer has 100 tokens, the "
                                     "network only 99"));
  fs::remove(folder.path() / "tokenizer.json");
  EXPECT_THAT(refusal({}), HasSubstr("tokenizer.json"));
}
