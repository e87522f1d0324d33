// Tests how the environment chooses the form of the kernels.
#include "models/kernels/kernel_set.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

using namespace model_server;

namespace {

// Sets the variable for one test.
struct kernel_choice_test : ::testing::Test {
  static constexpr const char* variable = "MODEL_SERVER_ISA";

  kernel_choice_test() {
    if (auto value = std::getenv(variable); value != nullptr)
      before = value;
  }
  ~kernel_choice_test() override {
    if (before.empty())
      unsetenv(variable);
    else
      setenv(variable, before.c_str(), 1);
  }

  static std::string error_of(const char* name) {
    setenv(variable, name, 1);
    try {
      best_kernels();
      return "";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }

  std::string before;
};

} // namespace

TEST_F(kernel_choice_test, the_fastest_form_is_chosen_unless_one_is_named) {
  unsetenv(variable);
  EXPECT_EQ(&best_kernels(), usable_kernels().front());
}

TEST_F(kernel_choice_test, every_usable_form_can_be_named) {
  for (auto kernels : usable_kernels()) {
    std::string name = kernels->name;
    setenv(variable, name == "portable" ? "plain" : name.c_str(), 1);
    EXPECT_EQ(&best_kernels(), kernels);
  }
}

TEST_F(kernel_choice_test, another_name_is_refused) {
  EXPECT_THAT(error_of("neon2"), ::testing::HasSubstr("'neon2'"));
  EXPECT_THAT(error_of(""), ::testing::HasSubstr("''"));
}

TEST_F(kernel_choice_test, a_form_that_the_processor_lacks_is_refused) {
  for (std::string name : {"avx512", "avx2"}) {
    auto is_usable = false;
    for (auto kernels : usable_kernels())
      is_usable |= kernels->name == name;
    if (!is_usable) {
      EXPECT_THAT(error_of(name.c_str()), ::testing::HasSubstr(name));
    }
  }
}
