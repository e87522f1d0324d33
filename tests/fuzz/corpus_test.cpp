// Reads every file of the corpora once, without a fuzzer.
#include "tests/fuzz/harness.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

using namespace model_server::testing;

namespace {

class fuzz_corpus : public ::testing::TestWithParam<harness> {};

} // namespace

TEST_P(fuzz_corpus, is_read_or_refused) {
  auto folder = std::filesystem::path{"tests/fuzz/corpus"} / GetParam().name;
  std::size_t files = 0;
  for (auto& each : std::filesystem::directory_iterator{folder}) {
    SCOPED_TRACE(each.path().string());
    std::ifstream in{each.path(), std::ios::binary};
    std::string content{std::istreambuf_iterator<char>{in}, {}};
    EXPECT_NO_THROW(GetParam().run(content));
    // Cut off anywhere it is some other file.
    for (std::size_t parts = 1; parts < 8; ++parts)
      EXPECT_NO_THROW(GetParam().run(
          std::string_view{content}.substr(0, content.size() * parts / 8)));
    ++files;
  }
  EXPECT_GT(files, 0u) << folder << " is empty";
}

INSTANTIATE_TEST_SUITE_P(all, fuzz_corpus, ::testing::ValuesIn(harnesses()),
                         [](auto& each) {
                           return std::string{each.param.name};
                         });
