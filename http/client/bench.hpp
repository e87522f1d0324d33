// What `model_api bench` does.
#pragma once

#include "config/bench_options.hpp"

namespace model_server {

/// Gives the exit status. Throws `std::runtime_error`, a sentence for the user.
int bench(const bench_options& options);

} // namespace model_server
