// The two forms of sampling options: with optionals, and flat for the wire.
#include "actors/inspect.hpp"

#include <optional>

namespace model_server {

namespace {

// The optional numbers in the order of the flat form.
constexpr std::array<std::optional<double> sampling_options::*, 6>
    number_fields = {&sampling_options::temperature,
                     &sampling_options::top_p,
                     &sampling_options::min_p,
                     &sampling_options::repetition_penalty,
                     &sampling_options::presence_penalty,
                     &sampling_options::frequency_penalty};

constexpr std::uint8_t bit(std::size_t index) {
  return static_cast<std::uint8_t>(1U << index);
}

constexpr std::uint8_t top_k_bit = bit(number_fields.size());

} // namespace

flat_sampling_options flatten(const sampling_options& x) {
  flat_sampling_options result;
  for (std::size_t i = 0; i < number_fields.size(); ++i) {
    if (const auto& field = x.*number_fields[i]) {
      result.set |= bit(i);
      result.numbers[i] = *field;
    }
  }
  if (x.top_k) {
    result.set |= top_k_bit;
    result.top_k = *x.top_k;
  }
  return result;
}

sampling_options unflatten(const flat_sampling_options& x) {
  sampling_options result;
  for (std::size_t i = 0; i < number_fields.size(); ++i)
    if ((x.set & bit(i)) != 0)
      result.*number_fields[i] = x.numbers[i];
  if ((x.set & top_k_bit) != 0)
    result.top_k = x.top_k;
  return result;
}

} // namespace model_server
