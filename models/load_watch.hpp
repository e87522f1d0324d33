// How a model that is being loaded tells how far that has come.
#pragma once

#include <functional>

namespace model_server {

/// Told from 0 to 1, on the thread that loads. May be null.
using load_watch = std::function<void(double done)>;

} // namespace model_server
