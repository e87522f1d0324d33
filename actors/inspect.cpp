// The two forms of sampling options: with optionals, and flat for the wire.
#include "actors/inspect.hpp"

#include <optional>

namespace model_server {

namespace {

// The optional numbers in the order of the flat form.
constexpr std::array<std::optional<double> sampling_options::*, 7>
    number_fields = {&sampling_options::temperature,
                     &sampling_options::top_p,
                     &sampling_options::min_p,
                     &sampling_options::typical_p,
                     &sampling_options::repetition_penalty,
                     &sampling_options::presence_penalty,
                     &sampling_options::frequency_penalty};

// Moves every optional to or from its place, with its bit.
template <class Function>
void for_each_optional(Function visit) {
  for (std::size_t i = 0; i < number_fields.size(); ++i)
    visit(
        i, [i](auto& options) -> auto& { return options.*number_fields[i]; },
        [i](auto& flat) -> auto& { return flat.numbers[i]; });
  visit(
      number_fields.size(),
      [](auto& options) -> auto& { return options.top_k; },
      [](auto& flat) -> auto& { return flat.top_k; });
  visit(
      number_fields.size() + 1,
      [](auto& options) -> auto& { return options.top_logprobs; },
      [](auto& flat) -> auto& { return flat.top_logprobs; });
}

} // namespace

flat_sampling_options flatten(const sampling_options& x) {
  flat_sampling_options result;
  for_each_optional([&](std::size_t bit, auto field, auto place) {
    if (field(x)) {
      result.set = static_cast<std::uint16_t>(result.set | (1U << bit));
      place(result) = *field(x);
    }
  });
  return result;
}

void unflatten(const flat_sampling_options& flat, sampling_options& x) {
  for_each_optional([&](std::size_t bit, auto field, auto place) {
    if ((flat.set & (1U << bit)) != 0)
      field(x) = place(flat);
    else
      field(x).reset();
  });
}

} // namespace model_server
