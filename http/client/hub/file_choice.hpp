// Which files of a model on a hub a server needs.
#pragma once

#include "http/client/hub/hub_listing.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// A file to fetch.
struct planned_file {
  /// What the hub calls it.
  std::string remote;
  /// What it is called in the folder of the model: safe to append to a path.
  std::string local;
  std::uint64_t size = 0;
  blob_id id;

  friend bool operator==(const planned_file&, const planned_file&) = default;
};

/// Of all files together.
std::uint64_t size_of(const std::vector<planned_file>& files);

/// True for a name that leads to nowhere but into the folder it is appended to:
/// 1 to 255 bytes between slashes, at most four folders deep, no control
/// characters, no backslash, no part that begins with a dot.
bool is_safe_file_name(std::string_view name);

/// The file that tells which .safetensors files make the model, if it must be
/// read before `choose_files`.
std::optional<planned_file> choose_index(const hub_listing& listing,
                                         std::string_view include);

/// The names in such a file. Throws `std::runtime_error`.
std::vector<std::string> read_index(std::string text);

/// The files to fetch. `include` names a .gguf file, with `*` and `?`, by its
/// name or whole path; `shards` are the names in the index, if there is one.
/// Throws `std::runtime_error`, a sentence for the user, if the model has
/// nothing that is served, more than one thing, or files that the hub gives no
/// checksum or no safe name.
std::vector<planned_file> choose_files(const hub_listing& listing,
                                       std::string_view include,
                                       const std::vector<std::string>& shards);

} // namespace model_server
