// The list of entries of this build, and how one is made.
#pragma once

#include "config/entry_params.hpp"
#include "models/entry.hpp"
#include "models/load_watch.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// Everything an entry is made from.
struct entry_spec {
  /// As config.json gave them.
  entry_params params;
  /// `cpu`, `cuda:0`, or `virtual:0` (the CPU under another name).
  std::string device = "cpu";
  load_watch watch = nullptr;
};

/// Makes a loaded entry; throws `std::runtime_error` with one sentence that
/// says what is wrong with which parameter or file.
using entry_factory = std::unique_ptr<model_entry> (*)(const entry_spec&);

/// Throws `config_error` for params that the entry can't be made from, as far
/// as that shows without loading it.
using params_check = void (*)(const entry_params&);

/// Bytes that the entry takes at least, weights and the memory that its params
/// name.
using memory_estimate = std::uint64_t (*)(const entry_params&);

/// One entry of entries.def.
struct catalog_line {
  std::string_view name;
  entry_factory make;
  /// Null if only loading shows what is wrong.
  params_check check;
  /// Null if only loading shows what it takes.
  memory_estimate estimate;
};

/// All entries, in the order of entries.def.
const std::vector<catalog_line>& model_catalog();

/// Their names, for `surroundings::entries`.
std::vector<std::string> entry_names();

/// Makes the entry called `name`. Throws `std::runtime_error` if there is none
/// (naming those that are) or if it does not load.
std::unique_ptr<model_entry> make_entry(std::string_view name,
                                        const entry_spec& spec);

/// Throws the `config_error` that `make_entry` would throw for these params, if
/// it can be told without loading the entry.
void check_params(std::string_view name, const entry_params& params);

/// Bytes of memory that the entry is known to need with these params; 0 if
/// nothing is known.
std::uint64_t estimate_memory(std::string_view name,
                              const entry_params& params);

} // namespace model_server
