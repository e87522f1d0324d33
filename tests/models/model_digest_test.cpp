// Tests of what tells model folders apart.
#include "tests/models/net_reference.hpp"
#include "tests/models/temporary_folder.hpp"

#include "models/weights/model_digest.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

using namespace model_server;
using namespace model_server::testing;

namespace fs = std::filesystem;

namespace {

std::uint64_t digest_of(const fs::path& folder, std::string_view form = "f") {
  return model_digest(folder, weight_folder{folder}, form);
}

class model_digest_test : public ::testing::Test {
protected:
  model_digest_test() {
    for (const auto* name : {"config.json", "model.safetensors"})
      fs::copy_file(network_folder("gqa-tied-bf16") / name,
                    folder.path() / name);
  }

  temporary_folder folder;
};

} // namespace

TEST_F(model_digest_test, is_the_same_for_a_copy) {
  auto first = digest_of(folder.path());
  EXPECT_EQ(digest_of(folder.path()), first);
  EXPECT_EQ(first, digest_of(network_folder("gqa-tied-bf16")));
  folder.write("README.md", "says nothing");
  EXPECT_EQ(digest_of(folder.path()), first);
}

TEST_F(model_digest_test, sees_weights_prompts_and_form) {
  std::set<std::uint64_t> seen{digest_of(folder.path())};
  EXPECT_TRUE(seen.insert(digest_of(folder.path(), "packed int8")).second);
  folder.write("tokenizer_config.json", "{}");
  EXPECT_TRUE(seen.insert(digest_of(folder.path())).second);
  // The last number of the last tensor.
  auto path = folder.path() / "model.safetensors";
  std::fstream file{path, std::ios::binary | std::ios::in | std::ios::out};
  file.seekp(-1, std::ios::end);
  file.put('\x3d');
  file.close();
  EXPECT_TRUE(seen.insert(digest_of(folder.path())).second);
  for (auto name : llama_names)
    if (name != std::string{"gqa-tied-bf16"}) {
      EXPECT_TRUE(seen.insert(digest_of(network_folder(name))).second) << name;
    }
}
