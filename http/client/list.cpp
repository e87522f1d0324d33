// Lists the models of a server, or of a folder.
#include "http/client/list.hpp"

#include "config/model_folders.hpp"
#include "http/client/local_models.hpp"
#include "http/client/output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace model_server {

namespace {

std::string local_list(const std::vector<std::filesystem::path>& folders) {
  if (folders.empty())
    throw std::runtime_error("there is no models folder here; name one with "
                             "--models-dir");
  std::vector<local_model> models;
  for (const auto& folder : folders)
    for (const auto& setting : find_model_folders(folder))
      if (std::ranges::find(models, setting.name, &local_model::name)
          == models.end())
        models.push_back(look_at_model(setting));
  return local_table(models);
}

} // namespace

std::vector<listed_model> models_of(server_link& link) {
  constexpr unsigned forbidden = 403;
  try {
    return read_status(link.ask("/api/v1/"));
  } catch (const refused_request& refused) {
    // The status is for admins; what there is to call is for all.
    if (refused.status() != forbidden)
      throw;
    return read_model_cards(link.ask("/v1/models"));
  }
}

int list_models(const list_options& options) {
  if (options.is_local) {
    print_now(local_list(options.models_folders));
    return 0;
  }
  server_link link{options.server};
  print_now(model_table(models_of(link)));
  return 0;
}

} // namespace model_server
