// Fetches one file and makes sure that it is what the hub says it is.
#pragma once

#include "http/client/hub/file_choice.hpp"
#include "http/client/hub/hub_client.hpp"
#include "http/client/hub/pull_folder.hpp"
#include "http/client/hub/pull_progress.hpp"
#include "http/client/hub/retry.hpp"

#include <string>

namespace model_server {

/// Fetches what is missing of a file, however often the connection ends, and
/// gives it its name. Throws `std::runtime_error`, a sentence for the user, and
/// `interrupted`; what has come stays.
void download(hub_client& hub, const std::string& commit,
              const planned_file& file, const pull_folder& folder,
              retry_counter& retry, pull_progress& progress);

/// Fetches a small file into memory. Throws likewise.
std::string download_text(hub_client& hub, const std::string& commit,
                          const planned_file& file, retry_counter& retry);

} // namespace model_server
