// Tests what becomes of chats that a tokenizer can't take.
#include "tests/models/temporary_folder.hpp"

#include "models/weights/chat_codec.hpp"

#include <gmock/gmock.h>

using namespace model_server;
using namespace model_server::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(chat_codec_test, a_text_that_a_pattern_gives_up_on_is_a_bad_chat) {
  temporary_folder folder;
  folder.write("tokenizer.json", R"({
    "added_tokens": [],
    "normalizer": null,
    "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+b"},
                      "behavior": "Isolated", "invert": false},
    "post_processor": null,
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2}, "merges": []}
  })");
  chat_codec codec{folder.path()};
  auto encode = [&](std::string text) {
    return codec.encode({{{chat_role::user, std::move(text)}}});
  };
  EXPECT_THAT(encode("aab"), ElementsAre(0, 0, 1));
  try {
    encode(std::string(60, 'a') + "cb");
    FAIL() << "it was encoded";
  } catch (const bad_chat& refusal) {
    EXPECT_THAT(refusal.what(), HasSubstr("match limit exceeded"));
  }
  EXPECT_THAT(encode("aab"), ElementsAre(0, 0, 1));
}

TEST(chat_codec_test, what_looks_like_a_control_token_in_text_is_text) {
  temporary_folder folder;
  folder.write("tokenizer.json", R"({
    "added_tokens": [{"id": 3, "content": "<b>", "special": true,
                      "single_word": false, "lstrip": false, "rstrip": false,
                      "normalized": false}],
    "normalizer": null,
    "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "a"},
                      "behavior": "Isolated", "invert": false},
    "post_processor": null,
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"<": 0, "b": 1, ">": 2}, "merges": []}
  })");
  chat_codec codec{folder.path()};
  EXPECT_THAT(codec.encode_text("b<b>"), ElementsAre(1, 0, 1, 2));
  EXPECT_THROW(codec.encode_text(""), bad_chat);
}
