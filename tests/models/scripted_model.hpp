// A TorchScript file for tests, made without torch in the test.
#pragma once

#include <string>

namespace model_server::testing {

/// Saves a module that scores `vocabulary` tokens by the last two tokens it
/// read, every score another number.
void save_scripted_model(const std::string& path, int vocabulary);

} // namespace model_server::testing
