// MPT: ALiBi, and no bias anywhere.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

#include <optional>

namespace model_server {

namespace {

// The largest exponent of a slope, and what a score is multiplied with if that
// is not the rule.
struct attention_fields {
  double most = 8.0;
  std::optional<double> scale;
};

attention_fields read_attention_fields(const config_fields& config) {
  attention_fields result;
  auto object = config.object("attn_config");
  if (!object)
    return result;
  require_flag(*object, "alibi", true);
  for (auto key : {"prefix_lm", "qk_ln", "attn_uses_sequence_id"})
    require_flag(*object, key, false);
  if (object->number("clip_qkv", 0.0, 1e9).value_or(0.0) != 0.0)
    object->refuse("clip_qkv", "limits to queries and keys are not built in");
  if (object->text("attn_type").value_or("multihead_attention")
      != "multihead_attention")
    object->refuse("attn_type", "only multihead_attention is built in");
  result.most = read_number_or(*object, "alibi_bias_max", 1e-3, 1e3, 8.0);
  result.scale = object->number("softmax_scale", 1e-9, 1e9);
  return result;
}

} // namespace

decoder_spec read_mpt(const config_fields& config) {
  require_flag(config, "no_bias", true);
  if (config.find("logit_scale") != nullptr)
    config.refuse("logit_scale", "is not built in");
  auto attention = read_attention_fields(config);
  auto inner = read_size_or(config, {"expansion_ratio"}, 4)
               * read_size_or(config, {"d_model", "hidden_size"}, 2048);
  auto spec = begin_decoder(config,
                            {.vocabulary = 50368,
                             .hidden = 2048,
                             .layers = 24,
                             .heads = 16,
                             .intermediate = inner,
                             .epsilon = 1e-5,
                             .is_tied = true},
                            {.hidden = {"d_model", "hidden_size"},
                             .layers = {"n_layers", "num_hidden_layers"},
                             .heads = {"n_heads", "num_attention_heads"},
                             .kv_heads = {"no such key"},
                             .intermediate = {"no such key"},
                             .context = {"max_seq_len"},
                             .epsilon = {"layer_norm_epsilon"}},
                            "transformer.");
  spec.norms = norm_kind::layer;
  spec.activate = activation::gelu;
  spec.slopes = alibi_slopes(spec.heads, attention.most);
  spec.embedding.tensor = spec.prefix + "wte.weight";
  spec.norm = norm(spec.prefix + "norm_f");
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i, "blocks");
    layer.attention_norm = norm(name + "norm_1");
    layer.attention =
        joined_attention(spec, name + "attn.Wqkv", name + "attn.out_proj");
    if (attention.scale)
      layer.attention.scale = *attention.scale;
    layer.mlp_norm = norm(name + "norm_2");
    layer.mlp =
        plain_mlp(spec, name + "ffn.up_proj", name + "ffn.down_proj", false);
  }
  return spec;
}

} // namespace model_server
