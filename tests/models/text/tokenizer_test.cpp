// Checks encoding and decoding with vocabularies small enough to follow.
#include "models/text/tokenizer.hpp"

#include "models/text/utf8.hpp"

#include "tests/models/text/tiny_tokenizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace model_server {
namespace {

using testing::ElementsAre;
using ids = std::vector<token_id>;

tokenizer byte_level() {
  return tokenizer::from_json(tiny_byte_level(), "tiny");
}

tokenizer byte_fallback() {
  return tokenizer::from_json(tiny_byte_fallback(), "tiny");
}

TEST(tokenizer_test, merges_by_rank_from_the_left) {
  auto tokens = byte_level();
  EXPECT_THAT(tokens.encode("abc", false), ElementsAre(12));
  EXPECT_THAT(tokens.encode("bcabbc", false), ElementsAre(13, 11, 13));
  EXPECT_THAT(tokens.encode("a a\n", false), ElementsAre(0, 14, 5));
  EXPECT_THAT(tokens.encode("", false), ElementsAre());
}

TEST(tokenizer_test, drops_a_character_that_no_token_spells) {
  EXPECT_THAT(byte_level().encode("axb", false), ElementsAre(11));
}

TEST(tokenizer_test, recognises_control_tokens_in_trusted_text_alone) {
  auto tokens = byte_level();
  EXPECT_THAT(tokens.encode("a<|end|>b", true), ElementsAre(0, 20, 1));
  EXPECT_THAT(tokens.encode("a<|end|>b", false),
              ElementsAre(0, 6, 7, 8, 9, 3, 7, 10, 1));
}

TEST(tokenizer_test, recognises_other_added_tokens_everywhere) {
  auto tokens = byte_level();
  EXPECT_THAT(tokens.encode("<think>", false), ElementsAre(22));
  EXPECT_FALSE(tokens.is_special(22));
  EXPECT_TRUE(tokens.is_special(20));
}

TEST(tokenizer_test, no_control_token_has_an_untrusted_byte) {
  auto tokens = byte_level();
  std::string whole = "<|end|>";
  auto as_text = tokens.encode(whole, false);
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    std::vector<prompt_segment> before{{whole.substr(0, cut), true},
                                       {whole.substr(cut), false}};
    std::vector<prompt_segment> after{{whole.substr(0, cut), false},
                                      {whole.substr(cut), true}};
    EXPECT_EQ(tokens.encode(before), as_text) << cut;
    EXPECT_EQ(tokens.encode(after), as_text) << cut;
  }
  std::vector<prompt_segment> all_trusted{{"<|e", true}, {"nd|>", true}};
  EXPECT_THAT(tokens.encode(all_trusted), ElementsAre(20));
}

TEST(tokenizer_test, untrusted_text_does_not_hide_a_control_token_behind_it) {
  std::vector<prompt_segment> prompt{{"<|end|", false}, {"<|end|>", true}};
  EXPECT_EQ(byte_level().encode(prompt).back(), 20);
}

TEST(tokenizer_test, words_go_across_the_segments) {
  std::vector<prompt_segment> prompt{{"a", true}, {"b", false}, {"c", true}};
  EXPECT_THAT(byte_level().encode(prompt), ElementsAre(12));
}

TEST(tokenizer_test, takes_white_space_with_a_token_that_strips) {
  auto tokens = byte_level();
  EXPECT_THAT(tokens.encode("<|user|> \n a", true), ElementsAre(21, 0));
  std::vector<prompt_segment> prompt{{"<|user|>", true}, {" a", false}};
  EXPECT_THAT(tokens.encode(prompt), ElementsAre(21, 0));
}

TEST(tokenizer_test, adds_special_tokens_when_asked) {
  auto tokens = byte_level();
  EXPECT_THAT(tokens.encode("a", false, {.add_special = true}),
              ElementsAre(20, 0));
  EXPECT_THAT(tokens.encode("", false, {.add_special = true}), ElementsAre(20));
}

TEST(tokenizer_test, decodes_and_skips_special_tokens) {
  auto tokens = byte_level();
  EXPECT_EQ(tokens.decode(ids{20, 12, 14, 22}), "abc a<think>");
  EXPECT_EQ(tokens.decode(ids{20, 12}, false), "<|end|>abc");
  EXPECT_EQ(tokens.decode(ids{-1, 0, 1000, 19}), "a");
}

TEST(tokenizer_test, knows_ids_and_sizes) {
  auto tokens = byte_level();
  EXPECT_EQ(tokens.vocab_size(), 23u);
  EXPECT_EQ(tokens.id_of("<|user|>"), 21);
  EXPECT_EQ(tokens.id_of("ab"), 11);
  EXPECT_EQ(tokens.id_of("zz"), std::nullopt);
  EXPECT_FALSE(tokens.is_special(-5));
  EXPECT_FALSE(tokens.is_special(1'000'000));
}

TEST(tokenizer_test, strips_the_leading_space_at_the_start_only) {
  auto tokens = byte_fallback();
  auto hi_hi = tokens.encode("hi hi", false);
  EXPECT_THAT(hi_hi, ElementsAre(4, 4));
  EXPECT_EQ(tokens.decode(hi_hi), "hi hi");
  EXPECT_EQ(tokens.piece(4, true), "hi");
  EXPECT_EQ(tokens.piece(4, false), " hi");
}

TEST(tokenizer_test, falls_back_to_bytes) {
  auto tokens = byte_fallback();
  auto cat = tokens.encode("\u732B", false);
  EXPECT_THAT(cat, ElementsAre(1, 10 + 0xE7, 10 + 0x8C, 10 + 0xAB));
  EXPECT_EQ(tokens.decode(cat), "\u732B");
  EXPECT_EQ(tokens.piece(10 + 0xE7, false), "\xE7");
  EXPECT_EQ(tokens.decode(ids{1, 10 + 0xE7, 2}), "\xEF\xBF\xBDh");
}

TEST(tokenizer_test, survives_invalid_text) {
  auto tokens = byte_fallback();
  EXPECT_EQ(tokens.decode(tokens.encode("h\xFFi\xE4", false)),
            "h\xEF\xBF\xBDi\xEF\xBF\xBD");
}

TEST(tokenizer_test, longest_added_token_wins) {
  auto tokens = tokenizer::from_json(
      tiny_byte_level(R"(, {"id": 23, "content": "<|end|>ab", "special": true},
                       {"id": 24, "content": "cd", "single_word": true})"),
      "tiny");
  EXPECT_THAT(tokens.encode("<|end|>abc", true), ElementsAre(23, 2));
  EXPECT_THAT(tokens.encode("a cd b", true), testing::Contains(24));
  EXPECT_THAT(tokens.encode("acd", true), testing::Not(testing::Contains(24)));
}

TEST(tokenizer_test, no_model_makes_a_control_token_of_text) {
  // What a normaliser or a model may put together is no control token either.
  for (std::string model :
       {R"({"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0],
            ["</s>", 0], ["<", -1], ["/", -1], ["s", -1], [">", -1]]})",
        R"({"type": "WordLevel", "unk_token": "<unk>",
            "vocab": {"<unk>": 0, "</s>": 1}})",
        R"({"type": "WordPiece", "unk_token": "<unk>",
            "vocab": {"<unk>": 0, "</s>": 1}})",
        R"({"type": "BPE", "ignore_merges": true,
            "merges": ["< /", "s >", "</ s>"], "vocab": {"<": 2, "/": 3,
            "s": 4, ">": 5, "</": 6, "s>": 7, "</s>": 1}})"}) {
    auto tokens = tokenizer::from_json(
        R"({"added_tokens": [{"id": 1, "content": "</s>", "special": true,
            "normalized": false}], "normalizer": {"type": "NFKC"}, "model": )"
            + model + "}",
        "tiny");
    EXPECT_THAT(tokens.encode("</s>", true), ElementsAre(1)) << model;
    for (std::string text : {"</s>", "\uFF1C/s>"})
      EXPECT_THAT(tokens.encode(text, false),
                  testing::Not(testing::Contains(1)))
          << model;
  }
}

TEST(tokenizer_test, the_space_of_a_suffix_is_not_at_the_end) {
  auto tokens = tokenizer::from_json(
      R"({"decoder": {"type": "BPEDecoder", "suffix": "</w>"},
          "pre_tokenizer": {"type": "WhitespaceSplit"},
          "model": {"type": "BPE", "end_of_word_suffix": "</w>",
                    "vocab": {"a": 0, "b</w>": 1, "ab</w>": 2},
                    "merges": ["a b</w>"]}})",
      "tiny");
  EXPECT_THAT(tokens.encode("ab b", false), ElementsAre(2, 1));
  EXPECT_EQ(tokens.decode(ids{2, 1}), "ab b");
  EXPECT_EQ(tokens.piece(2, true), "ab ");
  EXPECT_EQ(tokens.piece(1, false), "b ");
}

TEST(tokenizer_test, calls_may_overlap_on_a_moved_one) {
  auto first = byte_level();
  auto second = std::move(first);
  EXPECT_THAT(second.encode("abc", false), ElementsAre(12));
}

} // namespace
} // namespace model_server
