// A selection by mass: a look at all items finds the range of keys that the
// place is in, then only the few items of that range are told apart.
#include "models/engine/mass_cut.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace model_server {

namespace {

constexpr std::size_t ranges = 2048;
constexpr unsigned range_bits = 17;

std::size_t range_of_key(order_key key, order_key finest) {
  auto above = std::max(key - finest, 0);
  return std::min<std::size_t>(static_cast<std::size_t>(above) >> range_bits,
                               ranges - 1);
}

order_key first_key(std::size_t range, order_key finest) {
  return range == 0 ? 0
                    : finest + (static_cast<order_key>(range) << range_bits);
}

order_key last_key(std::size_t range, order_key finest) {
  return range == ranges - 1 ? std::numeric_limits<order_key>::max()
                             : first_key(range + 1, finest) - 1;
}

} // namespace

cut_place mass_cut::find(std::span<const float> weights,
                         std::span<const order_key> keys, double mass,
                         order_key finest) {
  for (auto& sums : masses_)
    sums.assign(ranges, 0.0);
  // Two sums, so that neighbours of one range need not wait for each other.
  auto [even, odd] = std::pair{masses_[0].data(), masses_[1].data()};
  std::size_t i = 0;
  for (; i + 1 < keys.size(); i += 2) {
    even[range_of_key(keys[i], finest)] += weights[i];
    odd[range_of_key(keys[i + 1], finest)] += weights[i + 1];
  }
  if (i < keys.size())
    even[range_of_key(keys[i], finest)] += weights[i];
  auto range = take_ranges(mass);
  indices_.clear();
  find_keys(keys, first_key(range, finest), last_key(range, finest), indices_);
  weights_.clear();
  keys_.clear();
  for (auto index : indices_) {
    weights_.push_back(weights[index]);
    keys_.push_back(keys[index]);
  }
  // Bits to look at, and those below them. 11 and 10 and 10 are 31.
  order_key prefix = 0;
  for (auto [bits, below] : {std::pair{11u, 20u}, {10u, 10u}, {10u, 0u}}) {
    for (auto& sums : masses_)
      sums.assign(std::size_t{1} << bits, 0.0);
    auto mask = (1 << bits) - 1;
    for (i = 0; i < keys_.size(); ++i)
      if (keys_[i] >> (bits + below) == prefix)
        masses_[0][static_cast<std::size_t>((keys_[i] >> below) & mask)] +=
            weights_[i];
    prefix = (prefix << bits) | static_cast<order_key>(take_ranges(mass));
  }
  cut_place result{prefix, 0};
  for (i = 0; i < keys_.size() && mass > 0.0; ++i)
    if (keys_[i] == prefix) {
      result.index = indices_[i];
      mass -= weights_[i];
    }
  return result;
}

std::size_t mass_cut::take_ranges(double& mass) const {
  // The sums of two levels differ by their rounding: what falls short ends in
  // the last range that has anything.
  std::size_t found = 0;
  auto left = mass;
  for (std::size_t i = 0; i < masses_[0].size() && left > 0.0; ++i)
    if (auto here = masses_[0][i] + masses_[1][i]; here > 0.0) {
      found = i;
      mass = left;
      left -= here;
    }
  return found;
}

} // namespace model_server
