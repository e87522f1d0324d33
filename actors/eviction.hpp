// Where a model can be loaded, and what must go for it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace model_server {

/// A device that the model may be loaded on.
struct room_candidate {
  std::string device;
  /// What it has left.
  std::uint64_t free_bytes = 0;
};

/// A model that was loaded on demand and has nothing to do.
struct idle_model {
  std::string name;
  std::string device;
  /// What its end gives back, as far as one knows.
  std::uint64_t bytes = 0;
  /// For how long.
  std::int64_t idle_milliseconds = 0;
};

/// Where it fits, once these have gone.
struct room_plan {
  std::string device;
  /// Least recently used first; empty if it fits now.
  std::vector<std::string> evicted;

  friend bool operator==(const room_plan&, const room_plan&) = default;
};

/// It fits nowhere: what the best place would have, all idle ones gone.
struct no_room {
  std::string device;
  std::uint64_t free_bytes = 0;
  std::uint64_t evictable_bytes = 0;

  friend bool operator==(const no_room&, const no_room&) = default;
};

/// Finds the candidate with the most memory left that has `bytes`; if there is
/// none, lets idle models go, the least recently used first, until one has.
/// None goes in vain: only those of the chosen device, none that gives nothing
/// back, and none at all if that would not do. There is at least one candidate.
std::variant<room_plan, no_room>
plan_room(std::uint64_t bytes, const std::vector<room_candidate>& candidates,
          std::vector<idle_model> idle);

/// Whose memory a device takes: `virtual:0` is the CPU, `node-b/virtual:0` that
/// of node-b.
std::string memory_of(std::string_view device);

} // namespace model_server
