// Libraries that are nearly plug-ins; which one, the build says.
#include "models/plugin.hpp"

namespace {

[[maybe_unused]] std::unique_ptr<model_server::model_entry>
make_nothing(const model_server::entry_spec&) {
  return nullptr;
}

} // namespace

#if defined(ODD_VERSION) || defined(ODD_COMPILER)

extern "C" const model_server::plugin_description* model_server_plugin() {
#ifdef ODD_VERSION
  static const model_server::plugin_description description{
      model_server::plugin_interface_version + 1, __VERSION__, make_nothing};
#else
  static const model_server::plugin_description description{
      model_server::plugin_interface_version, "another", make_nothing};
#endif
  return &description;
}

#elif defined(ODD_FACTORY)

MODEL_SERVER_PLUGIN(make_nothing)

#endif
