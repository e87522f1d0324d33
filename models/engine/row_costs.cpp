// Lines between the medians of the last times.
#include "models/engine/row_costs.hpp"

#include <algorithm>

namespace model_server {

void row_costs::took(std::size_t rows, double seconds) {
  ++passes_;
  if (rows == 0 || rows > most_rows)
    return;
  auto is_forgotten = !knows(rows);
  auto& place = kinds_[rows - 1];
  if (is_forgotten)
    place.times.clear();
  place.times.add(seconds);
  place.last = passes_;
}

bool row_costs::is_sure(std::size_t rows) const {
  return knows(rows) && kinds_[rows - 1].times.count() >= enough_times;
}

bool row_costs::knows(std::size_t rows) const {
  if (rows == 0 || rows > most_rows)
    return false;
  auto& place = kinds_[rows - 1];
  return place.times.count() > 0 && passes_ - place.last < passes_remembered;
}

double row_costs::seconds(std::size_t rows, std::size_t known) const {
  auto base = kinds_[known - 1].times.median();
  if (rows <= known)
    return base;
  auto result = believed(rows, known);
  if (knows(rows)) {
    auto& place = kinds_[rows - 1];
    auto measured = place.times.median();
    result = place.times.count() < enough_times ? std::min(result, measured) : measured;
  }
  return std::max(result, base);
}

double row_costs::believed(std::size_t rows, std::size_t known) const {
  auto below = rows - 1;
  while (below > known && !knows(below))
    --below;
  auto low = kinds_[below - 1].times.median();
  auto above = rows + 1;
  while (above <= most_rows && !knows(above))
    ++above;
  if (above <= most_rows) {
    auto high = kinds_[above - 1].times.median();
    auto part =
        static_cast<double>(rows - below) / static_cast<double>(above - below);
    return low + part * (high - low);
  }
  auto row = low / static_cast<double>(std::max<std::size_t>(2 * below, 4));
  return low + row * static_cast<double>(rows - below);
}

void row_costs::forget() {
  kinds_ = {};
}

} // namespace model_server
