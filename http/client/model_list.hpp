// The models of a server, from its status to a table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace model_server {

struct listed_model {
  std::string name;
  std::string state;
  std::string entry;
  /// What runs it, such as `cpu` or `node-b/cuda:0 (loading 40 %)`.
  std::vector<std::string> devices;
};

/// Reads the answer of `/api/v1/`. Throws `std::runtime_error` for what is
/// none.
std::vector<listed_model> read_status(const std::string& body);

/// Reads the answer of `/v1/models`, which tells no devices. Likewise.
std::vector<listed_model> read_model_cards(const std::string& body);

/// A line for each and one above them, as they may be printed.
std::string model_table(const std::vector<listed_model>& models);

/// Columns as wide as their widest text, the last one left out.
std::string text_table(const std::vector<std::vector<std::string>>& rows);

} // namespace model_server
