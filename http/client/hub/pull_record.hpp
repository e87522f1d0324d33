// What a fetched folder holds, as a file in it tells.
#pragma once

#include "http/client/hub/file_choice.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// The name of that file.
inline constexpr const char* pull_record_file = ".pulled";

struct pull_record {
  /// `ORG/NAME` on the hub.
  std::string model;
  std::string revision;
  std::string commit;
  /// Only `remote` is not kept.
  std::vector<planned_file> files;

  /// Null if there is none of this name in the folder.
  const planned_file* find(std::string_view local) const;
};

/// Whether both have the same content under the same name in the folder.
bool is_same_content(const planned_file& a, const planned_file& b);

std::string to_text(const pull_record& record);

/// Nothing if it is no such text.
std::optional<pull_record> read_pull_record(std::string_view text);

} // namespace model_server
