// Reads the config.json of BERT and of what descends from it.
#include "models/nets/encoder_spec.hpp"

#include "models/nets/families/family.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>

namespace model_server {

namespace {

constexpr std::array<std::string_view, 4> families{
    {"bert", "roberta", "xlm-roberta", "distilbert"}};

// More is no model but a broken file; the longest published ones have 8,192
// positions.
constexpr std::size_t most_positions = 1 << 16;
constexpr std::size_t most_heads = 1 << 8;
constexpr std::size_t most_layers = 1 << 12;

std::size_t read_bounded(const config_fields& config, const char* key,
                         std::size_t most) {
  return static_cast<std::size_t>(
      config.require_integer(key, 1, static_cast<std::int64_t>(most)));
}

// What a config.json calls the sizes.
struct encoder_keys {
  const char* hidden = "hidden_size";
  const char* layers = "num_hidden_layers";
  const char* heads = "num_attention_heads";
  const char* intermediate = "intermediate_size";
  const char* activation = "hidden_act";
};

encoder_spec begin_encoder(const config_fields& config,
                           const encoder_keys& keys) {
  if (config.boolean("is_decoder").value_or(false))
    config.refuse("is_decoder", "only encoders are built in here");
  auto kind = config.text("position_embedding_type").value_or("absolute");
  if (kind != "absolute")
    config.refuse("position_embedding_type", "only absolute is built in");
  encoder_spec result;
  result.vocabulary = read_size(config, {"vocab_size"});
  result.hidden = read_size(config, {keys.hidden});
  result.heads = read_bounded(config, keys.heads, most_heads);
  if (result.hidden % result.heads != 0)
    config.refuse(keys.hidden, fmt::format("must be a multiple of the {} heads",
                                           result.heads));
  result.intermediate = read_size(config, {keys.intermediate});
  result.activate = read_activation(config, keys.activation, "gelu");
  result.stored_positions =
      read_bounded(config, "max_position_embeddings", most_positions);
  result.context = result.stored_positions;
  result.layers.resize(read_bounded(config, keys.layers, most_layers));
  auto embeddings = std::string{"embeddings."};
  result.embedding.tensor = embeddings + "word_embeddings.weight";
  result.embedding.outputs = result.vocabulary;
  result.embedding.inputs = result.hidden;
  result.embedding.is_of_tokens = true;
  result.positions = embeddings + "position_embeddings.weight";
  result.embedding_norm = norm(embeddings + "LayerNorm", true);
  return result;
}

encoder_spec read_bert(const config_fields& config) {
  auto result = begin_encoder(config, {});
  auto size = result.hidden;
  auto inner = result.intermediate;
  result.norm_epsilon =
      read_number_or(config, "layer_norm_eps", 0.0, 1.0, 1e-12);
  result.kinds = "embeddings.token_type_embeddings.weight";
  result.stored_kinds = read_size_or(config, {"type_vocab_size"}, 2);
  for (std::size_t i = 0; i < result.layers.size(); ++i) {
    auto& layer = result.layers[i];
    auto name = fmt::format("encoder.layer.{}.", i);
    layer.query = linear(name + "attention.self.query", size, size, true);
    layer.key = linear(name + "attention.self.key", size, size, true);
    layer.value = linear(name + "attention.self.value", size, size, true);
    layer.output = linear(name + "attention.output.dense", size, size, true);
    layer.attention_norm = norm(name + "attention.output.LayerNorm", true);
    layer.up = linear(name + "intermediate.dense", inner, size, true);
    layer.down = linear(name + "output.dense", size, inner, true);
    layer.mlp_norm = norm(name + "output.LayerNorm", true);
  }
  result.prefix = "bert.";
  return result;
}

// Positions begin behind that of the padding.
encoder_spec read_roberta(const config_fields& config) {
  auto result = read_bert(config);
  auto most = static_cast<std::int64_t>(result.stored_positions) - 2;
  auto padding = config.integer("pad_token_id", 0, most).value_or(1);
  result.uncounted = static_cast<token_id>(padding);
  result.first_position = static_cast<std::size_t>(padding) + 1;
  if (result.first_position >= result.stored_positions)
    config.refuse("max_position_embeddings",
                  fmt::format("must be more than the {} rows before the first "
                              "token's",
                              result.first_position));
  result.context = result.stored_positions - result.first_position;
  result.prefix = "roberta.";
  return result;
}

encoder_spec read_distilbert(const config_fields& config) {
  auto result = begin_encoder(config, {.hidden = "dim",
                                       .layers = "n_layers",
                                       .heads = "n_heads",
                                       .intermediate = "hidden_dim",
                                       .activation = "activation"});
  auto size = result.hidden;
  auto inner = result.intermediate;
  for (std::size_t i = 0; i < result.layers.size(); ++i) {
    auto& layer = result.layers[i];
    auto name = fmt::format("transformer.layer.{}.", i);
    layer.query = linear(name + "attention.q_lin", size, size, true);
    layer.key = linear(name + "attention.k_lin", size, size, true);
    layer.value = linear(name + "attention.v_lin", size, size, true);
    layer.output = linear(name + "attention.out_lin", size, size, true);
    layer.attention_norm = norm(name + "sa_layer_norm", true);
    layer.up = linear(name + "ffn.lin1", inner, size, true);
    layer.down = linear(name + "ffn.lin2", size, inner, true);
    layer.mlp_norm = norm(name + "output_layer_norm", true);
  }
  result.prefix = "distilbert.";
  return result;
}

} // namespace

std::span<const std::string_view> encoder_families() {
  return families;
}

std::optional<encoder_spec> read_encoder_spec(const rapidjson::Value& config,
                                              const std::string& where) {
  config_fields fields{config, where};
  auto type = fields.text("model_type").value_or("");
  std::optional<encoder_spec> result;
  if (type == "bert")
    result = read_bert(fields);
  else if (type == "roberta" || type == "xlm-roberta")
    result = read_roberta(fields);
  else if (type == "distilbert")
    result = read_distilbert(fields);
  if (result)
    result->family = type;
  return result;
}

} // namespace model_server
