// The table that the library shows.
#include "models/torch/module.hpp"

extern "C" __attribute__((visibility("default")))
const model_server::torch_backend model_server_torch{
    model_server::make_decoder_torch, model_server::make_script_entry,
    model_server::list_torch_accelerators, model_server::measure_torch_blas};
