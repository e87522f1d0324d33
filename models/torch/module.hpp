// What the files of the library give to its table; see torch_backend.hpp.
#pragma once

#include "models/torch/torch_backend.hpp"

namespace model_server {

std::unique_ptr<causal_net> make_decoder_torch(
    decoder_spec spec, std::shared_ptr<const weight_folder> weights,
    const std::string& device, number_format format, const load_watch& watch);

std::unique_ptr<model_entry> make_script_entry(const script_params& params,
                                               const std::string& device);

std::vector<device_info> list_torch_accelerators();

double measure_torch_blas();

} // namespace model_server
