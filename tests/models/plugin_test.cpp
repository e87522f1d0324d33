// The entry `plugin`: a model from a shared library, and libraries that are
// none.
#include "models/plugin.hpp"

#include "tests/models/entry_driver.hpp"
#include "tests/models/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace model_server {

namespace {

using testing::answer_of;
using testing::ask;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::StartsWith;

entry_spec named(const std::string& library) {
  return {{false, {{"library", library}}}, "cpu"};
}

std::string error_for(const std::string& library) {
  return error_of([&] { make_entry("plugin", named(library)); });
}

TEST(plugin_test, hands_the_other_params_to_the_model_by_name) {
  auto spec = named(CUSTOM_MODEL);
  spec.params.values.emplace_back("yes", "Oh yes!");
  auto entry = make_entry("plugin", spec);
  EXPECT_EQ(answer_of(*entry, ask("Is it so?"), 3), "Hm. Oh yes!");
}

TEST(plugin_test, hands_the_other_params_to_the_model_by_position) {
  entry_spec spec;
  spec.params.positional = true;
  spec.params.values = {{"", CUSTOM_MODEL}, {"", "Well."}, {"", "Aye."}};
  auto entry = make_entry("plugin", spec);
  EXPECT_EQ(answer_of(*entry, ask("Is it so?"), 0), "Well. Aye.");
}

TEST(plugin_test, may_be_loaded_many_times) {
  auto one = make_entry("plugin", named(CUSTOM_MODEL));
  auto two = make_entry("plugin", named(CUSTOM_MODEL));
  one.reset();
  EXPECT_EQ(answer_of(*two, ask("?"), 1), "Hm. No.");
}

TEST(plugin_test, passes_on_what_the_model_says_of_its_params) {
  auto spec = named(CUSTOM_MODEL);
  spec.params.values.emplace_back("maybe", "?");
  EXPECT_EQ(error_of([&] { make_entry("plugin", spec); }),
            "entry plugin: there is no parameter \"maybe\"; known are "
            "greeting, yes, no");
}

TEST(plugin_test, wants_a_library) {
  EXPECT_EQ(error_of([] { make_entry("plugin", {}); }),
            "entry plugin: parameter \"library\" is missing");
  EXPECT_EQ(error_of([] {
              make_entry("plugin", {{true, {{"", std::int64_t{1}}}}, "cpu"});
            }),
            "entry plugin: parameter \"library\" is 1, but a text is needed");
}

TEST(plugin_test, names_a_file_that_is_not_there) {
  EXPECT_EQ(error_for("none/libx.so"),
            "entry plugin: parameter \"library\" is \"none/libx.so\", but "
            "there is no such file");
}

TEST(plugin_test, names_a_file_that_is_no_library) {
  testing::temporary_folder folder;
  auto file = folder.write("libx.so", "not a library").string();
  EXPECT_THAT(error_for(file), StartsWith("entry plugin: the library \"" + file
                                          + "\" cannot be loaded: "));
}

TEST(plugin_test, names_what_a_library_lacks) {
  EXPECT_EQ(error_for(ODD_SYMBOL_PLUGIN),
            "entry plugin: the library \"" ODD_SYMBOL_PLUGIN
            "\" is no plug-in: it has no function model_server_plugin; write "
            "MODEL_SERVER_PLUGIN(factory) in it");
}

TEST(plugin_test, refuses_another_version_of_the_interface) {
  auto here = std::to_string(plugin_interface_version);
  auto there = std::to_string(plugin_interface_version + 1);
  EXPECT_EQ(error_for(ODD_VERSION_PLUGIN),
            "entry plugin: the plug-in \"" ODD_VERSION_PLUGIN
            "\" was built for version "
                + there + " of the interface, but this server has version "
                + here + "; build it again with the server's headers");
}

TEST(plugin_test, refuses_another_compiler) {
  EXPECT_THAT(error_for(ODD_COMPILER_PLUGIN),
              HasSubstr("was built by compiler \"another\", but this server by "
                        "\"" __VERSION__ "\"; build it again with the same"));
}

TEST(plugin_test, names_a_plugin_that_makes_nothing) {
  EXPECT_EQ(error_for(ODD_FACTORY_PLUGIN),
            "the plug-in \"" ODD_FACTORY_PLUGIN "\" made no model");
}

TEST(plugin_test, keeps_its_names_and_shares_its_exceptions) {
  auto entry = make_entry("plugin", named(ODD_NAME_PLUGIN));
  try {
    entry->encode(ask("hello"));
    FAIL() << "the server's own make_echo was called";
  } catch (const bad_chat& refusal) {
    EXPECT_STREQ(refusal.what(), "not today");
  }
}

} // namespace

} // namespace model_server
