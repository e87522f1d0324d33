// How little memory is left, and what is given up for that.
#include "actors/memory_level.hpp"

#include <algorithm>

namespace model_server {

namespace {

// Of the reserve, where the level begins.
std::uint64_t begin_of(memory_level level, std::uint64_t reserve) {
  switch (level) {
  case memory_level::plenty:
    return UINT64_MAX;
  case memory_level::close_connections:
    return reserve / 8 * 15;
  case memory_level::refuse_requests:
    return reserve;
  case memory_level::cancel_waiting:
    return reserve / 8 * 3;
  }
  return 0;
}

} // namespace

std::string_view to_string(memory_level level) {
  switch (level) {
  case memory_level::plenty:
    return "plenty";
  case memory_level::close_connections:
    return "close_connections";
  case memory_level::refuse_requests:
    return "refuse_requests";
  case memory_level::cancel_waiting:
    return "cancel_waiting";
  }
  return "plenty";
}

std::uint64_t usual_memory_reserve(std::uint64_t total) {
  return std::min(total / 100 * 8, std::uint64_t{256} << 20);
}

memory_level memory_level_at(std::uint64_t left, std::uint64_t reserve,
                             memory_level before) {
  for (auto level :
       {memory_level::cancel_waiting, memory_level::refuse_requests,
        memory_level::close_connections}) {
    auto begin = begin_of(level, reserve);
    if (left < (before >= level ? begin + begin / 8 : begin))
      return level;
  }
  return memory_level::plenty;
}

} // namespace model_server
