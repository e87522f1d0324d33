// gpt-oss: attention sinks, windows, and experts with their own activation.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

namespace {

// Experts lie in stacks, gate and up rows in turn: [experts, inputs, outputs],
// or in 4 bits the other way round.
mlp_spec read_expert(const decoder_spec& spec, const std::string& name,
                     std::size_t expert, std::size_t count, bool has_4_bits) {
  auto inner = spec.intermediate;
  auto stacked = [&](const std::string& tensor, std::size_t outputs,
                     std::size_t inputs) {
    matrix_source result{.tensor = name + tensor,
                         .bias = name + tensor + "_bias",
                         .outputs = outputs,
                         .inputs = inputs,
                         .is_transposed = !has_4_bits,
                         .items = count,
                         .item = expert};
    if (has_4_bits) {
      result.exponents = result.tensor + "_scales";
      result.tensor += "_blocks";
    }
    return result;
  };
  auto joined = stacked("gate_up_proj", 2 * inner, spec.hidden);
  return {rows_of(joined, "gate", {{0, inner, 2}}),
          rows_of(joined, "up", {{1, inner, 2}}),
          stacked("down_proj", spec.hidden, inner)};
}

} // namespace

decoder_spec read_gpt_oss(const config_fields& config) {
  auto spec = begin_decoder(config, {.kv_heads = 8,
                                     .head = 64,
                                     .intermediate = 2880,
                                     .context = 131072,
                                     .epsilon = 1e-5,
                                     .quantization = "mxfp4"});
  auto has_4_bits = config.object("quantization_config").has_value();
  spec.ropes = {read_rope_or_rule(config, spec, 150000.0,
                                  R"({"rope_type": "yarn", "factor": 32.0,
                            "truncate": false,
                            "original_max_position_embeddings": 4096})")};
  spec.activate = activation::clamped_swiglu;
  auto count = read_experts_of_layer(
      config, {"num_local_experts", "num_experts"}, 128, spec.layers.size());
  auto chosen = read_chosen_experts(config, "num_experts_per_tok", 4, count);
  auto window = read_size_or(config, {"sliding_window"}, 128);
  auto given = config.find("layer_types") != nullptr;
  auto slides = read_sliding_layers(config, spec.layers.size(), false);
  auto has_bias = config.boolean("attention_bias").value_or(true);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    layer.attention_norm = norm(name + "input_layernorm");
    layer.attention =
        split_attention(spec, name + "self_attn.", {has_bias, has_bias});
    layer.attention.sinks = name + "self_attn.sinks";
    layer.attention.window = (given ? slides[i] : i % 2 == 0) ? window : 0;
    layer.mlp_norm = norm(name + "post_attention_layernorm");
    experts_spec experts;
    experts.router = linear(name + "mlp.router", count, spec.hidden, true);
    experts.score = experts_spec::scoring::softmax_of_chosen;
    experts.chosen = chosen;
    for (std::size_t e = 0; e < count; ++e)
      experts.experts.push_back(
          read_expert(spec, name + "mlp.experts.", e, count, has_4_bits));
    layer.experts = std::move(experts);
  }
  return spec;
}

} // namespace model_server
