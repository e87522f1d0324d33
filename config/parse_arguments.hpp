// Takes arguments apart with CLI11.
#pragma once

#include <CLI/CLI.hpp>

namespace model_server {

/// Throws `config_error`, one sentence, for what CLI11 does not take.
void parse_arguments(CLI::App& app, int argc, const char* const* argv);

} // namespace model_server
