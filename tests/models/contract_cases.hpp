// The entries that the contract is checked with, and how each is made.
#pragma once

#include "config/entry_params.hpp"

#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

namespace model_server::testing {

/// One way to make an entry; an entry may have several.
struct contract_case {
  std::string name;
  std::string entry;
  /// Its params; it may write files into the folder.
  std::function<entry_params(const std::filesystem::path& folder)> params;
  /// Skipped while this is not there.
  std::string needed_file = {};

  /// What GoogleTest shows.
  friend void PrintTo(const contract_case& one, std::ostream* out) {
    *out << one.name;
  }
};

/// At least one for each entry of the catalog.
const std::vector<contract_case>& contract_cases();

} // namespace model_server::testing
