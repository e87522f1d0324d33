// The processes that a server has started for its workers.
#include "support/worker_processes.hpp"

#include "support/chats.hpp"
#include "support/http_client.hpp"
#include "support/server_process.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace model_server {

namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace

std::vector<worker_process> worker_processes(pid_t server) {
  std::vector<worker_process> result;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != name.npos)
      continue;
    // Behind the name, which may hold anything, stand the state and the parent.
    auto stat = read_file(entry.path() / "stat");
    auto close = stat.rfind(')');
    if (close == stat.npos)
      continue;
    std::istringstream fields{stat.substr(close + 1)};
    worker_process found;
    pid_t parent = 0;
    fields >> found.state >> parent;
    if (parent != server)
      continue;
    found.id = std::stoi(name);
    std::istringstream words{read_file(entry.path() / "cmdline")};
    std::string word;
    while (std::getline(words, word, '\0'))
      if (word == "--worker-process") {
        std::getline(words, found.model, '\0');
        std::getline(words, found.device, '\0');
      }
    result.push_back(found);
  }
  return result;
}

worker_process worker_on(pid_t server, std::string_view model,
                         std::string_view device) {
  for (auto& found : worker_processes(server))
    if (found.model == model && found.device == device)
      return found;
  // No id at all: a signal to -1 would go to every process there is.
  throw std::runtime_error(fmt::format("no worker of {} on {}", model, device));
}

bool entity_comes_to(std::uint16_t port, std::string_view model,
                     std::string_view device, std::string_view state) {
  return comes_true([=] {
    for (const auto& entity : entities_of(port, model))
      if (json_value(entity, "device") == device)
        return json_value(entity, "state") == state;
    return false;
  });
}

std::string busy_device(std::uint16_t port, std::string_view model) {
  for (const auto& entity : entities_of(port, model))
    if (json_value(entity, "running") != "0")
      return json_value(entity, "device");
  return {};
}

} // namespace model_server
