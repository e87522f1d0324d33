// Reads what the config.json files of all families have in common.
#include "models/nets/families/family.hpp"

#include "models/weights/token_list.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <stdexcept>

namespace model_server {

namespace {

// Sizes beyond these are no model but a broken file.
constexpr std::int64_t max_extent = 1 << 24;
constexpr std::size_t max_layers = 1 << 12;
constexpr std::size_t max_context = 1 << 28;
// Of all layers together; each of them is described.
constexpr std::size_t max_heads = 1 << 17;
constexpr std::size_t max_experts = 1 << 16;

const char* name_that_is_there(const config_fields& config,
                               std::initializer_list<const char*> names) {
  for (auto name : names)
    if (config.find(name) != nullptr)
      return name;
  return *names.begin();
}

void at_most(const config_fields& config, std::size_t size, std::size_t most,
             std::initializer_list<const char*> names) {
  if (size > most)
    config.refuse(name_that_is_there(config, names),
                  fmt::format("must be at most {}", most));
}

std::optional<number_format> read_format(const config_fields& config) {
  for (auto key : {"dtype", "torch_dtype"}) {
    auto name = config.text(key);
    if (!name)
      continue;
    if (*name == "float32")
      return number_format::f32;
    if (*name == "float16")
      return number_format::f16;
    if (*name == "bfloat16")
      return number_format::bf16;
    config.refuse(key, "only float32, float16 and bfloat16 are built in");
  }
  return std::nullopt;
}

// Zero stands for none.
std::size_t require_size_or(const config_fields& config,
                            std::initializer_list<const char*> names,
                            std::size_t otherwise) {
  return otherwise != 0 ? read_size_or(config, names, otherwise)
                        : read_size(config, names);
}

void read_heads(const config_fields& config, const family_defaults& defaults,
                const size_names& names, decoder_spec& spec) {
  spec.heads = require_size_or(config, names.heads, defaults.heads);
  spec.kv_heads =
      read_size_or(config, names.kv_heads,
                   defaults.kv_heads != 0 ? defaults.kv_heads : spec.heads);
  if (spec.heads % spec.kv_heads != 0)
    config.refuse(name_that_is_there(config, names.kv_heads),
                  fmt::format("must divide the {} heads", spec.heads));
  spec.head = read_size_or(config, names.head, defaults.head);
  if (spec.head == 0 && spec.hidden % spec.heads != 0)
    config.refuse(
        name_that_is_there(config, names.hidden),
        fmt::format("must be a multiple of the {} heads", spec.heads));
  if (spec.head == 0)
    spec.head = spec.hidden / spec.heads;
  if (spec.head < 2 || spec.head % 2 != 0)
    config.refuse(
        name_that_is_there(config, names.hidden),
        fmt::format("a head has {} numbers, must be even", spec.head));
}

} // namespace

std::size_t read_size(const config_fields& config,
                      std::initializer_list<const char*> names) {
  return static_cast<std::size_t>(
      config.require_integer(name_that_is_there(config, names), 1, max_extent));
}

std::size_t read_size_or(const config_fields& config,
                         std::initializer_list<const char*> names,
                         std::size_t otherwise) {
  auto value = config.integer(name_that_is_there(config, names), 1, max_extent);
  return value ? static_cast<std::size_t>(*value) : otherwise;
}

double read_number_or(const config_fields& config, const char* key,
                      double least, double most, double otherwise) {
  return config.number(key, least, most).value_or(otherwise);
}

void require_flag(const config_fields& config, const char* key, bool wanted) {
  if (config.boolean(key).value_or(wanted) != wanted)
    config.refuse(key, fmt::format("only {} is built in", wanted));
}

void require_whole_weights(const config_fields& config, std::string_view read) {
  auto quantization = config.object("quantization_config");
  if (quantization
      && (read.empty() || quantization->text("quant_method") != read))
    config.refuse("quantization_config",
                  "quantised Hugging Face folders are not built in, only whole "
                  "ones and .gguf files");
}

decoder_spec begin_decoder(const config_fields& config,
                           const family_defaults& defaults,
                           const size_names& names, const std::string& prefix) {
  require_whole_weights(config, defaults.quantization);
  decoder_spec result;
  result.prefix = prefix;
  result.vocabulary =
      require_size_or(config, names.vocabulary, defaults.vocabulary);
  result.hidden = require_size_or(config, names.hidden, defaults.hidden);
  auto layers = require_size_or(config, names.layers, defaults.layers);
  at_most(config, layers, max_layers, names.layers);
  read_heads(config, defaults, names, result);
  at_most(config, result.heads, max_heads / layers, names.heads);
  result.intermediate =
      require_size_or(config, names.intermediate, defaults.intermediate);
  auto context = config.integer(name_that_is_there(config, names.context), 1,
                                static_cast<std::int64_t>(max_context));
  result.context =
      context ? static_cast<std::size_t>(*context) : defaults.context;
  result.norm_epsilon =
      read_number_or(config, name_that_is_there(config, names.epsilon), 0.0,
                     1.0, defaults.epsilon);
  result.format = read_format(config);
  result.end_tokens = read_token_list(config, "eos_token_id");
  result.layers.resize(layers);
  result.embedding =
      linear(prefix + "embed_tokens", result.vocabulary, result.hidden);
  result.embedding.is_of_tokens = true;
  result.norm = norm(prefix + "norm");
  if (!config.boolean("tie_word_embeddings").value_or(defaults.is_tied)) {
    result.scores = linear("lm_head", result.vocabulary, result.hidden);
    result.scores.is_of_tokens = true;
  }
  return result;
}

activation read_activation(const config_fields& config, const char* key,
                           std::string_view otherwise) {
  auto name = config.text(key).value_or(std::string{otherwise});
  if (name == "silu" || name == "swish" || name == "swiglu")
    return activation::silu;
  if (name == "gelu")
    return activation::gelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast")
    return activation::gelu_tanh;
  if (name == "relu")
    return activation::relu;
  if (name == "relu2")
    return activation::relu_squared;
  if (name == "quick_gelu")
    return activation::quick_gelu;
  config.refuse(key,
                "only silu, gelu, gelu_new, gelu_pytorch_tanh, relu, relu2 "
                "and quick_gelu are built in");
}

std::vector<bool> read_sliding_layers(const config_fields& config,
                                      std::size_t layers, bool otherwise) {
  std::vector<bool> result(layers, otherwise);
  auto types = config.find("layer_types");
  if (types == nullptr)
    return result;
  if (!types->IsArray() || types->Size() != layers)
    config.refuse("layer_types",
                  fmt::format("must be a list of {} kinds", layers));
  for (std::size_t i = 0; i < layers; ++i) {
    auto& type = (*types)[static_cast<rapidjson::SizeType>(i)];
    std::string_view name =
        type.IsString()
            ? std::string_view{type.GetString(), type.GetStringLength()}
            : std::string_view{};
    if (name != "sliding_attention" && name != "full_attention")
      config.refuse("layer_types", "only sliding_attention and full_attention "
                                   "are built in");
    result[i] = name == "sliding_attention";
  }
  return result;
}

std::size_t read_experts_of_layer(const config_fields& config,
                                  std::initializer_list<const char*> names,
                                  std::size_t otherwise, std::size_t layers) {
  auto result = read_size_or(config, names, otherwise);
  at_most(config, result, max_experts / layers, names);
  return result;
}

std::size_t read_chosen_experts(const config_fields& config, const char* key,
                                std::size_t otherwise, std::size_t count) {
  auto result = read_size_or(config, {key}, otherwise);
  if (result > count)
    config.refuse(key, fmt::format("must be at most the {} experts", count));
  return result;
}

std::vector<float> alibi_slopes(std::size_t heads, double most) {
  auto power = std::bit_ceil(heads);
  std::vector<float> result;
  auto add = [&](std::size_t first, std::size_t step) {
    for (auto i = first; i <= power && result.size() < heads; i += step)
      result.push_back(static_cast<float>(std::exp2(
          -most * static_cast<double>(i) / static_cast<double>(power))));
  };
  if (power == heads) {
    add(1, 1);
  } else {
    add(2, 2);
    add(1, 2);
  }
  return result;
}

// --- parts -------------------------------------------------------------------

std::string layer_name(const decoder_spec& spec, std::size_t index,
                       const char* list) {
  return fmt::format("{}{}.{}.", spec.prefix, list, index);
}

matrix_source linear(const std::string& name, std::size_t outputs,
                     std::size_t inputs, bool has_bias) {
  return {.tensor = name + ".weight",
          .bias = has_bias ? name + ".bias" : std::string{},
          .outputs = outputs,
          .inputs = inputs};
}

matrix_source rows_of(const matrix_source& whole, std::string part,
                      std::vector<row_run> rows) {
  auto result = whole;
  result.stored_rows =
      whole.stored_rows != 0 ? whole.stored_rows : whole.outputs;
  result.outputs = 0;
  for (auto& run : rows)
    result.outputs += run.count;
  result.part = std::move(part);
  result.rows = std::move(rows);
  return result;
}

norm_spec norm(const std::string& name, bool has_bias) {
  return {name + ".weight", has_bias ? name + ".bias" : std::string{}};
}

namespace {

attention_spec begin_attention(const decoder_spec& spec) {
  attention_spec result;
  result.scale = 1.0 / std::sqrt(static_cast<double>(spec.head));
  if (!spec.ropes.empty())
    result.rope = 0;
  return result;
}

matrix_source joined_matrix(const decoder_spec& spec, const std::string& name,
                            bool has_bias) {
  return linear(name, (spec.heads + 2 * spec.kv_heads) * spec.head, spec.hidden,
                has_bias);
}

} // namespace

attention_spec split_attention(const decoder_spec& spec,
                               const std::string& prefix,
                               attention_biases biases) {
  auto queries = spec.heads * spec.head;
  auto keys = spec.kv_heads * spec.head;
  auto result = begin_attention(spec);
  result.query = linear(prefix + "q_proj", queries, spec.hidden, biases.inputs);
  result.key = linear(prefix + "k_proj", keys, spec.hidden, biases.inputs);
  result.value = linear(prefix + "v_proj", keys, spec.hidden, biases.inputs);
  result.output =
      linear(prefix + "o_proj", spec.hidden, queries, biases.output);
  return result;
}

attention_spec joined_attention(const decoder_spec& spec,
                                const std::string& joined,
                                const std::string& output,
                                attention_biases biases) {
  auto queries = spec.heads * spec.head;
  auto keys = spec.kv_heads * spec.head;
  auto whole = joined_matrix(spec, joined, biases.inputs);
  auto result = begin_attention(spec);
  result.query = rows_of(whole, "query", {{0, queries}});
  result.key = rows_of(whole, "key", {{queries, keys}});
  result.value = rows_of(whole, "value", {{queries + keys, keys}});
  result.output = linear(output, spec.hidden, queries, biases.output);
  return result;
}

attention_spec grouped_attention(const decoder_spec& spec,
                                 const std::string& joined,
                                 const std::string& output,
                                 attention_biases biases) {
  auto whole = joined_matrix(spec, joined, biases.inputs);
  auto group = spec.heads / spec.kv_heads * spec.head;
  auto step = group + 2 * spec.head;
  std::vector<row_run> queries, keys, values;
  for (std::size_t i = 0; i < spec.kv_heads; ++i) {
    queries.push_back({i * step, group});
    keys.push_back({i * step + group, spec.head});
    values.push_back({i * step + group + spec.head, spec.head});
  }
  auto result = begin_attention(spec);
  result.query = rows_of(whole, "query", std::move(queries));
  result.key = rows_of(whole, "key", std::move(keys));
  result.value = rows_of(whole, "value", std::move(values));
  result.output =
      linear(output, spec.hidden, spec.heads * spec.head, biases.output);
  return result;
}

mlp_spec gated_mlp(const decoder_spec& spec, const std::string& prefix,
                   std::size_t inner, bool has_bias) {
  return {linear(prefix + "gate_proj", inner, spec.hidden, has_bias),
          linear(prefix + "up_proj", inner, spec.hidden, has_bias),
          linear(prefix + "down_proj", spec.hidden, inner, has_bias)};
}

mlp_spec plain_mlp(const decoder_spec& spec, const std::string& up,
                   const std::string& down, bool has_bias) {
  return {linear(up, spec.intermediate, spec.hidden, has_bias),
          {},
          linear(down, spec.hidden, spec.intermediate, has_bias)};
}

mlp_spec joined_mlp(const decoder_spec& spec, const std::string& joined,
                    const std::string& down, bool has_bias) {
  auto inner = spec.intermediate;
  auto whole = linear(joined, 2 * inner, spec.hidden, has_bias);
  return {rows_of(whole, "gate", {{0, inner}}),
          rows_of(whole, "up", {{inner, inner}}),
          linear(down, spec.hidden, inner, has_bias)};
}

experts_spec gated_experts(const decoder_spec& spec, const std::string& prefix,
                           std::size_t count, std::size_t inner) {
  experts_spec result;
  result.router = linear(prefix + "gate", count, spec.hidden);
  for (std::size_t e = 0; e < count; ++e)
    result.experts.push_back(
        gated_mlp(spec, fmt::format("{}experts.{}.", prefix, e), inner));
  return result;
}

} // namespace model_server
