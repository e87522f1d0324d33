// Tests that weight files are read right, and hostile ones refused.
#include "tests/models/temporary_folder.hpp"

#include "models/weights/weight_folder.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sys/stat.h>

using namespace model_server;
using namespace model_server::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

// A file with this header, whatever it says, and this many bytes of data.
std::string file_of(const std::string& header, std::size_t data_bytes) {
  std::string result(8, '\0');
  for (int i = 0; i < 8; ++i)
    result[static_cast<std::size_t>(i)] =
        static_cast<char>(header.size() >> (8 * i));
  result += header;
  for (std::size_t i = 0; i < data_bytes; ++i)
    result += static_cast<char>(i);
  return result;
}

class safetensors_test : public ::testing::Test {
protected:
  // What is said about a file with this content.
  std::string refusal(const std::string& content) {
    auto path = folder.write("bad.safetensors", content);
    return error_of([&] { safetensors_file file{path}; });
  }

  std::string header_refusal(const std::string& header,
                             std::size_t data_bytes) {
    return refusal(file_of(header, data_bytes));
  }

  temporary_folder folder;
};

} // namespace

TEST_F(safetensors_test, tensors_are_found_where_they_lie) {
  auto path = folder.write(
      "model.safetensors",
      file_of(R"({"__metadata__":{"format":"pt"},)"
              R"("b":{"dtype":"U8","shape":[2],"data_offsets":[8,10]},)"
              R"("a":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]},)"
              R"("none":{"dtype":"F32","shape":[0,4],"data_offsets":[8,8]},)"
              R"("one":{"dtype":"U8","shape":[],"data_offsets":[10,11]}})",
              11));
  safetensors_file file{path};
  EXPECT_EQ(file.tensors().size(), 4u);
  auto a = file.find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->format, number_format::bf16);
  EXPECT_THAT(a->shape, ElementsAre(2, 2));
  EXPECT_EQ(a->bytes.size(), 8u);
  EXPECT_EQ(std::to_integer<int>(a->bytes[3]), 3);
  EXPECT_EQ(std::to_integer<int>(file.find("b")->bytes[0]), 8);
  EXPECT_TRUE(file.find("none")->bytes.empty());
  EXPECT_EQ(std::to_integer<int>(file.find("one")->bytes[0]), 10);
  EXPECT_EQ(file.find("c"), nullptr);
}

TEST_F(safetensors_test, a_header_longer_than_the_file_is_refused) {
  EXPECT_THAT(refusal(""), HasSubstr("shorter than the 8 bytes"));
  EXPECT_THAT(refusal("1234567"), HasSubstr("shorter than the 8 bytes"));
  EXPECT_THAT(refusal(std::string("\x03\0\0\0\0\0\0\0{}", 10)),
              AllOf(HasSubstr("bad.safetensors"), HasSubstr("length is 3"),
                    HasSubstr("10 bytes in all")));
  EXPECT_THAT(refusal(std::string(8, '\xff') + "{}"),
              HasSubstr("18446744073709551615, more than 100000000"));
}

TEST_F(safetensors_test, a_header_that_is_no_object_is_refused) {
  EXPECT_THAT(header_refusal("[]", 0), HasSubstr("not a JSON object"));
  EXPECT_THAT(header_refusal("{", 0), HasSubstr("not JSON"));
  EXPECT_THAT(header_refusal("", 0), HasSubstr("not JSON"));
  EXPECT_THAT(header_refusal("{\"a\xff\":1}", 0), HasSubstr("not JSON"));
}

TEST_F(safetensors_test, a_million_levels_of_brackets_are_survived) {
  std::string deep(1'000'000, '[');
  EXPECT_THAT(header_refusal("{\"a\":" + deep + "}", 0), HasSubstr("not JSON"));
  std::string closed = deep + std::string(1'000'000, ']');
  EXPECT_THAT(header_refusal("{\"a\":" + closed + "}", 0),
              HasSubstr("tensor `a`"));
}

TEST_F(safetensors_test, each_false_claim_is_refused_by_name) {
  struct example {
    const char* tensor;
    const char* reason;
  };
  for (auto [tensor, reason] : {
           example{"3", "must hold"},
           example{R"({"dtype":"F32","shape":[1]})", "must hold"},
           example{R"({"dtype":"F32","shape":[1],"offsets":[0,4]})",
                   "`data_offsets` is missing"},
           example{R"({"dtype":"F33","shape":[1],"data_offsets":[0,4]})",
                   "unknown dtype `F33`"},
           example{R"({"dtype":7,"shape":[1],"data_offsets":[0,4]})",
                   "`dtype` is not a string"},
           example{R"({"dtype":"F32","shape":1,"data_offsets":[0,4]})",
                   "`shape` is not a list"},
           example{R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})",
                   "other than whole numbers"},
           example{R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})",
                   "other than whole numbers"},
           example{R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],)"
                   R"("data_offsets":[0,4]})",
                   "list of at most 8"},
           example{R"({"dtype":"F32","shape":[4294967296,4294967296],)"
                   R"("data_offsets":[0,4]})",
                   "larger than any memory"},
           example{R"({"dtype":"F64","shape":[2305843009213693952],)"
                   R"("data_offsets":[0,0]})",
                   "larger than any memory"},
           example{R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})",
                   "said to lie from 4 to 0"},
           example{R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})",
                   "the file has 4 bytes of data"},
           example{R"({"dtype":"F32","shape":[1],"data_offsets":[0,)"
                   R"(18446744073709551615]})",
                   "said to lie"},
           example{R"({"dtype":"F32","shape":[1],"data_offsets":[0,-4]})",
                   "list of two whole numbers"},
           example{R"({"dtype":"F32","shape":[1],"data_offsets":[0]})",
                   "list of two whole numbers"},
           example{R"({"dtype":"F32","shape":[1],"data_offsets":[0,3]})",
                   "needs 4 bytes, its data have 3"},
       })
    EXPECT_THAT(header_refusal(std::string{"{\"x.y\":"} + tensor + "}", 4),
                AllOf(HasSubstr("bad.safetensors"), HasSubstr("tensor `x.y`"),
                      HasSubstr(reason)))
        << tensor;
}

TEST_F(safetensors_test, gaps_overlaps_and_left_over_bytes_are_refused) {
  auto pair = [](const char* first, const char* second) {
    return fmt::format(
        R"({{"a":{{"dtype":"U8","shape":[4],"data_offsets":{}}},)"
        R"("b":{{"dtype":"U8","shape":[4],"data_offsets":{}}}}})",
        first, second);
  };
  EXPECT_EQ(header_refusal(pair("[4,8]", "[0,4]"), 8), "");
  EXPECT_THAT(header_refusal(pair("[0,4]", "[3,7]"), 7),
              HasSubstr("tensor `b` overlaps"));
  EXPECT_THAT(header_refusal(pair("[0,4]", "[0,4]"), 4), HasSubstr("overlaps"));
  EXPECT_THAT(header_refusal(pair("[0,4]", "[5,9]"), 9),
              HasSubstr("tensor `b` leaves a gap"));
  EXPECT_THAT(header_refusal(pair("[1,5]", "[5,9]"), 9),
              HasSubstr("tensor `a` leaves a gap"));
  EXPECT_THAT(header_refusal(pair("[0,4]", "[4,8]"), 10),
              HasSubstr("2 bytes at the end"));
}

TEST_F(safetensors_test, a_name_given_twice_is_refused) {
  auto line = R"("a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  EXPECT_THAT(header_refusal(fmt::format("{{{},{}}}", line, line), 0),
              HasSubstr("tensor `a` is there twice"));
}

TEST_F(safetensors_test, what_is_no_file_is_refused) {
  EXPECT_THAT(error_of([&] { safetensors_file{folder.path() / "none"}; }),
              HasSubstr("none: No such file"));
  EXPECT_THAT(error_of([&] { safetensors_file{folder.path()}; }),
              HasSubstr("not a regular file"));
  // Nobody will ever write to this pipe.
  auto pipe = folder.path() / "pipe.safetensors";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(error_of([&] { safetensors_file file{pipe}; }),
              HasSubstr("not a regular file"));
}

namespace {

class weight_folder_test : public safetensors_test {
protected:
  void write_shard(const std::string& file, const std::string& tensor) {
    folder.write(file, file_of("{\"" + tensor
                                   + R"(":{"dtype":"F32","shape":[1,2],)"
                                     R"("data_offsets":[0,8]}})",
                               8));
  }

  std::string index_refusal(const std::string& index) {
    folder.write("model.safetensors.index.json", index);
    return error_of([&] { weight_folder weights{folder.path()}; });
  }
};

} // namespace

TEST_F(weight_folder_test, an_index_leads_to_every_tensor) {
  write_shard("model-1.safetensors", "a");
  write_shard("model-2.safetensors", "b");
  folder.write("model.safetensors.index.json",
               R"({"metadata":{"total_size":16},"weight_map":)"
               R"({"a":"model-1.safetensors","b":"model-2.safetensors"}})");
  weight_folder weights{folder.path()};
  EXPECT_NE(weights.find("a"), nullptr);
  EXPECT_NE(weights.find("b"), nullptr);
  EXPECT_EQ(weights.find("c"), nullptr);
}

TEST_F(weight_folder_test, an_index_cannot_lead_out_of_its_folder) {
  write_shard("outside.safetensors", "a");
  std::filesystem::create_directory(folder.path() / "inside");
  for (auto file : {"../outside.safetensors", "/etc/passwd", "..", "", ".",
                    "inside/x.safetensors", "a\\\\b"})
    EXPECT_THAT(
        index_refusal(fmt::format(R"({{"weight_map":{{"a":"{}"}}}})", file)),
        AllOf(HasSubstr("tensor `a`"), HasSubstr("no file name")))
        << file;
  EXPECT_THAT(index_refusal(R"({"weight_map":{"a":"model\u0000-1"}})"),
              HasSubstr("tensor `a` lies in `model"));
  EXPECT_THAT(index_refusal(R"({"weight_map":{"a":7}})"),
              HasSubstr("no file name"));
}

TEST_F(weight_folder_test, an_index_that_is_wrong_is_refused) {
  write_shard("model-1.safetensors", "a");
  EXPECT_THAT(index_refusal("{}"), HasSubstr("`weight_map` is not an object"));
  EXPECT_THAT(index_refusal(R"({"weight_map":{"b":"model-1.safetensors"}})"),
              HasSubstr("tensor `b` is not in `model-1.safetensors`"));
  EXPECT_THAT(index_refusal(R"({"weight_map":{"a":"model-9.safetensors"}})"),
              HasSubstr("No such file"));
  EXPECT_THAT(index_refusal(R"({"weight_map":{"a":"model-1.safetensors",)"
                            R"("a":"model-1.safetensors"}})"),
              HasSubstr("there twice"));
}

TEST_F(weight_folder_test, a_folder_without_weights_says_what_it_lacks) {
  EXPECT_THAT(error_of([&] { weight_folder weights{folder.path()}; }),
              HasSubstr("neither model.safetensors nor"));
}

TEST_F(weight_folder_test, shapes_are_compared_with_what_is_needed) {
  write_shard("model.safetensors", "a");
  weight_folder weights{folder.path()};
  EXPECT_EQ(weights.require("a", {1, 2}).bytes.size(), 8u);
  EXPECT_THAT(error_of([&] {
                weights.require("a", {2, 1});
              }),
              HasSubstr("tensor `a` is [1, 2], config.json asks for [2, 1]"));
  EXPECT_THAT(error_of([&] { weights.require("a", {2}); }),
              HasSubstr("asks for [2]"));
  EXPECT_THAT(error_of([&] { weights.require("b", {2}); }),
              HasSubstr("tensor `b` is missing"));
}

TEST_F(weight_folder_test, numbers_that_are_no_weights_are_refused) {
  folder.write("model.safetensors",
               file_of(R"({"a":{"dtype":"I64","shape":[1],)"
                       R"("data_offsets":[0,8]}})",
                       8));
  weight_folder weights{folder.path()};
  EXPECT_THAT(error_of([&] { weights.require("a", {1}); }),
              HasSubstr("holds I64, only F32, F16, BF16 and blocks of GGUF files are read"));
}
