// The list of entries, and how one is made by name.
#include "models/model_catalog.hpp"

#include "tests/models/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace model_server {

namespace {

using ::testing::Contains;
using testing::error_of;
using ::testing::StartsWith;

TEST(model_catalog_test, lists_the_entries_by_name) {
  auto names = entry_names();
  ASSERT_EQ(names.size(), model_catalog().size());
  EXPECT_THAT(names, Contains("echo"));
  for (const auto& line : model_catalog()) {
    EXPECT_NE(line.make, nullptr);
    EXPECT_EQ(std::count(names.begin(), names.end(), line.name), 1)
        << line.name;
  }
}

TEST(model_catalog_test, makes_an_entry_by_name) {
  EXPECT_NE(make_entry("echo", {}), nullptr);
}

TEST(model_catalog_test, names_the_known_entries_for_an_unknown_one) {
  auto sentence = "there is no entry \"ecko\"; known are causal_lm, ";
  EXPECT_THAT(error_of([] { make_entry("ecko", {}); }), StartsWith(sentence));
  EXPECT_THAT(error_of([] { check_params("ecko", {}); }), StartsWith(sentence));
}

TEST(model_catalog_test, says_whose_params_are_wrong) {
  entry_spec spec;
  spec.params.values.emplace_back("x", true);
  EXPECT_THAT(error_of([&] { make_entry("echo", spec); }),
              StartsWith("entry echo: there is no parameter \"x\""));
}

TEST(model_catalog_test, tells_wrong_params_without_loading) {
  auto error = [](const std::string& entry, entry_params params) {
    return error_of([&] { check_params(entry, params); });
  };
  for (const auto& line : model_catalog())
    EXPECT_THAT(error(std::string{line.name}, {true, {7, {"", true}}}),
                StartsWith("entry " + std::string{line.name} + ": "));
  EXPECT_EQ(error("causal_lm", {false, {{"path", "none"}}}),
            "entry causal_lm: parameter \"path\" is \"none\", but there is no "
            "such folder");
  EXPECT_EQ(error("torch_script", {false, {{"path", "none"}}}),
            "entry torch_script: parameter \"path\" is \"none\", but there is "
            "no such file");
  EXPECT_EQ(error("plugin", {false, {{"library", "none"}}}),
            "entry plugin: parameter \"library\" is \"none\", but there is no "
            "such file");
  EXPECT_EQ(error("fault", {false, {{"enable", true}, {"load_throw", "x"}}}),
            "");
}

} // namespace

} // namespace model_server
