// The example of docs/custom-model.md does what the page says, word for word.
#include "models/model_catalog.hpp"

#include "tests/models/entry_driver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace model_server {

// In oracle.cpp, which is linked to this test as an entry of the build would
// be.
std::unique_ptr<model_entry> make_oracle(const entry_spec& spec);

namespace {

using testing::answer_of;
using testing::ask;
using testing::driven_reply;
using ::testing::HasSubstr;
using testing::run_alone;

std::string content_of(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  EXPECT_TRUE(in) << path;
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

entry_spec greeting(std::string text) {
  return {{false, {{"greeting", std::move(text)}}}, "cpu"};
}

TEST(custom_model_test, the_page_quotes_the_example) {
  EXPECT_THAT(content_of("docs/custom-model.md"),
              HasSubstr("```cpp\n"
                        + content_of("tests/models/custom_model/oracle.cpp")
                        + "```\n"));
}

TEST(custom_model_test, answers_by_the_seed) {
  auto entry = make_oracle(greeting("Hello."));
  EXPECT_EQ(answer_of(*entry, ask("Rain?"), 0), "Hello. Yes.");
  EXPECT_EQ(answer_of(*entry, ask("Rain?"), 1), "Hello. No.");
  EXPECT_EQ(answer_of(*entry, ask("Rain?"), 2), "Hello. Ask again later.");
}

TEST(custom_model_test, goes_on_where_another_worker_stopped) {
  auto first = make_oracle({});
  driven_reply whole{*first, 1, ask("Rain?")};
  auto tokens = run_alone(*first, whole);
  for (std::size_t k = 0; k <= tokens.size(); ++k) {
    auto second = make_oracle({});
    driven_reply rest{
        *second,
        1,
        ask("Rain?"),
        {},
        {tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(k)}};
    EXPECT_EQ(run_alone(*second, rest), tokens) << "after " << k;
  }
}

} // namespace

} // namespace model_server
