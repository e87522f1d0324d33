// Any scripted module that gives scores to the next token: the way to it.
#include "models/devices.hpp"
#include "models/model_catalog.hpp"
#include "models/torch/torch_backend.hpp"

#include "config/logging.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace model_server {

namespace {

constexpr int blas_tries = 5;
constexpr double slow_blas_gflops = 8.0;

script_params read_params(const entry_params& given) {
  auto params = given.bind({"path", "tokenizer", "context_length"});
  return {
      params.require_file("path"), params.require_folder("tokenizer"),
      static_cast<std::size_t>(params.integer_or("context_length", 2048, 1))};
}

// The best of a few tries: a busy machine is slow now and then, a slow BLAS
// always.
void warn_of_slow_blas() {
  auto gflops = 0.0;
  for (int i = 0; i < blas_tries && gflops < slow_blas_gflops; ++i)
    gflops = std::max(gflops, libtorch().measure_blas());
  if (gflops < slow_blas_gflops)
    log_event(log_level::warning, "slow_blas",
              {{"gflops", gflops},
               {"meaning", "libtorch runs on a slow BLAS: install "
                           "libopenblas0-pthread"}});
}

} // namespace

std::unique_ptr<model_entry> make_torch_script(const entry_spec& spec) {
  auto params = read_params(spec.params);
  auto device = torch_device_name(spec.device);
  auto result = libtorch().load_script(params, device);
  if (device == "cpu")
    warn_of_slow_blas();
  return result;
}

void check_torch_script(const entry_params& params) {
  read_params(params);
}

std::uint64_t estimate_torch_script(const entry_params& params) {
  std::error_code ignored;
  auto size = std::filesystem::file_size(read_params(params).path, ignored);
  return ignored ? 0 : size;
}

} // namespace model_server
