// Checks that broken, unusual and hostile tokenizer files end in one clear
// sentence.
#include "models/text/tokenizer.hpp"

#include "models/text/charsmap.hpp"
#include "models/text/unicode_pattern.hpp"

#include "tests/models/text/tiny_tokenizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <stdexcept>
#include <utility>

namespace model_server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(const std::string& json) {
  try {
    tokenizer::from_json(json, "file.json");
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "no error";
}

/// The tiny file with `from` replaced by `to`.
std::string changed(const std::string& from, const std::string& to) {
  auto json = tiny_byte_level();
  auto at = json.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return json.replace(at, from.size(), to);
}

std::string model(const std::string& inside) {
  return R"({"model": {"type": "BPE", )" + inside + "}}";
}

TEST(tokenizer_file_test, names_a_file_that_is_not_there) {
  try {
    tokenizer::from_file("no/such/tokenizer.json");
    FAIL();
  } catch (const std::runtime_error& e) {
    EXPECT_THAT(e.what(), StartsWith("no/such/tokenizer.json: "));
  }
  EXPECT_THROW(tokenizer::from_file("tests"), std::runtime_error);
}

TEST(tokenizer_file_test, refuses_what_is_no_json) {
  EXPECT_THAT(error_of(""), HasSubstr("file.json: is not JSON"));
  EXPECT_THAT(error_of("{}x"), HasSubstr("is not JSON"));
  EXPECT_THAT(error_of("[1,2"), HasSubstr("is not JSON"));
  EXPECT_THAT(error_of("\"\xFF\""), HasSubstr("is not UTF-8"));
  EXPECT_THAT(error_of(std::string{"{}\0{}", 5}), HasSubstr("zero byte"));
  EXPECT_THAT(error_of(std::string(1'000'000, '[')),
              HasSubstr("1000000 levels deep; the limit is 64"));
  EXPECT_THAT(error_of("[]"), HasSubstr("is not an object"));
  EXPECT_THAT(error_of("{}"), HasSubstr("lacks \"model\""));
}

TEST(tokenizer_file_test, names_what_it_does_not_support) {
  EXPECT_THAT(error_of(R"({"model": {"type": "Morphemes", "vocab": {}}})"),
              AllOf(HasSubstr("file.json.model"),
                    HasSubstr("\"Morphemes\" is not supported")));
  EXPECT_THAT(error_of(changed(R"("type": "ByteLevel", "add)",
                               R"("type": "Guess", "add)")),
              AllOf(HasSubstr("file.json.pre_tokenizer"),
                    HasSubstr("\"Guess\" is not supported")));
  EXPECT_THAT(error_of(changed(R"("normalizer": null)",
                               R"("normalizer": {"type": "Guess"})")),
              HasSubstr("\"Guess\" is not supported"));
  EXPECT_THAT(error_of(changed(R"("decoder": {"type": "ByteLevel"})",
                               R"("decoder": {"type": "Sequence", "decoders":
                                  [{"type": "Fuse"}, {"type": "CTC"}]})")),
              HasSubstr("decoder.decoders[1]: a decoder of type \"CTC\""));
  EXPECT_THAT(error_of(changed("TemplateProcessing", "Guess")),
              HasSubstr("post_processor: type \"Guess\""));
  // Leaving out merges by chance is for training.
  EXPECT_EQ(error_of(model(R"("vocab": {"a": 0}, "merges": [],
                               "dropout": 0.1)")),
            "no error");
}

TEST(tokenizer_file_test, checks_other_models) {
  auto unigram = [](const std::string& inside) {
    return error_of(R"({"model": {"type": "Unigram", "vocab": )" + inside
                    + "}}");
  };
  EXPECT_THAT(unigram("[]"), HasSubstr("file.json.model.vocab: is empty"));
  EXPECT_THAT(unigram(R"([["a", "b"]])"),
              HasSubstr("vocab[0][1]: is not a number"));
  EXPECT_THAT(unigram(R"([["a"]])"), HasSubstr("is not a token and its score"));
  EXPECT_THAT(unigram(R"([["a", 0], ["a", 0]])"),
              HasSubstr("vocab[1]: token \"a\" is there twice"));
  EXPECT_THAT(unigram(R"([["a", 0]], "unk_id": 1)"),
              HasSubstr("unk_id: is 1; the vocabulary has 1 tokens"));
  EXPECT_THAT(error_of(R"({"model": {"type": "WordPiece", "unk_token": "?",
                           "vocab": {"a": 0}}})"),
              HasSubstr("unk_token: \"?\" is not in the vocabulary"));
  EXPECT_THAT(error_of(R"({"model": {"type": "WordPiece",
                           "max_input_chars_per_word": -1,
                           "vocab": {"a": 0}}})"),
              HasSubstr("max_input_chars_per_word is -1"));
}

TEST(tokenizer_file_test, checks_charsmaps) {
  auto charsmap = [](const std::string& text) {
    return error_of(changed(
        R"("normalizer": null)",
        R"("normalizer": {"type": "Precompiled", "precompiled_charsmap": ")"
            + text + "\"}"));
  };
  EXPECT_EQ(charsmap(""), "no error");
  EXPECT_THAT(charsmap("A?=="), HasSubstr("is not base64"));
  EXPECT_THAT(charsmap("AAA"), HasSubstr("is not base64"));
  EXPECT_THAT(charsmap("/////w=="), HasSubstr("its tree has 4294967295"));
  EXPECT_THAT(charsmap("AAAAAA=="), HasSubstr("its tree has 0"));
  // A unit that leads out of the tree ends the search.
  EXPECT_EQ(charsmap("BAAAAP////8="), "no error");
}

TEST(tokenizer_file_test, checks_ids) {
  EXPECT_THAT(error_of(model(R"("vocab": {"a": -1}, "merges": [])")),
              HasSubstr("token \"a\" has id -1; ids are from 0 to 4194303"));
  EXPECT_THAT(error_of(model(R"("vocab": {"a": 2147483647}, "merges": [])")),
              HasSubstr("2147483647"));
  // Few tokens make no large tables.
  EXPECT_THAT(error_of(model(R"("vocab": {"a": 65538}, "merges": [])")),
              HasSubstr("token \"a\" has id 65538; of so few tokens ids are "
                        "from 0 to 65537"));
  EXPECT_EQ(error_of(model(R"("vocab": {"a": 65537}, "merges": [])")),
            "no error");
  EXPECT_THAT(error_of(R"({"added_tokens": [{"id": 65539, "content": "b"}],
                           "model": {"type": "BPE", "vocab": {"a": 1},
                                     "merges": []}})"),
              HasSubstr("token \"b\" has id 65539"));
  EXPECT_THAT(error_of(model(R"("vocab": {"a": 1e3}, "merges": [])")),
              HasSubstr("id of \"a\" is not an integer"));
  EXPECT_THAT(error_of(model(R"("vocab": {"a": 1, "b": 1}, "merges": [])")),
              HasSubstr("\"a\" and \"b\" have the same id 1"));
  EXPECT_THAT(error_of(model(R"("vocab": {"a": 1, "a": 2}, "merges": [])")),
              HasSubstr("\"a\" is there twice, as 1 and as 2"));
  EXPECT_THAT(error_of(model(R"("vocab": {}, "merges": [])")),
              HasSubstr("is empty"));
  EXPECT_THAT(error_of(model(R"("vocab": {"\udc00": 1}, "merges": [])")),
              HasSubstr("not UTF-8"));
  // A gap is fine.
  EXPECT_EQ(
      tokenizer::from_json(model(R"("vocab": {"a": 9}, "merges": [])"), "gap")
          .encode("a", false),
      std::vector<token_id>{9});
}

TEST(tokenizer_file_test, checks_merges) {
  EXPECT_THAT(error_of(changed(R"("a b")", R"("a z")")),
              AllOf(HasSubstr("model.merges: merge 0 (\"a\" and \"z\")"),
                    HasSubstr("\"z\", which the vocabulary lacks")));
  EXPECT_THAT(error_of(changed(R"("a b")", R"("a c")")), HasSubstr("\"ac\""));
  EXPECT_THAT(error_of(changed(R"("a b")", R"("a b c")")),
              HasSubstr("entry 0 is not a pair"));
  EXPECT_THAT(error_of(changed(R"(["ab", "c"])", R"(["ab"])")),
              HasSubstr("entry 1 is not a pair"));
  EXPECT_THAT(error_of(changed(R"("a b")", "7")), HasSubstr("entry 0"));
  EXPECT_THAT(error_of(model(R"("vocab": {"a": 0})")),
              HasSubstr("lacks \"merges\""));
  EXPECT_THAT(error_of(model(R"("vocab": {"a": 0}, "merges": {})")),
              HasSubstr("is not a list"));
}

TEST(tokenizer_file_test, checks_added_tokens) {
  EXPECT_THAT(error_of(tiny_byte_level(R"(, {"id": -3, "content": "x"})")),
              HasSubstr("added_tokens[3]: has id -3"));
  EXPECT_THAT(error_of(tiny_byte_level(R"(, {"id": 20, "content": "x"})")),
              HasSubstr("\"<|end|>\" and \"x\" have the same id 20"));
  EXPECT_THAT(error_of(tiny_byte_level(R"(, {"id": 5, "content": "a"})")),
              HasSubstr("\"a\" has id 5 here and 0 in the vocabulary"));
  EXPECT_THAT(error_of(tiny_byte_level(R"(, {"id": 5, "content": "x"})")),
              HasSubstr("\"x\" has id 5, which is"));
  EXPECT_THAT(error_of(tiny_byte_level(R"(, {"id": 30})")),
              HasSubstr("lacks \"content\""));
  EXPECT_THAT(error_of(tiny_byte_level(R"(, {"id": 30, "content": ")"
                                       + std::string(2000, 'x') + "\"}")),
              HasSubstr("has 2000 bytes; the limit is 1024"));
  EXPECT_THAT(error_of(tiny_byte_level(R"(, {"id": 30, "content": "x",
                                            "special": "yes"})")),
              HasSubstr("special: is neither true nor false"));
}

TEST(tokenizer_file_test, checks_the_rest) {
  EXPECT_THAT(error_of(changed(R"({"Sequence": {"id": "A", "type_id": 0}})",
                               R"({"SpecialToken": {"id": "<|end|>"}})")),
              HasSubstr("has no place"));
  EXPECT_THAT(error_of(changed(R"([{"SpecialToken": {"id": "<|end|>")",
                               R"([{"SpecialToken": {"id": "<|nix|>")")),
              HasSubstr("lacks \"<|nix|>\""));
  EXPECT_THAT(error_of(changed(R"("ids": [20])", R"("ids": [23])")),
              HasSubstr("23 is no token"));
  EXPECT_THAT(
      error_of(changed(R"({"type": "ByteLevel", "add_prefix_space": false,
                      "use_regex": true})",
                       R"({"type": "Split", "behavior": "Isolated",
                                   "pattern": {"Regex": "(a"}})")),
      AllOf(HasSubstr("pre_tokenizer.pattern.Regex"), HasSubstr("\"(a\"")));
  EXPECT_THAT(
      error_of(changed(R"({"type": "ByteLevel", "add_prefix_space": false,
                      "use_regex": true})",
                       R"({"type": "Split", "behavior": "Sideways",
                                   "pattern": {"String": "a"}})")),
      HasSubstr("\"Sideways\" is no behaviour"));
  EXPECT_THAT(error_of(changed(R"("decoder": {"type": "ByteLevel"})",
                               R"("decoder": {"type": "Sequence", "decoders":
                                  [{"type": "Fuse"}, {"type": "Strip",
                                  "content": " ", "start": 0, "stop": 1}]})")),
              HasSubstr("is not supported"));
}

TEST(tokenizer_file_test, a_pattern_that_runs_away_ends_in_an_error) {
  auto tokens = tokenizer::from_json(
      changed(R"({"type": "ByteLevel", "add_prefix_space": false,
                      "use_regex": true})",
              R"({"type": "Split", "behavior": "Isolated",
                "pattern": {"Regex": "(a+)+[de]"}})"),
      "file.json");
  EXPECT_NO_THROW(tokens.encode("aaad", false));
  EXPECT_THROW(tokens.encode(std::string(100'000, 'a'), false),
               std::runtime_error);
}

/// A part of a file in which one step comes 40 times.
std::string forty_times(const std::string& part, const std::string& list,
                        const std::string& step) {
  auto result = "\"" + part + R"(": {"type": "Sequence", ")" + list + "\": [";
  for (int i = 0; i < 40; ++i)
    result += (i == 0 ? "" : ",") + step;
  return result + "]}";
}

TEST(tokenizer_file_test, steps_that_double_a_text_end_in_an_error) {
  auto doubling = [](const std::string& what) {
    return R"({"type": "Replace", "pattern": {"String": ")" + what
           + R"("}, "content": "aa"})";
  };
  auto error = [](const std::string& part) {
    try {
      tokenizer::from_json("{" + part + R"(, "model": {"type": "WordLevel",
                           "vocab": {"a": 0}, "unk_token": "a"}})",
                           "file.json")
          .encode("a \u00e9", false);
    } catch (const std::runtime_error& e) {
      return std::string{e.what()};
    }
    return std::string{"no error"};
  };
  for (auto& part :
       {forty_times("normalizer", "normalizers", doubling("a")),
        forty_times("decoder", "decoders", doubling("a")),
        forty_times("normalizer", "normalizers", R"({"type": "ByteLevel"})"),
        forty_times("pre_tokenizer", "pretokenizers",
                    R"({"type": "ByteLevel", "use_regex": false})"),
        forty_times("pre_tokenizer", "pretokenizers",
                    R"({"type": "Metaspace", "replacement": "  "})")})
    EXPECT_THAT(error(part), HasSubstr("more than 64 times as many")) << part;
}

TEST(tokenizer_file_test, a_short_text_grows_by_little_more_than_its_size) {
  auto tokens = tokenizer::from_json(
      R"({"normalizer": {"type": "Replace", "pattern": {"String": "a"},
                         "content": ")"
          + std::string(1000, 'b') + R"("},
          "model": {"type": "WordLevel", "vocab": {"b": 0},
                    "unk_token": "b"}})",
      "file.json");
  EXPECT_EQ(tokens.encode(std::string(65, 'a'), false).size(), 1u);
  EXPECT_THROW(tokens.encode(std::string(75, 'a'), false), pattern_gave_up);
}

TEST(tokenizer_file_test, an_added_token_is_looked_for_in_little_more) {
  auto error = [](std::size_t size) {
    return error_of(R"({"added_tokens": [{"id": 1, "content": "b",
                                          "normalized": true}],
                        "normalizer": {"type": "Prepend", "prepend": ")"
                    + std::string(size, 'p') + R"("},
                        "model": {"type": "WordLevel", "vocab": {"a": 0},
                                  "unk_token": "a"}})");
  };
  EXPECT_EQ(error(79), "no error");
  EXPECT_THAT(error(80), HasSubstr("added token 1 has 1 bytes and is 81 when "
                                   "normalised"));
}

TEST(tokenizer_file_test, a_lone_byte_is_not_searched) {
  auto tokens = tokenizer::from_json(
      R"({"decoder": {"type": "Sequence", "decoders": [
            {"type": "ByteFallback"},
            {"type": "Replace", "pattern": {"Regex": "."}, "content": "!"}]},
          "model": {"type": "WordLevel", "vocab": {"<0xF0>": 0, "b": 1}}})",
      "file.json");
  EXPECT_EQ(tokens.piece(0, false), "\xF0");
  EXPECT_EQ(tokens.piece(1, false), "!");
}

TEST(tokenizer_file_test, a_charsmap_breaks_no_character) {
  // Its tree has the first byte of an e with acute, which becomes an x.
  std::string units(256 * 4, '\0');
  auto set = [&](std::size_t at, std::uint32_t unit) {
    for (std::size_t i = 0; i < 4; ++i)
      units[4 * at + i] = static_cast<char>(unit >> (8 * i));
  };
  set(0, 1u << 10);
  set(1 ^ 0xC3, 0xC3u | 1u << 8 | 3u << 10);
  set(1 ^ 0xC3 ^ 3, 1u << 31);
  charsmap map{std::string{"\0\4\0\0", 4} + units + std::string{"x\0", 2}};
  std::string text = "\u00e9", made;
  map.rewrite_longest(text, [&](std::size_t begin, std::size_t end,
                                std::optional<std::string_view> becomes) {
    made +=
        becomes ? *becomes : std::string_view{text}.substr(begin, end - begin);
  });
  EXPECT_EQ(made, text);
}

TEST(tokenizer_file_test, any_damage_ends_in_an_error_or_a_tokenizer) {
  std::mt19937 random{1};
  auto whole = tiny_byte_level();
  int loaded = 0;
  for (int round = 0; round < 4000; ++round) {
    auto json = whole;
    for (auto count = 1 + random() % 3; count > 0; --count) {
      auto at = random() % json.size();
      switch (random() % 3) {
      case 0:
        json[at] = "\"{}[]:,0a-\\ 9"[random() % 13];
        break;
      case 1:
        json.erase(at, random() % 8);
        break;
      default:
        json.insert(at, json.substr(random() % json.size(), random() % 12));
      }
    }
    try {
      auto tokens = tokenizer::from_json(json, "damaged");
      auto ids = tokens.encode("ab c<|end|><|user|> \u732B", true);
      tokens.decode(ids, false);
      ++loaded;
    } catch (const std::runtime_error& e) {
      EXPECT_THAT(e.what(), HasSubstr("damaged"));
    }
  }
  EXPECT_GT(loaded, 100);
}

TEST(tokenizer_file_test, a_damaged_charsmap_changes_text_and_nothing_else) {
  std::mt19937 random{1};
  for (int round = 0; round < 2000; ++round) {
    std::string bytes{"\x40\0\0\0", 4};
    while (bytes.size() < 84)
      bytes += static_cast<char>(random() % (bytes.size() < 68 ? 256 : 128));
    try {
      charsmap map{bytes};
      for (bool longest : {true, false}) {
        std::size_t done = 0;
        auto take = [&](std::size_t begin, std::size_t end, auto) {
          EXPECT_EQ(begin, std::exchange(done, end));
        };
        std::string text = "ab c\u00e9\u732b\r\nx\u0301";
        longest ? map.rewrite_longest(text, take)
                : map.rewrite_graphemes(text, take);
        EXPECT_EQ(done, text.size());
      }
    } catch (const std::runtime_error&) {
      // That's fine, too.
    }
  }
}

TEST(tokenizer_file_test, long_words_take_no_quadratic_time) {
  auto tokens = tokenizer::from_json(tiny_byte_fallback(), "tiny");
  auto start = std::chrono::steady_clock::now();
  std::string text;
  while (text.size() < 1'000'000)
    text += "hi";
  EXPECT_EQ(tokens.encode(text, false).size(), text.size() / 2);
  EXPECT_EQ(tokens.encode(std::string(1'000'000, ' '), false).size(),
            1'000'001u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{30});
}

} // namespace
} // namespace model_server
