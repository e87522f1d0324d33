// Checks that a tokenizer is found in the files that a folder has.
#include "models/text/tokenizer.hpp"
#include "models/text/tokenizer_folder.hpp"

#include "tests/models/temporary_folder.hpp"
#include "tests/models/text/tiny_tokenizer.hpp"
#include "tests/models/text/token_rows.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace model_server {
namespace {

using model_server::testing::error_of;
using model_server::testing::temporary_folder;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ids = std::vector<token_id>;

class tokenizer_folder_test : public ::testing::Test {
protected:
  tokenizer load() const {
    return tokenizer::from_folder(folder_.path());
  }
  std::string error() const {
    return error_of([&] { load(); });
  }

  temporary_folder folder_;
};

std::string read_data(const std::string& name) {
  return read_text_file("tests/data/tokenizers/" + name, 1 << 20);
}

TEST_F(tokenizer_folder_test, names_all_files_it_looked_for) {
  EXPECT_THAT(error(), AllOf(StartsWith(folder_.path().string()),
                             HasSubstr("tokenizer.json, tokenizer.model, "
                                       "vocab.json with merges.txt, "
                                       "*.tiktoken, tiktoken.model and "
                                       "vocab.txt")));
  folder_.write("vocab.json", "{}");
  EXPECT_THAT(error(), HasSubstr("has no tokenizer"));
}

TEST_F(tokenizer_folder_test, prefers_what_says_most) {
  folder_.write("vocab.txt", "[UNK]\na\n");
  EXPECT_EQ(load().vocab_size(), 2u);
  folder_.write("gpt2.tiktoken", "YQ== 0\nYg== 1\nYWI= 2\n");
  EXPECT_EQ(load().vocab_size(), 3u);
  folder_.write("vocab.json", R"({"a": 0, "b": 1, "ab": 2, "c": 3})");
  folder_.write("merges.txt", "#version: 0.2\na b\n");
  EXPECT_EQ(load().vocab_size(), 4u);
  folder_.write("tokenizer.model", "YQ== 0\nYg== 1\nYw== 2\nZA== 3\nYWI= 4\n");
  EXPECT_EQ(load().vocab_size(), 5u);
  folder_.write("tokenizer.json", tiny_byte_level());
  EXPECT_EQ(load().vocab_size(), 23u);
}

TEST_F(tokenizer_folder_test, merges_ranks_as_they_come) {
  folder_.write("cl100k.tiktoken",
                "YQ== 0\nYg== 1\nYw== 2\nYmM= 3\nYWI= 4\nIGE= 5\nIA== 6\n");
  folder_.write("tokenizer_config.json", R"({"added_tokens_decoder": {
    "9": {"content": "<|end|>", "special": true}}})");
  auto tokens = load();
  EXPECT_THAT(tokens.encode("abc a", false), ElementsAre(0, 3, 5));
  EXPECT_THAT(tokens.encode("<|end|>ab", true), ElementsAre(9, 4));
  EXPECT_EQ(tokens.decode(ids{0, 3, 5}), "abc a");
}

TEST_F(tokenizer_folder_test, cuts_chinese_from_other_letters_for_kimi) {
  // a, the three bytes of U+6C34, "a" and its first byte, and all of it.
  folder_.write("tiktoken.model",
                "YQ== 0\n5g== 1\nsA== 2\ntA== 3\nYeY= 4\n5rA= 5\n5rC0 6\n");
  auto tokens = load();
  EXPECT_THAT(tokens.encode("a\u6c34a", false), ElementsAre(0, 6, 0));
}

TEST_F(tokenizer_folder_test, refuses_ranks_that_it_cannot_use) {
  folder_.write("mine.tiktoken", "YQ== 0\n");
  EXPECT_THAT(error(), HasSubstr("how its words are cut is not known"));
  for (std::string line :
       {"YQ==", "YQ== x", "YQ== -1", "YQ== 99999999", " 1"}) {
    folder_.write("gpt2.tiktoken", "Yg== 0\n" + line + "\n");
    EXPECT_THAT(error(), HasSubstr("line 2 is no token in base64")) << line;
  }
  folder_.write("gpt2.tiktoken", "YQ== 0\nY? 1\n");
  EXPECT_THAT(error(), HasSubstr("is not base64"));
  folder_.write("gpt2.tiktoken", std::string(4000, 'A') + " 1\n");
  EXPECT_THAT(error(), HasSubstr("line 1 is a token of 3000 bytes"));
  folder_.write("gpt2.tiktoken", "");
  EXPECT_THAT(error(), HasSubstr("has no tokens"));
}

TEST_F(tokenizer_folder_test, gathers_control_tokens_from_all_files) {
  folder_.write("vocab.json", R"({"a": 0, "b": 1, "<s>": 2})");
  folder_.write("merges.txt", "");
  folder_.write("tokenizer_config.json",
                R"({"bos_token": {"content": "<s>"}, "eos_token": "<end>",
                    "add_bos_token": true})");
  folder_.write("special_tokens_map.json",
                R"({"additional_special_tokens": ["<tool>"]})");
  folder_.write("added_tokens.json", R"({"<tool>": 7, "<b>": 8})");
  auto tokens = load();
  EXPECT_EQ(tokens.id_of("<end>"), 9);
  EXPECT_TRUE(tokens.is_special(2) && tokens.is_special(7)
              && tokens.is_special(9));
  EXPECT_FALSE(tokens.is_special(8));
  EXPECT_THAT(tokens.encode("a<b><tool>b", true, {.add_special = true}),
              ElementsAre(2, 0, 8, 7, 1));
  EXPECT_THAT(tokens.encode("<b><s>", false),
              ::testing::Not(::testing::Contains(2)));
}

TEST_F(tokenizer_folder_test, names_the_line_of_a_bad_merge) {
  folder_.write("vocab.json", R"({"a": 0, "b": 1})");
  folder_.write("merges.txt", "#version: 0.2\na  b\n");
  EXPECT_THAT(error(), AllOf(HasSubstr("merges.txt: line 2"),
                             HasSubstr("not a pair of tokens")));
  folder_.write("merges.txt", "a b\n");
  EXPECT_THAT(error(), HasSubstr("needs the token \"ab\""));
}

TEST_F(tokenizer_folder_test, a_word_list_is_bert) {
  folder_.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nab\n##c\nAb\n");
  EXPECT_THAT(load().encode("ABC", false, {.add_special = true}),
              ElementsAre(2, 4, 5, 3));
  folder_.write("tokenizer_config.json", R"({"do_lower_case": false})");
  EXPECT_THAT(load().encode("Abc x", false), ElementsAre(6, 5, 1));
  folder_.write("vocab.txt", "a\na\n");
  EXPECT_THAT(error(),
              AllOf(HasSubstr("vocab.txt: token \"a\" is there twice")));
}

/// The model's own library gave these values; where it has an unknown piece
/// it decodes that to a sign that isn't in the model.
TEST_F(tokenizer_folder_test, agrees_with_sentencepiece) {
  for (std::string name : {"sp-bpe", "sp-unigram", "sp-unigram-bytes"}) {
    folder_.write("tokenizer.model", read_data(name + ".model"));
    auto tokens = load();
    auto rows = read_token_rows("tests/data/tokenizers/" + name + ".sp.jsonl");
    EXPECT_GT(rows.size(), 100u);
    for (auto& row : rows) {
      EXPECT_EQ(tokens.encode(row.text, false), row.ids)
          << name << ": " << row.text;
      if (!::testing::Value(row.ids, ::testing::Contains(0))) {
        EXPECT_EQ(tokens.decode(row.ids), row.decoded.value_or(row.text))
            << name;
      }
    }
  }
}

// A ligature, which the table of this model takes apart otherwise.
TEST_F(tokenizer_folder_test, leaves_pieces_that_users_defined_as_they_are) {
  auto model = read_data("sp-unigram.model");
  folder_.write("tokenizer.model", model);
  auto id = static_cast<token_id>(load().vocab_size());
  EXPECT_EQ(load().encode("a\ufb01", false), load().encode("afi", false));
  // One piece more: its text, and the kind 4.
  folder_.write("tokenizer.model",
                model + "\x0A\x07\x0A\x03\xEF\xAC\x81\x18\x04");
  EXPECT_EQ(load().encode("a\ufb01", false).back(), id);
  EXPECT_NE(load().encode("afi", false).back(), id);
}

// As InternLM 2 does it with pieces that were kept free.
TEST_F(tokenizer_folder_test, a_setting_may_take_the_place_of_a_piece) {
  auto model = read_data("sp-bpe.model");
  folder_.write("tokenizer.model", model);
  auto id = static_cast<token_id>(load().vocab_size());
  auto settings = [](token_id place) {
    return fmt::format(R"({{"added_tokens_decoder": {{
      "{}": {{"content": "<|plugin|>", "special": true}}}}}})",
                       place);
  };
  folder_.write("tokenizer_config.json", settings(id));
  // One piece more, "[free]", of kind 4.
  folder_.write("tokenizer.model", model + "\x0A\x0A\x0A\x06[free]\x18\x04");
  auto tokens = load();
  EXPECT_THAT(tokens.encode("<|plugin|>", true), Contains(id));
  EXPECT_EQ(tokens.decode(ids{id}, false), "<|plugin|>");
  folder_.write("tokenizer_config.json", settings(300));
  EXPECT_THAT(error(), HasSubstr("\"<|plugin|>\" has id 300, which is"));
}

TEST_F(tokenizer_folder_test, refuses_pieces_of_any_length) {
  // A piece of 2000 letters; then the kind of the model, byte pairs.
  auto piece = std::string{"\n\xD0\x0F", 3} + std::string(2000, 'a');
  folder_.write("tokenizer.model",
                std::string{"\n\xD3\x0F", 3} + piece + "\x12\x02\x18\x02");
  EXPECT_THAT(error(), HasSubstr("piece 0 has 2000 bytes; the limit is 1024"));
}

TEST_F(tokenizer_folder_test, any_damage_of_a_model_ends_in_an_error_or_not) {
  std::mt19937 random{1};
  auto whole = read_data("sp-unigram.model");
  int loaded = 0;
  for (int round = 0; round < 300; ++round) {
    auto bytes = whole;
    for (auto count = 1 + random() % 3; count > 0; --count)
      bytes[1 + random() % (bytes.size() - 1)] = static_cast<char>(random());
    if (round % 4 == 0)
      bytes.resize(1 + random() % bytes.size());
    folder_.write("tokenizer.model", bytes);
    try {
      auto tokens = load();
      tokens.decode(tokens.encode("a b\u00e9 \u732b</s>", true));
      ++loaded;
    } catch (const std::runtime_error& e) {
      EXPECT_THAT(e.what(), HasSubstr("tokenizer.model: "));
    }
  }
  EXPECT_GT(loaded, 10);
}

} // namespace
} // namespace model_server
