// What of the server needs libtorch, behind one table.
#pragma once

#include "models/devices.hpp"
#include "models/entry.hpp"
#include "models/load_watch.hpp"
#include "models/nets/causal_net.hpp"
#include "models/nets/decoder_spec.hpp"
#include "models/weights/number_format.hpp"
#include "models/weights/weight_folder.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace model_server {

/// Of the entry torch_script.
struct script_params {
  std::string path;
  std::filesystem::path tokenizer;
  std::size_t context = 0;
};

/// The functions of the library libmodel_server_torch.so. libtorch takes more
/// time and memory to load than a small model does, so a process without a use
/// for it goes without. Classes and exceptions cross the border: the library is
/// part of the program, and built with it. `device` is one of libtorch's:
/// `torch_device_name`.
struct torch_backend {
  /// As `load_decoder_torch`.
  std::unique_ptr<causal_net> (*load_decoder)(
      decoder_spec spec, std::shared_ptr<const weight_folder> weights,
      const std::string& device, number_format format, const load_watch& watch);

  /// Throws `std::runtime_error` if there is no such module.
  std::unique_ptr<model_entry> (*load_script)(const script_params& params,
                                              const std::string& device);

  /// `cuda:0` and so on.
  std::vector<device_info> (*list_accelerators)();

  /// Measures one small matrix product on the CPU, in GFLOP/s (about 10 ms).
  double (*measure_blas)();
};

/// Loads the library when it is first called. Throws `std::runtime_error` that
/// says why it cannot be loaded. Safe from any thread.
const torch_backend& libtorch();

/// The symbol that the library shows, a `const torch_backend*`.
inline constexpr const char* torch_backend_symbol = "model_server_torch";

} // namespace model_server
