// Loads a model from a shared library: params are `library`, its file, and
// whatever the model in it takes.
#include "models/plugin.hpp"

#include "config/quote.hpp"

#include <fmt/format.h>

#include <dlfcn.h>
#include <filesystem>
#include <string_view>
#include <utility>

namespace model_server {

namespace {

std::string last_dl_error() {
  const auto* text = dlerror();
  return text == nullptr ? "no reason given" : text;
}

// Takes the library out of the params; the rest is for the model.
std::pair<std::string, entry_params> split_params(const entry_params& params) {
  entry_params own{params.positional, {}};
  entry_params rest{params.positional, {}};
  for (const auto& [name, value] : params.values) {
    auto is_own = params.positional ? own.values.empty() : name == "library";
    (is_own ? own : rest).values.emplace_back(name, value);
  }
  return {own.bind({"library"}).require_file("library"), std::move(rest)};
}

// The library stays loaded until the process ends: code of the model, its
// exceptions for instance, may outlive the entry.
const plugin_description& open_library(const std::string& library) {
  // Without a slash it would be looked for among the system's libraries.
  auto path = std::filesystem::absolute(library);
  auto* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    throw config_error(fmt::format("the library {} cannot be loaded: {}",
                                   quote(library), last_dl_error()));
  auto describe =
      reinterpret_cast<plugin_function>(dlsym(handle, plugin_symbol));
  if (describe == nullptr)
    throw config_error(fmt::format(
        "the library {} is no plug-in: it has no function {}; write "
        "MODEL_SERVER_PLUGIN(factory) in it",
        quote(library), plugin_symbol));
  const auto& description = *describe();
  if (description.interface_version != plugin_interface_version)
    throw config_error(fmt::format(
        "the plug-in {} was built for version {} of the interface, but this "
        "server has version {}; build it again with the server's headers",
        quote(library), description.interface_version,
        plugin_interface_version));
  if (description.compiler != std::string_view{__VERSION__})
    throw config_error(fmt::format(
        "the plug-in {} was built by compiler {}, but this server by {}; build "
        "it again with the same",
        quote(library), quote(description.compiler), quote(__VERSION__)));
  return description;
}

} // namespace

std::unique_ptr<model_entry> make_plugin(const entry_spec& spec) {
  auto [library, rest] = split_params(spec.params);
  const auto& description = open_library(library);
  auto result = description.make({std::move(rest), spec.device});
  if (result == nullptr)
    throw std::runtime_error(
        fmt::format("the plug-in {} made no model", quote(library)));
  return result;
}

// What the model says of its own params shows when it is made.
void check_plugin(const entry_params& params) {
  open_library(split_params(params).first);
}

} // namespace model_server
