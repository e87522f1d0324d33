// Checks small tokenizers of every supported kind against stored values that
// the Hugging Face library gave (tests/data/tokenizers).
#include "models/text/tokenizer.hpp"

#include "models/text/utf8.hpp"

#include "tests/models/text/token_rows.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>

namespace model_server {
namespace {

class tokenizer_cases_test : public testing::TestWithParam<const char*> {
protected:
  static std::filesystem::path file(const char* ending) {
    return std::filesystem::path{"tests/data/tokenizers"}
           / (std::string{GetParam()} + ending);
  }

  tokenizer tokens_ = tokenizer::from_file(file(".json"));
  std::vector<token_row> rows_ = read_token_rows(file(".jsonl"));
};

TEST_P(tokenizer_cases_test, encodes_and_decodes_as_the_reference_does) {
  ASSERT_GT(rows_.size(), 100u);
  for (auto& row : rows_) {
    EXPECT_EQ(tokens_.encode(row.text, true), row.ids) << row.text;
    EXPECT_EQ(tokens_.encode(row.text, true, {.add_special = true}),
              row.with_special.value_or(row.ids))
        << row.text;
    EXPECT_EQ(tokens_.encode(row.text, false), row.untrusted.value_or(row.ids))
        << row.text;
    EXPECT_EQ(tokens_.decode(row.ids, false), row.decoded.value_or(row.text));
  }
}

TEST_P(tokenizer_cases_test, cuts_into_segments_change_nothing) {
  std::mt19937 random{1};
  for (auto& row : rows_) {
    if (row.untrusted) // where trust matters
      continue;
    for (int round = 0; round < 5; ++round) {
      std::vector<prompt_segment> prompt;
      for (std::size_t at = 0; at < row.text.size();) {
        auto end = std::min(at + 1 + random() % 5, row.text.size());
        while (end < row.text.size() && is_utf8_continuation(row.text[end]))
          ++end;
        prompt.push_back({row.text.substr(at, end - at), random() % 2 == 0});
        at = end;
      }
      EXPECT_EQ(tokens_.encode(prompt), row.ids) << row.text;
    }
  }
}

TEST_P(tokenizer_cases_test, pieces_make_the_whole_text) {
  std::string name = GetParam();
  if (name == "suffix-decoder" || name == "letters-ctc")
    GTEST_SKIP() << "the text of a token depends on the one beside it";
  for (auto& row : rows_)
    for (bool skip : {true, false}) {
      utf8_assembler assembler;
      std::string text;
      bool at_start = true;
      for (auto id : row.ids) {
        if (skip && tokens_.is_special(id))
          continue;
        text += assembler.feed(tokens_.piece(id, at_start, skip));
        at_start = false;
      }
      text += assembler.flush();
      EXPECT_EQ(text, tokens_.decode(row.ids, skip));
    }
}

TEST_P(tokenizer_cases_test, long_runs_take_no_quadratic_time) {
  auto start = std::chrono::steady_clock::now();
  for (std::string unit : {"a", " ", "1", "aB1 \u0301'\u732b"}) {
    std::string text;
    while (text.size() < 200'000)
      text += unit;
    tokens_.decode(tokens_.encode(text, false));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{60});
}

INSTANTIATE_TEST_SUITE_P(all, tokenizer_cases_test,
                         testing::Values("byte-level", "nfc", "three-splits",
                                         "digits", "prepend", "metaspace",
                                         "replace", "bert", "word-piece-cased",
                                         "word-level", "letters-ctc",
                                         "suffix-bpe", "suffix-decoder",
                                         "prefix-bpe", "byte-normalizer",
                                         "unigram", "unigram-bytes"),
                         [](auto& parameter) {
                           std::string name = parameter.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

} // namespace
} // namespace model_server
