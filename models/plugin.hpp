// What a shared library shows so that the entry `plugin` can load a model from
// it.
#pragma once

#include "models/model_catalog.hpp"

namespace model_server {

/// Raised with every change to the headers that a plug-in sees.
inline constexpr int plugin_interface_version = 6;

/// What a plug-in was built with. Classes and exceptions cross the border, so
/// server and plug-in need the same headers and the same compiler.
struct plugin_description {
  int interface_version;
  /// The compiler's name and version.
  const char* compiler;
  /// As a line of entries.def.
  entry_factory make;
};

/// The symbol that the server looks for.
inline constexpr const char* plugin_symbol = "model_server_plugin";

/// Its type.
using plugin_function = const plugin_description* (*)();

} // namespace model_server

/// Makes a shared library a plug-in. `factory` is a function like those of
/// entries.def: takes a `const entry_spec&`, gives a
/// `std::unique_ptr<model_entry>`. Once per library, outside of any namespace.
#define MODEL_SERVER_PLUGIN(factory)                                           \
  extern "C" __attribute__((visibility("default")))                            \
  const ::model_server::plugin_description*                                    \
  model_server_plugin() {                                                      \
    static const ::model_server::plugin_description description{               \
        ::model_server::plugin_interface_version, __VERSION__, factory};       \
    return &description;                                                       \
  }
