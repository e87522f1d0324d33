// Loads what needs libtorch.
#include "models/torch/torch_backend.hpp"

#include "models/nets/decoder.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include <dlfcn.h>

namespace model_server {

namespace {

// Found by the program's own search path.
constexpr const char* file = "libmodel_server_torch.so";

const torch_backend& load() {
  // For all to see: libtorch and what lies below it are asked for symbols by
  // name.
  auto library = ::dlopen(file, RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr)
    throw std::runtime_error(
        fmt::format("libtorch cannot be used: {}", ::dlerror()));
  auto found = ::dlsym(library, torch_backend_symbol);
  if (found == nullptr)
    throw std::runtime_error(
        fmt::format("{} is not of this program: {}", file, ::dlerror()));
  return *static_cast<const torch_backend*>(found);
}

} // namespace

const torch_backend& libtorch() {
  static const auto& backend = load(); // again, if it has thrown
  return backend;
}

std::unique_ptr<causal_net> load_decoder_torch(
    decoder_spec spec, std::shared_ptr<const weight_folder> weights,
    const std::string& device, number_format format, const load_watch& watch) {
  return libtorch().load_decoder(std::move(spec), std::move(weights), device,
                                 format, watch);
}

} // namespace model_server
