// What an action says when it throws.
#pragma once

#include "config/entry_params.hpp"

#include <string>

namespace model_server::testing {

/// The text of the `config_error` that `action` throws; empty if it does not.
template <class Action>
std::string config_error_of(Action action) {
  try {
    action();
  } catch (const config_error& error) {
    return error.what();
  }
  return {};
}

} // namespace model_server::testing
