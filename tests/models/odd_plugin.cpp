// Libraries that are odd plug-ins or none at all; which one, the build says.
#include "models/entries/batch_entry.hpp"
#include "models/plugin.hpp"

namespace {

[[maybe_unused]] std::unique_ptr<model_server::model_entry>
make_nothing(const model_server::entry_spec&) {
  return nullptr;
}

} // namespace

#if defined(ODD_VERSION) || defined(ODD_COMPILER)

extern "C" __attribute__((visibility("default")))
const model_server::plugin_description*
model_server_plugin() {
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

#elif defined(ODD_NAME)

namespace {

// Speaks with nobody.
class hermit : public model_server::batch_entry {
public:
  std::vector<model_server::token_id>
  encode(const model_server::chat&) const override {
    throw model_server::bad_chat("not today");
  }

protected:
  std::vector<std::string>
  answer(std::span<const model_server::batch_item> chats) override {
    return std::vector<std::string>(chats.size());
  }
};

} // namespace

namespace model_server {

// The server has a function of this very name.
std::unique_ptr<model_entry> make_echo(const entry_spec&) {
  return std::make_unique<hermit>();
}

} // namespace model_server

MODEL_SERVER_PLUGIN(model_server::make_echo)

#endif
