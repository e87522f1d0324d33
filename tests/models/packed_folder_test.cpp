// Tests of folders whose weights are packed: the same model as one that is
// packed when it is loaded.
#include "tests/models/net_reference.hpp"
#include "tests/models/temporary_folder.hpp"

#include "models/nets/decoder.hpp"
#include "models/nets/families/families.hpp"
#include "models/nets/packed_folder.hpp"
#include "models/nets/packed_tensors.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

using namespace model_server;
using namespace model_server::testing;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

namespace {

constexpr packed_format formats[] = {packed_format::int8, packed_format::int4,
                                     packed_format::bf16};

std::vector<float> scores_of(const fs::path& folder, const weight_form& form) {
  auto net = load_decoder_cpu(read_decoder_spec(folder),
                              std::make_shared<weight_folder>(folder), form);
  net->make_blocks(4);
  block_id blocks[] = {0, 1, 2, 3};
  std::vector<token_id> tokens{5, 7, 11, 13, 17, 19};
  net_input input{.id = 1,
                  .position = 0,
                  .blocks = blocks,
                  .tokens = tokens,
                  .scores_wanted = 2};
  std::vector<float> result(2 * net->vocabulary());
  net->forward({&input, 1}, result.data());
  return result;
}

class packed_folder_test : public ::testing::Test {
protected:
  // What is wrong with a folder whose packed file was changed.
  std::string refusal(std::string_view what, std::string_view by) {
    auto to = folder.path() / "packed";
    write_packed_folder(source, to, packed_format::int8);
    auto path = to / "model.safetensors";
    std::ifstream in{path, std::ios::binary};
    std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    auto place = bytes.find(what);
    EXPECT_NE(place, std::string::npos) << what;
    bytes.replace(place, what.size(), by);
    std::ofstream{path, std::ios::binary} << bytes;
    auto result = error_of([&] { scores_of(to, {}); });
    fs::remove_all(to);
    return result;
  }

  // A folder with both files and an index that takes one matrix of layer 0
  // from the second.
  fs::path mix(const fs::path& one, const fs::path& two,
               const std::string& matrix) {
    auto result = folder.path() / ("mix_" + matrix);
    fs::create_directory(result);
    fs::copy_file(one / "config.json", result / "config.json");
    fs::copy_file(one / "model.safetensors", result / "one.safetensors");
    fs::copy_file(two / "model.safetensors", result / "two.safetensors");
    std::string map;
    auto add = [&](const std::string& name, const char* file) {
      map += (map.empty() ? "\"" : ",\"") + name + "\":\"" + file + "\"";
    };
    auto is_taken = [&](const std::string& name) {
      return name.find("layers.0.") != name.npos
             && name.find(matrix) != name.npos;
    };
    safetensors_file first{result / "one.safetensors"};
    safetensors_file second{result / "two.safetensors"};
    for (const auto& [name, _] : first.tensors())
      if (!is_taken(name))
        add(name, "one.safetensors");
    for (const auto& [name, _] : second.tensors())
      if (is_taken(name))
        add(name, "two.safetensors");
    std::ofstream{result / "model.safetensors.index.json"}
        << "{\"weight_map\":{" << map << "}}";
    return result;
  }

  fs::path source = network_folder("gqa-tied-bf16");
  temporary_folder folder;
};

} // namespace

TEST_F(packed_folder_test, gives_the_bits_of_weights_packed_when_loaded) {
  for (auto name : llama_names)
    for (auto format : formats) {
      auto from = network_folder(name);
      auto to = folder.path() / (std::string{name} + to_string(format).data());
      std::vector<double> progress;
      auto sizes = write_packed_folder(
          from, to, format, [&](double done) { progress.push_back(done); });
      EXPECT_EQ(scores_of(to, {}), scores_of(from, {std::nullopt, format}))
          << name << ' ' << to_string(format);
      // What is there already may be asked for.
      EXPECT_EQ(scores_of(to, {std::nullopt, format}), scores_of(to, {}));
      EXPECT_GT(sizes.bytes_before, 0u);
      EXPECT_TRUE(std::ranges::is_sorted(progress));
      EXPECT_EQ(progress.back(), 1.0);
      // Other files come along.
      EXPECT_TRUE(fs::exists(to / "config.json"));
      EXPECT_TRUE(fs::exists(to / "reference.json"));
    }
}

// Fused matrices, stacks of experts and matrices that lie the other way round
// among them.
TEST_F(packed_folder_test, gives_the_same_bits_in_every_family) {
  for (const auto& name : family_names()) {
    auto from = network_folder(name);
    auto to = folder.path() / name;
    write_packed_folder(from, to, packed_format::int8);
    EXPECT_EQ(scores_of(to, {}),
              scores_of(from, {std::nullopt, packed_format::int8}))
        << name;
  }
}

TEST_F(packed_folder_test, is_not_written_over_another) {
  folder.write("note", "mine");
  EXPECT_THAT(error_of([&] {
                write_packed_folder(source, folder.path(), packed_format::int8);
              }),
              HasSubstr("is there already"));
  EXPECT_TRUE(fs::exists(folder.path() / "note"));
}

TEST_F(packed_folder_test, what_was_left_by_an_interruption_is_no_hindrance) {
  auto to = folder.path() / "packed";
  fs::create_directory(folder.path() / "packed.partial");
  folder.write("packed.partial/model.safetensors", "half");
  write_packed_folder(source, to, packed_format::int8);
  EXPECT_EQ(scores_of(to, {}),
            scores_of(source, {std::nullopt, packed_format::int8}));
  EXPECT_FALSE(fs::exists(folder.path() / "packed.partial"));
}

// Some of these matrices take their input as bytes, some as floats.
TEST_F(packed_folder_test, matrices_of_one_input_may_have_different_forms) {
  auto to = folder.path() / "packed";
  write_packed_folder(source, to, packed_format::int8);
  auto other = folder.path() / "other";
  write_packed_folder(source, other, packed_format::bf16);
  auto whole = scores_of(to, {});
  auto exact = scores_of(source, {number_format::f32, std::nullopt});
  auto error = [&](const std::vector<float>& scores) {
    double sum = 0.0;
    for (std::size_t i = 0; i < exact.size(); ++i)
      sum += std::pow(double{scores[i]} - exact[i], 2.0);
    return std::sqrt(sum);
  };
  for (const auto* name : {"gate_proj", "q_proj", "up_proj", "v_proj"}) {
    auto mixed = scores_of(mix(to, other, name), {});
    EXPECT_NE(mixed, whole) << name;
    EXPECT_LT(error(mixed), 1.5 * error(whole)) << name;
  }
}

TEST_F(packed_folder_test, embedding_and_head_are_never_in_4_bits) {
  auto to = folder.path() / "packed";
  write_packed_folder(source, to, packed_format::int4);
  weight_folder packed{to};
  EXPECT_NE(packed.find("model.embed_tokens.weight.int8"), nullptr);
  EXPECT_NE(packed.find("model.layers.0.mlp.up_proj.weight.int4"), nullptr);
  auto spec = read_decoder_spec(source);
  for (auto format : formats) {
    auto of_tokens =
        format == packed_format::int4 ? packed_format::int8 : format;
    EXPECT_EQ(format_of_matrix(spec.embedding, format), of_tokens);
    EXPECT_EQ(format_of_matrix(spec.layers[0].mlp.up, format), format);
  }
}

TEST_F(packed_folder_test, is_not_packed_again) {
  auto first = folder.path() / "first", second = folder.path() / "second";
  write_packed_folder(source, first, packed_format::int8);
  EXPECT_THAT(error_of([&] {
                write_packed_folder(first, second, packed_format::int4);
              }),
              HasSubstr("is packed already"));
  EXPECT_FALSE(fs::exists(second));
}

TEST_F(packed_folder_test, is_kept_in_the_form_it_has) {
  auto to = folder.path() / "packed";
  write_packed_folder(source, to, packed_format::int8);
  for (const auto& form : {weight_form{std::nullopt, packed_format::int4},
                           weight_form{number_format::f32, std::nullopt}})
    EXPECT_THAT(error_of([&] { scores_of(to, form); }),
                HasSubstr("lies packed as int8"));
}

TEST_F(packed_folder_test, a_tensor_of_another_shape_or_place_is_named) {
  // The embedding has 7 blocks of 16 rows.
  EXPECT_THAT(refusal("weight.int8\":{\"dtype\":\"U8\",\"shape\":[7,",
                      "weight.int8\":{\"dtype\":\"I8\",\"shape\":[7,"),
              HasSubstr("model.embed_tokens.weight.int8` is I8"));
  EXPECT_THAT(refusal("embed_tokens", "embed_tokenz"), HasSubstr("is missing"));
}

TEST_F(packed_folder_test, what_does_not_begin_at_a_line_is_refused) {
  auto to = folder.path() / "packed";
  write_packed_folder(source, to, packed_format::int8);
  auto path = to / "model.safetensors";
  std::ifstream in{path, std::ios::binary};
  std::string bytes{std::istreambuf_iterator<char>{in}, {}};
  // A header that is longer by a space.
  auto length = static_cast<unsigned char>(bytes[0]);
  bytes[0] = static_cast<char>(length + 1);
  bytes.insert(bytes.find("}  "), " ");
  std::ofstream{path, std::ios::binary} << bytes;
  EXPECT_THAT(error_of([&] { scores_of(to, {}); }),
              HasSubstr("multiple of 64 bytes"));
}
