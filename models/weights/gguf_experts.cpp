// What GGUF files say of experts, and of attention with latent vectors, in the
// words of config.json.
#include "models/weights/gguf_config_writer.hpp"

namespace model_server {

void write_gguf_experts(gguf_config_writer& to, std::int64_t experts) {
  auto name = to.traits().architecture;
  to.set(name.starts_with("qwen")    ? "num_experts"
         : to.traits().kv_b_is_split ? "n_routed_experts"
                                     : "num_local_experts",
         experts);
  to.set("num_experts_per_tok",
         to.require_integer("expert_used_count", experts));
  to.copy_integer("expert_feed_forward_length", "moe_intermediate_size");
  to.copy_integer("expert_shared_feed_forward_length",
                  name.starts_with("granite")
                      ? "shared_intermediate_size"
                      : "shared_expert_intermediate_size");
  to.copy_integer("expert_shared_count", "n_shared_experts");
  to.copy_integer("leading_dense_block_count", "first_k_dense_replace");
  to.copy_integer("expert_group_count", "n_group");
  to.copy_integer("expert_group_used_count", "topk_group");
  to.copy_number("expert_weights_scale", "routed_scaling_factor");
  // Qwen3's files do not say it: all of them do.
  auto norm = to.file()
                  .metadata()
                  .boolean(to.key("expert_weights_norm"))
                  .value_or(name == "qwen3moe");
  if (name.starts_with("qwen") || to.traits().kv_b_is_split)
    to.set("norm_topk_prob", norm);
  auto is_sigmoid = to.integer("expert_gating_func", 0, 4) == 2;
  if (is_sigmoid)
    to.set("scoring_func", "sigmoid");
  // Without the sigmoid, groups count only by this method.
  if (!is_sigmoid && to.integer("expert_group_count").value_or(1) > 1)
    to.set("topk_method", "group_limited_greedy");
  if (name.starts_with("qwen")) {
    to.set("decoder_sparse_step", std::int64_t{1});
    to.set("mlp_only_layers", rapidjson::Value{rapidjson::kArrayType});
  }
}

// Files from before the halves of `kv_b` were split have the sizes of a head
// under other keys.
void write_gguf_latent(gguf_config_writer& to, std::int64_t head) {
  auto rope = to.require_integer("rope.dimension_count");
  auto keys = to.integer("attention.key_length_mla").value_or(head);
  auto values = to.integer("attention.value_length_mla");
  if (!values)
    values = to.require_integer("attention.value_length");
  if (keys <= rope)
    to.file().metadata().refuse(to.key("rope.dimension_count"),
                                "must be less than a key has");
  to.set("kv_lora_rank", to.require_integer("attention.kv_lora_rank"));
  to.copy_integer("attention.q_lora_rank", "q_lora_rank");
  to.set("qk_rope_head_dim", rope);
  to.set("qk_nope_head_dim", keys - rope);
  to.set("v_head_dim", *values);
}

} // namespace model_server
