// Where a front keeps what it tells of itself.
#pragma once

#include "actors/figures.hpp"
#include "actors/interfaces.hpp"
#include "actors/memory_level.hpp"

#include <memory>

namespace model_server {

/// Handed down from `main` to whoever has something to tell. Either may be
/// null: then it is not kept.
struct telemetry_sinks {
  std::shared_ptr<model_server::figures> figures;
  history_actor history;
  /// Of this machine; never null.
  std::shared_ptr<memory_gauge> memory = std::make_shared<memory_gauge>();
};

} // namespace model_server
