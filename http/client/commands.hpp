// The commands that talk over HTTP: `model_api pull`, `chat`, `list`, `bench`,
// `health`.
#pragma once

#include <optional>

namespace model_server {

/// Runs the command that `argv[1]` names and gives its exit status; nothing if
/// that is none of them. Throws `config_error` for unusable arguments, and
/// `std::runtime_error`, a sentence for the user, if it fails.
std::optional<int> run_client_command(int argc, const char* const* argv);

} // namespace model_server
