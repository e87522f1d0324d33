// Which folders are models, and where they are looked for.
#include "config/model_folders.hpp"

#include "tests/models/temporary_folder.hpp"

#include <gtest/gtest.h>

namespace model_server {

namespace {

namespace fs = std::filesystem;
using testing::temporary_folder;

void make_model(const fs::path& folder) {
  fs::create_directories(folder);
  std::ofstream{folder / "config.json"} << "{}";
}

TEST(model_folders_test, finds_models_one_and_two_levels_deep) {
  temporary_folder root;
  make_model(root.path() / "tiny");
  make_model(root.path() / "org" / "large");
  make_model(root.path() / "org" / "group" / "too-deep");
  fs::create_directories(root.path() / "empty");
  root.write("config.json", "{}");
  auto models = find_model_folders(root.path());
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].name, "org/large");
  EXPECT_EQ(models[1].name, "tiny");
  EXPECT_EQ(models[1].entry, "causal_lm");
  entry_params params{false, {{"path", (root.path() / "tiny").string()}}};
  EXPECT_EQ(models[1].params, params);
}

TEST(model_folders_test, sentence_transformers_make_embeddings) {
  temporary_folder root;
  make_model(root.path() / "embedder");
  std::ofstream{root.path() / "embedder" / "modules.json"} << "[]";
  auto models = find_model_folders(root.path());
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].entry, "embedding");
}

TEST(model_folders_test, does_not_look_for_models_inside_models) {
  temporary_folder root;
  make_model(root.path() / "tiny");
  make_model(root.path() / "tiny" / "checkpoint");
  EXPECT_EQ(find_model_folders(root.path()).size(), 1u);
}

TEST(model_folders_test, finds_gguf_files) {
  temporary_folder root;
  for (auto folder : {"one", "many", "org/whole"})
    fs::create_directories(root.path() / folder);
  for (auto file : {"loose.q8_0.gguf", "one/model.gguf", "many/a.gguf",
                    "many/b.gguf", "org/whole/big-00001-of-00002.gguf",
                    "org/whole/big-00002-of-00002.gguf", "many/readme.txt"})
    root.write(file, "GGUF");
  std::vector<std::pair<std::string, std::string>> found;
  for (auto& model : find_model_folders(root.path()))
    found.emplace_back(model.name,
                       fs::path{std::get<std::string>(model.params.values.at(0).second)}
                           .lexically_relative(root.path())
                           .string());
  std::vector<std::pair<std::string, std::string>> expected{
      {"loose.q8_0", "loose.q8_0.gguf"},
      {"many/a", "many/a.gguf"},
      {"many/b", "many/b.gguf"},
      {"one", "one/model.gguf"},
      {"org/whole", "org/whole/big-00001-of-00002.gguf"}};
  EXPECT_EQ(found, expected);
}

TEST(model_folders_test, passes_over_folders_that_cannot_be_names) {
  temporary_folder root;
  make_model(root.path() / ".cache");
  make_model(root.path() / "with space");
  make_model(root.path() / "org" / ".git");
  EXPECT_TRUE(find_model_folders(root.path()).empty());
  EXPECT_TRUE(find_model_folders(root.path() / "missing").empty());
}

TEST(model_folders_test, follows_links_to_folders) {
  temporary_folder root;
  temporary_folder elsewhere;
  make_model(elsewhere.path() / "model");
  fs::create_directory_symlink(elsewhere.path() / "model",
                               root.path() / "linked");
  fs::create_symlink(root.path() / "nowhere", root.path() / "broken");
  auto models = find_model_folders(root.path());
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].name, "linked");
}

TEST(model_folders_test, prefers_the_working_directory) {
  temporary_folder root;
  auto work = root.path() / "work";
  fs::create_directories(work / "models");
  fs::create_directories(root.path() / "project" / "models");
  auto program = root.path() / "project" / "build" / "release" / "model_api";
  fs::create_directories(program.parent_path());
  EXPECT_EQ(usual_models_folders(work, program), std::vector{work / "models"});
  EXPECT_EQ(usual_models_folders(root.path(), program),
            std::vector{root.path() / "project" / "models"});
}

TEST(model_folders_test, finds_what_was_installed_and_what_was_added) {
  temporary_folder root;
  auto made = [&](const char* folder) {
    fs::create_directories(root.path() / folder);
    return root.path() / folder;
  };
  auto program = made("usr/bin") / "model_api";
  auto find = [&] {
    return usual_models_folders(root.path() / "work", program, root.path());
  };
  EXPECT_TRUE(find().empty());
  auto shipped = made("usr/share/model-server/models");
  EXPECT_EQ(find(), std::vector{shipped});
  auto added = made("var/lib/model-server/models");
  EXPECT_EQ(find(), (std::vector{added, shipped}));
  auto own = made("work/models");
  EXPECT_EQ(find(), (std::vector{own, added, shipped}));
}

} // namespace

} // namespace model_server
