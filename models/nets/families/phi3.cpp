// Phi 3 and 4.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

decoder_spec read_phi3(const config_fields& config) {
  auto spec = begin_decoder(config, {.context = 4096, .epsilon = 1e-5});
  spec.ropes = {read_rope(config, spec)};
  // Scaled by a list for each pair, whatever the file calls that.
  if (spec.ropes[0].scaling != rope_spec::kind::plain
      && spec.ropes[0].scaling != rope_spec::kind::longrope)
    config.refuse(config.find("rope_scaling") ? "rope_scaling"
                                              : "rope_parameters",
                  "only longrope is built in for this family");
  spec.activate = read_activation(config, "hidden_act", "silu");
  auto window = read_size_or(config, {"sliding_window"}, 0);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    layer.attention_norm = norm(name + "input_layernorm");
    layer.attention = joined_attention(spec, name + "self_attn.qkv_proj",
                                       name + "self_attn.o_proj");
    layer.attention.window = window;
    layer.mlp_norm = norm(name + "post_attention_layernorm");
    layer.mlp =
        joined_mlp(spec, name + "mlp.gate_up_proj", name + "mlp.down_proj");
  }
  return spec;
}

} // namespace model_server
