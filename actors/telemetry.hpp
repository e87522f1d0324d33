// Where a front keeps what it tells of itself.
#pragma once

#include "actors/figures.hpp"
#include "actors/interfaces.hpp"

#include <memory>

namespace model_server {

/// Handed down from `main` to whoever has something to tell. Either may be
/// null: then it is not kept.
struct telemetry_sinks {
  std::shared_ptr<model_server::figures> figures;
  history_actor history;
};

} // namespace model_server
