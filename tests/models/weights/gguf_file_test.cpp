// Tests that GGUF files are read right, and hostile ones refused.
#include "tests/models/weights/gguf_bytes.hpp"

#include "models/weights/convert.hpp"
#include "models/weights/gguf_file.hpp"

#include "tests/models/temporary_folder.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

using namespace model_server;
using namespace model_server::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

// What is said about a file with this content.
std::string refusal(const std::string& content) {
  return error_of([&] { gguf_file file{bytes_of(content), "bad.gguf"}; });
}

// One tensor of 32 bytes of data, of which the rest of the line is given.
gguf_bytes one_tensor(const std::vector<std::uint64_t>& extents,
                      std::uint32_t type, std::uint64_t offset) {
  gguf_bytes result;
  result.tensor("x.y", extents, type, offset);
  result.data = std::string(32, '\1');
  return result;
}

std::string tensor_refusal(const std::vector<std::uint64_t>& extents,
                           std::uint32_t type, std::uint64_t offset) {
  return refusal(one_tensor(extents, type, offset).bytes());
}

} // namespace

TEST(gguf_file_test, values_and_tensors_are_found_where_they_lie) {
  gguf_bytes made;
  made.text("general.architecture", "llama")
      .integer("general.alignment", 64)
      .number("llama.rope.freq_base", 1e4f)
      .boolean("tokenizer.ggml.add_bos_token", true)
      .pair("small", little(1u) + little<std::int8_t>(-3))
      .pair("huge", little(10u) + little(~std::uint64_t{0}))
      .pair("fine", little(12u) + little(0.1))
      .texts("names", {"a", "", "bc"})
      .integers("kinds", {3, -1})
      .numbers("scores", {0.5f});
  made.alignment = 64;
  made.tensor("b", {4, 2}, 1, 64).tensor("a", {}, 0, 0);
  made.data = little(2.5f) + std::string(60, '\0') + std::string(16, '\x3c');
  auto content = made.bytes();
  for (std::uint32_t version : {2u, 3u}) {
    content.replace(4, 4, little(version));
    gguf_file file{bytes_of(content), "good.gguf"};
    auto& metadata = file.metadata();
    EXPECT_EQ(metadata.require_text("general.architecture"), "llama");
    EXPECT_EQ(metadata.number("llama.rope.freq_base", 1, 1e9), 1e4);
    EXPECT_EQ(metadata.boolean("tokenizer.ggml.add_bos_token"), true);
    EXPECT_EQ(metadata.integer("small", -8, 8), -3);
    EXPECT_EQ(metadata.integer("huge", 0, INT64_MAX), INT64_MAX);
    EXPECT_EQ(metadata.number("fine", 0, 1), 0.1);
    EXPECT_EQ(metadata.text("none"), std::nullopt);
    gguf_elements names{*metadata.strings("names")};
    EXPECT_EQ(names.next_string(), "a");
    EXPECT_EQ(names.next_string(), "");
    EXPECT_EQ(names.next_string(), "bc");
    EXPECT_TRUE(names.done());
    gguf_elements kinds{*metadata.integers("kinds")};
    EXPECT_EQ(kinds.next_integer(), 3);
    EXPECT_EQ(kinds.next_integer(), -1);
    EXPECT_EQ(gguf_elements{*metadata.numbers("scores")}.next_number(), 0.5);
    // The file's shape begins with the length of a row, ours ends with it.
    auto& b = file.require("b", {2, 4});
    EXPECT_EQ(b.format, number_format::f16);
    EXPECT_EQ(b.bytes.size(), 16u);
    EXPECT_THAT(to_floats(file.require("a", {})), ElementsAre(2.5f));
    EXPECT_EQ(file.find("c"), nullptr);
  }
}

TEST(gguf_file_test, a_value_of_another_kind_is_refused_by_name) {
  gguf_bytes made;
  made.text("text", "abc").integer("number", 7).texts("names", {"a"});
  made.text("broken", "\xff").number("infinite", 1.0f / 0.0f);
  auto content = made.bytes();
  gguf_file file{bytes_of(content), "odd.gguf"};
  auto& metadata = file.metadata();
  auto said = [](auto action) { return error_of(action); };
  EXPECT_THAT(said([&] { metadata.integer("text", 0, 9); }),
              AllOf(HasSubstr("odd.gguf"), HasSubstr("`text` is \"abc\""),
                    HasSubstr("from 0 to 9")));
  EXPECT_THAT(said([&] { metadata.integer("number", 0, 6); }),
              HasSubstr("`number` is 7, must be a whole number from 0 to 6"));
  EXPECT_THAT(said([&] { metadata.text("number"); }),
              HasSubstr("`number` is 7, must be a string"));
  EXPECT_THAT(said([&] { metadata.text("broken"); }), HasSubstr("UTF-8"));
  EXPECT_THAT(said([&] { metadata.number("infinite", 0, 9); }),
              HasSubstr("`infinite` is inf"));
  EXPECT_THAT(said([&] { metadata.number("names", 0, 9); }),
              HasSubstr("`names` is an array of 1 string"));
  EXPECT_THAT(said([&] { metadata.numbers("names"); }),
              HasSubstr("must be an array of numbers"));
  EXPECT_THAT(said([&] { metadata.strings("text"); }),
              HasSubstr("must be an array"));
  EXPECT_THAT(said([&] { metadata.require_text("none"); }),
              HasSubstr("`none` is missing"));
}

TEST(gguf_file_test, other_magic_versions_and_byte_orders_are_refused_by_name) {
  auto of_version = [](std::uint32_t version) {
    gguf_bytes made;
    made.version = version;
    return refusal(made.bytes());
  };
  EXPECT_THAT(refusal(""), AllOf(HasSubstr("bad.gguf"), HasSubstr("magic")));
  EXPECT_THAT(refusal("GGUX\3\0\0\0"), HasSubstr("does not begin with `GGUF`"));
  EXPECT_THAT(refusal("GGUF"), HasSubstr("the version takes 4 bytes"));
  for (auto version : {0u, 1u, 4u, 99u})
    EXPECT_THAT(of_version(version),
                HasSubstr(fmt::format("is of version {}", version)));
  EXPECT_THAT(of_version(0x03000000), HasSubstr("big endian"));
  EXPECT_EQ(of_version(3), "");
}

TEST(gguf_file_test, counts_and_lengths_beyond_the_file_are_refused) {
  constexpr auto huge = std::uint64_t{1} << 63;
  gguf_bytes made;
  made.tensor_count = huge;
  EXPECT_THAT(refusal(made.bytes()),
              HasSubstr("the number of tensors is 9223372036854775808"));
  made.tensor_count = 0;
  made.pair_count = huge;
  EXPECT_THAT(refusal(made.bytes()), HasSubstr("the number of keys is 92"));
  made.pair_count = 1;
  EXPECT_THAT(refusal(made.bytes()), HasSubstr("the number of keys is 1"));
  auto with = [](const std::string& pair) {
    gguf_bytes one;
    one.pair_count = 1;
    return refusal(one.bytes() + pair);
  };
  EXPECT_THAT(with(little(huge) + std::string(99, 'k')),
              HasSubstr("a key has 9223372036854775808 bytes"));
  EXPECT_THAT(with(little<std::uint64_t>(99) + std::string(50, 'k')),
              HasSubstr("a key takes 99 bytes"));
  EXPECT_THAT(with(counted("") + std::string(50, '\0')), HasSubstr("empty"));
  EXPECT_THAT(with(counted("\xff") + std::string(50, '\0')),
              HasSubstr("UTF-8"));
  EXPECT_THAT(with(counted("k") + little(8u) + little(huge) + "text"),
              HasSubstr("`k` takes 9223372036854775808 bytes"));
  EXPECT_THAT(with(counted("k") + gguf_bytes::array(0, huge) + "1234"),
              HasSubstr("`k` has 9223372036854775808 elements"));
  EXPECT_THAT(with(counted("k") + gguf_bytes::array(8, 2) + counted("a")
                   + little(huge)),
              HasSubstr("`k` takes"));
  EXPECT_THAT(with(counted("k") + gguf_bytes::array(12, 2) + "12345678"),
              HasSubstr("`k` has 2 elements, but only 8 bytes"));
}

TEST(gguf_file_test, unknown_types_and_nested_arrays_are_refused) {
  auto with = [](const std::string& value) {
    return refusal(gguf_bytes{}.pair("k", value).bytes());
  };
  EXPECT_THAT(with(little(255u) + "12345678"), HasSubstr("of type 255"));
  EXPECT_THAT(with(little(7u) + "\2"), HasSubstr("`k` is 2, a bool is 0 or 1"));
  EXPECT_THAT(with(gguf_bytes::array(13, 0)), HasSubstr("of type 13"));
  std::string deep;
  for (int i = 0; i < 1000; ++i)
    deep += gguf_bytes::array(9, 1);
  EXPECT_THAT(with(deep), HasSubstr("`k` is an array of arrays"));
}

TEST(gguf_file_test, what_is_there_twice_is_refused) {
  EXPECT_THAT(refusal(gguf_bytes{}.integer("k", 1).integer("k", 1).bytes()),
              HasSubstr("key `k` is there twice"));
  auto made = one_tensor({1}, 0, 0);
  made.data.resize(64);
  made.tensor("x.y", {1}, 0, 32);
  EXPECT_THAT(refusal(made.bytes()), HasSubstr("tensor `x.y` is there twice"));
}

TEST(gguf_file_test, alignments_that_are_none_are_refused) {
  for (auto alignment : {0u, 1u, 3u, 24u, 1u << 31})
    EXPECT_THAT(
        refusal(gguf_bytes{}.integer("general.alignment", alignment).bytes()),
        HasSubstr(fmt::format("`general.alignment` is {}", alignment)));
  EXPECT_THAT(refusal(gguf_bytes{}.text("general.alignment", "32").bytes()),
              HasSubstr("`general.alignment` is \"32\""));
}

TEST(gguf_file_test, each_false_claim_of_a_tensor_is_refused_by_name) {
  constexpr auto huge = std::uint64_t{1} << 40;
  EXPECT_EQ(tensor_refusal({8}, 0, 0), "");
  EXPECT_EQ(tensor_refusal({32}, 24, 0), "");
  for (auto& [said, reason] :
       std::initializer_list<std::pair<std::string, const char*>>{
           {tensor_refusal({1, 1, 1, 1, 1}, 0, 0), "5 dimensions, more than 4"},
           {tensor_refusal({1, 0}, 0, 0), "dimension of 0"},
           {tensor_refusal({huge, huge}, 0, 0), "larger than any memory"},
           {tensor_refusal({~std::uint64_t{0}}, 1, 0),
            "larger than any memory"},
           {tensor_refusal({~std::uint64_t{0} - 31}, 8, 0), "larger than any"},
           {tensor_refusal({8}, 255, 0), "type 255 (unknown)"},
           {tensor_refusal({256}, 16, 0), "type 16 (IQ2_XXS), which is not"},
           {tensor_refusal({48}, 2, 0), "Q4_0 takes multiples of 32"},
           {tensor_refusal({128}, 14, 0), "Q6_K takes multiples of 256"},
           {tensor_refusal({}, 8, 0), "Q8_0 takes multiples of 32"},
           {tensor_refusal({1}, 0, 4), "no multiple of 32"},
           {tensor_refusal({9}, 0, 0), "but the file has 32 bytes of data"},
           {tensor_refusal({1}, 0, 32), "but the file has 32 bytes of data"},
           {tensor_refusal({1}, 0, ~std::uint64_t{31}), "but the file has 32"},
       })
    EXPECT_THAT(said, AllOf(HasSubstr("bad.gguf"), HasSubstr("tensor `x.y`"),
                            HasSubstr(reason)));
  auto made = one_tensor({8}, 0, 0);
  made.tensor("z", {1}, 0, 0);
  EXPECT_THAT(refusal(made.bytes()), HasSubstr("overlaps"));
}

TEST(gguf_file_test, a_file_that_ends_anywhere_is_refused) {
  gguf_bytes made;
  made.text("a", "b").texts("c", {"d", "e"}).tensor("t", {32}, 8, 0);
  made.data = std::string(34, '\1');
  auto whole = made.bytes();
  ASSERT_EQ(refusal(whole), "");
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(refusal(whole.substr(0, size)), "") << size;
}

TEST(gguf_file_test, files_of_one_model_are_opened_as_one) {
  temporary_folder folder;
  auto part = [&](std::uint32_t number, std::uint32_t of, const char* tensor,
                  std::uint32_t tensors = 2) {
    gguf_bytes made;
    if (number == 0)
      made.text("general.architecture", "llama");
    made.integer("split.no", number).integer("split.count", of);
    made.integer("split.tensors.count", tensors);
    made.tensor(tensor, {1}, 0, 0);
    made.data = little(static_cast<float>(number));
    return made.bytes();
  };
  auto write = [&](int number, const std::string& content) {
    return folder.write(fmt::format("m-{:05}-of-00002.gguf", number), content);
  };
  auto said = [](const std::filesystem::path& path) {
    return error_of([&] { gguf_file file{path}; });
  };
  auto first = write(1, part(0, 2, "a"));
  EXPECT_THAT(said(first), HasSubstr("m-00002-of-00002.gguf"));
  auto second = write(2, part(1, 2, "b"));
  for (auto& path : {first, second}) {
    gguf_file file{path};
    EXPECT_EQ(file.metadata().require_text("general.architecture"), "llama");
    EXPECT_THAT(to_floats(file.require("a", {1})), ElementsAre(0.0f));
    EXPECT_THAT(to_floats(file.require("b", {1})), ElementsAre(1.0f));
  }
  write(2, part(1, 2, "a"));
  EXPECT_THAT(said(first), HasSubstr("tensor `a` is in another file, too"));
  write(2, part(0, 2, "b"));
  EXPECT_THAT(said(first), HasSubstr("`split.no` is 0, must be 1"));
  write(2, part(1, 3, "b"));
  EXPECT_THAT(said(first), HasSubstr("`split.count` is 3, must be 2"));
  write(2, part(1, 2, "b"));
  write(1, part(0, 2, "a", 3));
  EXPECT_THAT(said(first), HasSubstr("`split.tensors.count` is 3, but the 2 "
                                     "files hold 2 tensors"));
  EXPECT_THAT(said(folder.write("other.gguf", part(0, 2, "a"))),
              HasSubstr("NAME-00001-of-00002.gguf"));
  EXPECT_THAT(refusal(part(0, 2, "a")), HasSubstr("one file by itself"));
}
