// Which files of a hub's model are fetched.
#include "http/client/hub/file_choice.hpp"

#include "tests/models/temporary_folder.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace model_server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Not;

hub_listing listing_of(std::vector<std::string> names) {
  hub_listing result;
  result.commit = std::string(40, 'c');
  for (auto& name : names) {
    auto size = name.size() * 1000;
    result.files.push_back(
        {std::move(name), size, {digest_kind::sha256, std::string(64, 'a')}});
  }
  return result;
}

std::vector<std::string> chosen(const hub_listing& listing,
                                std::string_view include = {},
                                const std::vector<std::string>& shards = {}) {
  std::vector<std::string> result;
  for (const auto& file : choose_files(listing, include, shards))
    result.push_back(file.remote == file.local
                         ? file.local
                         : file.remote + " as " + file.local);
  return result;
}

std::string refusal(const hub_listing& listing, std::string_view include = {},
                    const std::vector<std::string>& shards = {}) {
  return error_of([&] { choose_files(listing, include, shards); });
}

TEST(file_choice_test, takes_what_the_server_reads_and_nothing_else) {
  auto listing = listing_of(
      {".gitattributes", "README.md", "config.json", "generation_config.json",
       "model.safetensors", "model.fp16.safetensors", "pytorch_model.bin",
       "consolidated.00.pth", "tokenizer.json", "tokenizer_config.json",
       "chat_template.jinja", "qwen.tiktoken", "onnx/model.onnx",
       "onnx/config.json", "flax_model.msgpack", "training_args.bin"});
  EXPECT_THAT(chosen(listing),
              ElementsAre("config.json", "generation_config.json",
                          "tokenizer.json", "tokenizer_config.json",
                          "chat_template.jinja", "qwen.tiktoken",
                          "model.safetensors"));
  EXPECT_FALSE(choose_index(listing, {}));
}

TEST(file_choice_test, takes_the_modules_of_sentence_transformers) {
  EXPECT_THAT(
      chosen(listing_of({"config.json", "modules.json", "1_Pooling/config.json",
                         "vocab.txt", "sentence_bert_config.json",
                         "model.safetensors", "onnx/1_Pooling/config.json"})),
      ElementsAre("config.json", "modules.json", "1_Pooling/config.json",
                  "vocab.txt", "sentence_bert_config.json",
                  "model.safetensors"));
}

TEST(file_choice_test, takes_the_shards_that_the_index_names) {
  auto listing = listing_of({"config.json", "model.safetensors.index.json",
                             "model-00001-of-00002.safetensors",
                             "model-00002-of-00002.safetensors",
                             "consolidated.safetensors"});
  ASSERT_TRUE(choose_index(listing, {}));
  EXPECT_EQ(choose_index(listing, {})->local, "model.safetensors.index.json");
  auto shards = read_index(
      R"({"metadata":{},"weight_map":{"a":"model-00001-of-00002.safetensors",)"
      R"("b":"model-00002-of-00002.safetensors",)"
      R"("c":"model-00001-of-00002.safetensors"}})");
  EXPECT_THAT(chosen(listing, {}, shards),
              ElementsAre("config.json", "model.safetensors.index.json",
                          "model-00001-of-00002.safetensors",
                          "model-00002-of-00002.safetensors"));
  for (auto bad : {"../secret.safetensors", "gone.safetensors", "config.json"})
    EXPECT_THAT(refusal(listing, {}, {bad}), HasSubstr("no weight file"))
        << bad;
  EXPECT_NE(error_of([] { read_index(R"({"weight_map":[]})"); }), "");
}

TEST(file_choice_test, takes_the_only_gguf_file) {
  EXPECT_THAT(chosen(listing_of({"README.md", "config.json", "a-Q4_K_M.gguf",
                                 "mmproj-a-f16.gguf"})),
              ElementsAre("a-Q4_K_M.gguf"));
}

TEST(file_choice_test, lets_the_user_choose_among_several) {
  auto listing =
      listing_of({"a-Q4_K_M.gguf", "a-Q8_0.gguf", "BF16/a-00001-of-00002.gguf",
                  "BF16/a-00002-of-00002.gguf"});
  EXPECT_THAT(refusal(listing), AllOf(HasSubstr("--include"),
                                      HasSubstr("13.0 kB    a-Q4_K_M.gguf"),
                                      HasSubstr("52.0 kB    BF16/a\n")));
  EXPECT_THAT(chosen(listing, "*Q8*"), ElementsAre("a-Q8_0.gguf"));
  EXPECT_THAT(chosen(listing, "a-Q8_0.gguf"), ElementsAre("a-Q8_0.gguf"));
  EXPECT_THAT(chosen(listing, "BF16/*"),
              ElementsAre("BF16/a-00001-of-00002.gguf as a-00001-of-00002.gguf",
                          "BF16/a-00002-of-00002.gguf as "
                          "a-00002-of-00002.gguf"));
  EXPECT_THAT(chosen(listing, "*-00002-of-*").size(), 2U) << "all its parts";
  EXPECT_THAT(refusal(listing, "*Q*"), HasSubstr("several"));
  EXPECT_THAT(refusal(listing, "*Q2*"),
              AllOf(HasSubstr("\"*Q2*\""), HasSubstr("a-Q8_0.gguf")));
}

TEST(file_choice_test, misses_parts) {
  EXPECT_THAT(
      refusal(listing_of({"a-00001-of-00003.gguf", "a-00003-of-00003.gguf"})),
      HasSubstr("of the 3 files of \"a\" the hub lists 2"));
}

TEST(file_choice_test, never_takes_pickled_weights) {
  auto only = listing_of({"config.json", "pytorch_model.bin"});
  EXPECT_THAT(refusal(only),
              AllOf(HasSubstr("pickled"), HasSubstr("pytorch_model.bin")));
  EXPECT_THAT(refusal(only, "*.bin"), HasSubstr("no .gguf file"));
  EXPECT_THAT(refusal(listing_of({"README.md"})), HasSubstr("nothing else"));
  EXPECT_THAT(refusal(listing_of({"adapter_model.safetensors"})),
              HasSubstr("neither model.safetensors"));
  EXPECT_THAT(refusal(listing_of({"model.safetensors"})),
              HasSubstr("no config.json"));
}

TEST(file_choice_test, refuses_files_that_cannot_be_verified) {
  auto listing = listing_of({"config.json", "model.safetensors"});
  listing.files[1].id.hex.clear();
  EXPECT_THAT(refusal(listing),
              HasSubstr("no checksum of \"model.safetensors\""));
}

TEST(file_choice_test, knows_safe_names) {
  for (auto name : {"a", "model.safetensors", "1_Pooling/config.json",
                    "a b.gguf", "ä.gguf"})
    EXPECT_TRUE(is_safe_file_name(name)) << name;
  for (std::string_view name :
       {"", "/etc/passwd", "..", "../a", "a/../b", "a/..", "a/", "a//b", ".",
        "./a", ".git/config", "a/.b", "a\\b", "a\nb", "a\x1b[0m",
        "a/b/c/d/e/f"})
    EXPECT_FALSE(is_safe_file_name(name)) << name;
  EXPECT_FALSE(is_safe_file_name(std::string_view{"a\0b", 3}));
  EXPECT_FALSE(is_safe_file_name(std::string(256, 'a')));
}

TEST(file_choice_test, does_not_write_where_a_hub_may_not) {
  EXPECT_THAT(refusal(listing_of({"x/\n.gguf"}), "*"),
              HasSubstr("no name that may be written"));
  // A folder before a .gguf file is left out, whatever it is.
  EXPECT_THAT(chosen(listing_of({"../../a.gguf"})),
              ElementsAre("../../a.gguf as a.gguf"));
}

// -- the list of files --------------------------------------------------------

std::string listing_json(std::string_view files) {
  return fmt::format(R"({{"sha":"{}","siblings":[{}]}})", std::string(40, 'c'),
                     files);
}

TEST(hub_listing_test, reads_both_kinds_of_checksums) {
  auto listing = read_hub_listing(listing_json(
      R"({"rfilename":"config.json","size":5,"blobId":")" + std::string(40, 'b')
      + R"("},{"rfilename":"w","size":9,"blobId":")" + std::string(40, 'b')
      + R"(","lfs":{"sha256":")" + std::string(64, 'd')
      + R"(","size":8000000000,"pointerSize":134}},{"rfilename":"none"})"));
  EXPECT_EQ(listing.commit, std::string(40, 'c'));
  ASSERT_EQ(listing.files.size(), 3U);
  EXPECT_EQ(listing.files[0].size, 5U);
  EXPECT_EQ(listing.files[0].id,
            (blob_id{digest_kind::git_sha1, std::string(40, 'b')}));
  EXPECT_EQ(listing.files[1].size, 8'000'000'000U);
  EXPECT_EQ(listing.files[1].id,
            (blob_id{digest_kind::sha256, std::string(64, 'd')}));
  EXPECT_EQ(listing.files[2].id.hex, "");
}

TEST(hub_listing_test, refuses_what_is_no_list) {
  for (auto body : {std::string{"<html>"}, std::string{"{}"},
                    std::string{R"({"sha":"main","siblings":[]})"},
                    listing_json(R"({"size":1})"),
                    listing_json(R"({"rfilename":"a","size":-1})"),
                    listing_json(R"({"rfilename":"a","size":1,"blobId":"x"})"),
                    listing_json(R"({"rfilename":"a"},{"rfilename":"a"})")})
    EXPECT_NE(error_of([&] { read_hub_listing(body); }), "") << body;
}

} // namespace
} // namespace model_server
