// Reads how positions turn heads, in all the ways in which that was written.
#include "models/nets/families/family.hpp"

#include <fmt/format.h>

#include <cmath>
#include <string>

namespace model_server {

namespace {

using kind = rope_spec::kind;

double require(const config_fields& object, const char* key,
               const std::string& type) {
  auto value = object.number(key, 1e-6, 1e9);
  if (!value)
    object.refuse(key, fmt::format("but {} needs it", type));
  return *value;
}

std::vector<double> read_divisors(const config_fields& object, const char* key,
                                  std::size_t count) {
  auto list = object.find(key);
  std::vector<double> result;
  if (list != nullptr && list->IsArray())
    for (auto& item : list->GetArray())
      if (item.IsNumber() && item.GetDouble() > 0.0)
        result.push_back(item.GetDouble());
  if (list == nullptr || !list->IsArray() || list->Size() != count
      || result.size() != count)
    object.refuse(key,
                  fmt::format("must be a list of {} numbers above 0", count));
  return result;
}

// The magnitude of scores shrinks as the context grows; yarn makes up for it.
double yarn_magnitude(double factor, double weight) {
  return factor <= 1.0 ? 1.0 : 0.1 * weight * std::log(factor) + 1.0;
}

void read_yarn(const config_fields& object, double context, rope_spec& rope) {
  rope.factor = object.number("factor", 1e-6, 1e6)
                    .value_or(context / rope.original_context);
  rope.beta_fast = object.number("beta_fast", 1e-6, 1e6).value_or(32.0);
  rope.beta_slow = object.number("beta_slow", 1e-6, 1e6).value_or(1.0);
  rope.has_whole_ends = object.boolean("truncate").value_or(true);
  auto given = object.number("attention_factor", 0.0, 1e6);
  auto one = object.number("mscale", 0.0, 1e6).value_or(0.0);
  auto all = object.number("mscale_all_dim", 0.0, 1e6).value_or(0.0);
  if (given)
    rope.attention_factor = *given;
  else if (one > 0.0 && all > 0.0)
    rope.attention_factor =
        yarn_magnitude(rope.factor, one) / yarn_magnitude(rope.factor, all);
  else
    rope.attention_factor = yarn_magnitude(rope.factor, 1.0);
}

void read_longrope(const config_fields& object, double context,
                   rope_spec& rope) {
  rope.short_factors = read_divisors(object, "short_factor", rope.size / 2);
  rope.long_factors = read_divisors(object, "long_factor", rope.size / 2);
  rope.factor = object.number("factor", 1e-6, 1e6)
                    .value_or(context / rope.original_context);
  auto given = object.number("attention_factor", 0.0, 1e6);
  if (given)
    rope.attention_factor = *given;
  else if (rope.factor > 1.0)
    rope.attention_factor = std::sqrt(
        1.0 + std::log(rope.factor) / std::log(rope.original_context));
}

void read_llama3(const config_fields& object, rope_spec& rope) {
  rope.factor = require(object, "factor", "llama3");
  rope.low_frequency_factor = require(object, "low_freq_factor", "llama3");
  rope.high_frequency_factor = require(object, "high_freq_factor", "llama3");
  if (rope.high_frequency_factor <= rope.low_frequency_factor)
    object.refuse("high_freq_factor", "must be above low_freq_factor");
}

std::pair<kind, std::string> read_kind(const config_fields& object) {
  auto name = object.text("rope_type");
  auto key = "rope_type";
  if (!name) {
    name = object.text("type");
    key = "type";
  }
  if (!name || *name == "default")
    return {kind::plain, "default"};
  if (*name == "linear")
    return {kind::linear, *name};
  if (*name == "dynamic")
    return {kind::dynamic, *name};
  if (*name == "llama3")
    return {kind::llama3, *name};
  if (*name == "yarn")
    return {kind::yarn, *name};
  if (*name == "longrope" || *name == "su")
    return {kind::longrope, *name};
  object.refuse(key, "only default, linear, dynamic, llama3, yarn and longrope "
                     "are built in");
}

// Where the file does not say what the context was, it is what it is now.
double read_original_context(const config_fields& object,
                             const config_fields& config, double context) {
  auto key = "original_max_position_embeddings";
  for (auto& from : {config, object})
    if (auto value = from.number(key, 1.0, 1e9))
      return *value;
  return context;
}

void read_size_of_turn(const config_fields& object, const decoder_spec& spec,
                       double share, rope_spec& rope) {
  auto size = static_cast<double>(spec.head) * share;
  rope.size = static_cast<std::size_t>(size);
  if (rope.size < 2 || rope.size % 2 != 0)
    object.refuse("partial_rotary_factor",
                  fmt::format("turns {} of the {} numbers of a head, must be "
                              "even and at least 2",
                              rope.size, spec.head));
}

} // namespace

rope_spec read_rope_object(const config_fields& object,
                           const config_fields& config,
                           const decoder_spec& spec, double theta,
                           double share) {
  rope_spec result;
  result.theta = read_number_or(object, "rope_theta", 1.0, 1e15, theta);
  share = object.number("partial_rotary_factor", 1e-6, 1.0).value_or(share);
  read_size_of_turn(object, spec, share, result);
  auto [scaling, name] = read_kind(object);
  result.scaling = scaling;
  auto context = static_cast<double>(spec.context);
  result.original_context =
      scaling == kind::plain || scaling == kind::linear ? 0.0
      : scaling == kind::dynamic
          ? context
          : read_original_context(object, config, context);
  if (scaling == kind::linear || scaling == kind::dynamic)
    result.factor = require(object, "factor", name);
  else if (scaling == kind::llama3)
    read_llama3(object, result);
  else if (scaling == kind::yarn)
    read_yarn(object, context, result);
  else if (scaling == kind::longrope)
    read_longrope(object, context, result);
  result.query_growth =
      object.number("llama_4_scaling_beta", 0.0, 1e3).value_or(0.0);
  if (result.query_growth != 0.0 && result.original_context == 0.0)
    object.refuse("llama_4_scaling_beta",
                  "needs a scaling with an original context");
  if (scaling == kind::dynamic && result.size <= 2)
    object.refuse("rope_type", "dynamic needs more than one pair to turn");
  return result;
}

rope_spec read_rope(const config_fields& config, const decoder_spec& spec,
                    double theta, double share) {
  theta = read_number_or(config, "rope_theta", 1.0, 1e15, theta);
  share = config.number("partial_rotary_factor", 1e-6, 1.0).value_or(share);
  for (auto key : {"rope_scaling", "rope_parameters"})
    if (auto object = config.object(key))
      return read_rope_object(*object, config, spec, theta, share);
  // Nothing beside the base.
  rope_spec result;
  result.theta = theta;
  read_size_of_turn(config, spec, share, result);
  return result;
}

rope_spec read_rope_or_rule(const config_fields& config,
                            const decoder_spec& spec, double theta,
                            const char* rule) {
  if (config.find("rope_scaling") || config.find("rope_parameters"))
    return read_rope(config, spec, theta);
  rapidjson::Document document;
  document.Parse(rule);
  return read_rope_object(
      {document, "the rule for rope"}, config, spec,
      read_number_or(config, "rope_theta", 1.0, 1e15, theta));
}

} // namespace model_server
