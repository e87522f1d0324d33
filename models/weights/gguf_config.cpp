// Says in the words of config.json what a GGUF file says of its network.
#include "models/weights/gguf_config.hpp"

#include "models/weights/gguf_config_writer.hpp"
#include "models/weights/gguf_traits.hpp"
#include "models/weights/gguf_vocabulary.hpp"

#include <cmath>
#include <string_view>

namespace model_server {

namespace {

class config_writer {
public:
  config_writer(const gguf_file& file, const gguf_traits& traits)
      : file_(file),
        to_(file, traits),
        name_(traits.architecture),
        experts_(count_experts()),
        hidden_(to_.require_integer("embedding_length")),
        layers_(to_.require_integer("block_count", 1 << 12)),
        heads_(to_.require_integer("attention.head_count")),
        head_(head_size()) {
  }

  rapidjson::Document write() {
    write_kind();
    write_sizes();
    write_norm();
    if (name_ != "gpt2")
      write_gguf_rope(to_, is_latent() ? rope_part() : head_);
    write_biases();
    write_windows();
    write_scales();
    if (experts_ > 0)
      write_gguf_experts(to_, experts_);
    if (is_latent())
      write_gguf_latent(to_, head_);
    write_others();
    write_tokens();
    return std::move(to_.document());
  }

private:
  bool is_mixtral() const {
    return name_ == "llama" && experts_ > 0;
  }

  // Each is described, so that the file must have them.
  std::int64_t count_experts() const {
    constexpr auto key = "expert_count";
    auto count = to_.integer(key, 0).value_or(0);
    constexpr std::string_view stack = ".ffn_down_exps.weight";
    for (auto& [name, tensor] : file_.tensors())
      if (name.ends_with(stack) && tensor.shape.size() == 3
          && tensor.shape[0] == static_cast<std::uint64_t>(count))
        return count;
    if (count != 0)
      file_.metadata().refuse(
          to_.key(key), "but no tensor `ffn_down_exps` holds so many");
    return count;
  }

  // Keys and values are kept as one small vector (DeepSeek).
  bool is_latent() const {
    return to_.traits().kv_b_is_split;
  }

  std::int64_t head_size() const {
    constexpr auto key = "attention.key_length";
    if (auto size = to_.integer(key))
      return *size;
    if (hidden_ % heads_ != 0)
      file_.metadata().refuse(to_.key("attention.head_count"),
                              "must divide the embedding");
    return hidden_ / heads_;
  }

  std::int64_t rope_part() const {
    return to_.require_integer("rope.dimension_count");
  }

  bool has(std::string_view tensor) const {
    return file_.find(tensor) != nullptr;
  }

  void write_kind() {
    auto& traits = to_.traits();
    auto kind = is_mixtral() ? "mixtral" : traits.model_type;
    auto of = is_mixtral() ? "MixtralForCausalLM" : traits.class_name;
    // Version 3 of DeepSeek chooses experts by sigmoids.
    if (is_latent()
        && to_.integer("expert_gating_func", 0, 4).value_or(1) == 2) {
      kind = "deepseek_v3";
      of = "DeepseekV3ForCausalLM";
    }
    // Version 3 of OLMo has windows.
    if (name_ == "olmo2" && to_.integer("attention.sliding_window")) {
      kind = "olmo3";
      of = "Olmo3ForCausalLM";
    }
    to_.set("model_type", kind);
    rapidjson::Value list{rapidjson::kArrayType};
    list.PushBack(rapidjson::Value{of.data(),
                                   static_cast<rapidjson::SizeType>(of.size()),
                                   to_.memory()},
                  to_.memory());
    to_.set("architectures", std::move(list));
    to_.set(name_ == "gpt2"     ? "activation_function"
            : name_ == "falcon" ? "activation"
                                : "hidden_act",
            traits.activation);
    if (name_.starts_with("gemma"))
      to_.set("hidden_activation", traits.activation);
  }

  void write_sizes() {
    auto is_gpt2 = name_ == "gpt2";
    auto kv_heads =
        to_.integer("attention.head_count_kv", 1, heads_).value_or(heads_);
    if (heads_ % kv_heads != 0)
      file_.metadata().refuse(to_.key("attention.head_count_kv"),
                              "must divide the heads");
    auto inner = to_.require_integer("feed_forward_length");
    auto context =
        to_.require_integer("context_length", gguf_config_writer::max_context);
    to_.set("vocab_size", vocabulary());
    if (is_gpt2) {
      to_.set("n_embd", hidden_);
      to_.set("n_layer", layers_);
      to_.set("n_head", heads_);
      to_.set("n_inner", inner);
      to_.set("n_positions", context);
    } else {
      to_.set("hidden_size", hidden_);
      to_.set("num_hidden_layers", layers_);
      to_.set("num_attention_heads", heads_);
      to_.set(name_ == "falcon" ? "num_kv_heads" : "num_key_value_heads",
              is_latent() ? heads_ : kv_heads);
      to_.set(name_ == "falcon" ? "ffn_hidden_size" : "intermediate_size",
              inner);
      to_.set("max_position_embeddings", context);
      if (!is_latent())
        to_.set("head_dim", head_);
    }
    to_.set("tie_word_embeddings", !has("output.weight"));
  }

  // As many as have a row: converters may leave out some of the published.
  std::int64_t vocabulary() const {
    if (auto table = file_.find("token_embd.weight");
        table != nullptr && table->shape.size() == 2)
      return static_cast<std::int64_t>(table->shape[0]);
    return to_.require_integer("vocab_size");
  }

  void write_norm() {
    if (auto epsilon = to_.number("attention.layer_norm_rms_epsilon", 0.0, 1.0))
      to_.set("rms_norm_eps", *epsilon);
    if (auto epsilon = to_.number("attention.layer_norm_epsilon", 0.0, 1.0))
      to_.set(name_ == "gpt2" || name_ == "falcon" ? "layer_norm_epsilon"
              : name_ == "starcoder2"              ? "norm_epsilon"
              : name_ == "nemotron"                ? "norm_eps"
                                                   : "layer_norm_eps",
              *epsilon);
  }

  void write_biases() {
    auto has_bias = has("blk.0.attn_q.bias") || has("blk.0.attn_qkv.bias");
    if (name_ == "stablelm") {
      to_.set("use_qkv_bias", has_bias);
      to_.set("qk_layernorm", has("blk.0.attn_q_norm.weight"));
    } else if (name_ == "starcoder2") {
      to_.set("use_bias", has_bias);
    } else if (name_ == "command-r") {
      to_.set("attention_bias", has_bias);
      to_.set("use_qk_norm", has("blk.0.attn_q_norm.weight"));
    } else if (name_ == "falcon") {
      to_.set("bias", has_bias);
      to_.set("new_decoder_architecture", has("blk.0.attn_norm_2.weight"));
      to_.set("parallel_attn", true);
      to_.set("multi_query",
              to_.integer("attention.head_count_kv").value_or(1) == 1);
      to_.set("alibi", false);
    } else if (name_ != "gpt2" && name_ != "phi2" && name_ != "qwen2") {
      to_.set("attention_bias", has_bias);
      to_.set("mlp_bias", has("blk.0.ffn_up.bias"));
    }
    if (name_ == "gptneox" || name_ == "stablelm")
      to_.set("use_parallel_residual",
              file_.metadata()
                  .boolean(to_.key("use_parallel_residual"))
                  .value_or(true));
  }

  void write_windows() {
    auto window = to_.integer("attention.sliding_window", 0,
                              gguf_config_writer::max_context)
                      .value_or(0);
    if (window == 0)
      return;
    to_.set("sliding_window", window);
    auto key = to_.key("attention.sliding_window_pattern");
    auto value = file_.metadata().find(key);
    if (value != nullptr && value->is_array) {
      auto flags = *file_.metadata().integers(key);
      if (flags.count != static_cast<std::uint64_t>(layers_))
        file_.metadata().refuse(key, "must say it of each layer");
      gguf_elements each{flags};
      write_layer_types([&](std::int64_t) { return each.next_integer() != 0; });
      return;
    }
    auto period = file_.metadata()
                      .integer(key, 1, layers_)
                      .value_or(to_.traits().window_period);
    if (period > 0)
      write_layer_types(
          [&](std::int64_t layer) { return layer % period < period - 1; });
    if (name_ == "gemma3")
      to_.set("rope_local_base_freq",
              to_.number("rope.freq_base_swa", 1, 1e15).value_or(10000.0));
  }

  template <class IsSliding>
  void write_layer_types(IsSliding is_sliding) {
    rapidjson::Value list{rapidjson::kArrayType};
    for (std::int64_t i = 0; i < layers_; ++i)
      list.PushBack(rapidjson::StringRef(is_sliding(i) ? "sliding_attention"
                                                       : "full_attention"),
                    to_.memory());
    to_.set("layer_types", std::move(list));
  }

  void write_scales() {
    if (name_.starts_with("granite")) {
      to_.copy_number("attention.scale", "attention_multiplier");
      to_.copy_number("embedding_scale", "embedding_multiplier");
      to_.copy_number("residual_scale", "residual_multiplier");
      to_.copy_number("logit_scale", "logits_scaling");
    } else if (name_ == "minicpm") {
      // Files of old have none of them: those of the first model.
      to_.set("scale_emb", to_.number("embedding_scale").value_or(12.0));
      auto residual = to_.number("residual_scale");
      to_.set("scale_depth",
              residual ? *residual * std::sqrt(static_cast<double>(layers_))
                       : 1.4);
      auto logits = to_.number("logit_scale", 1e-6);
      to_.set("dim_model_base",
              logits ? static_cast<double>(hidden_) / *logits : 256.0);
    } else {
      to_.copy_number("logit_scale", "logit_scale");
    }
    if (name_ == "gemma2" || name_ == "gemma3") {
      // The largest of each scales by the size of what it has, not of a head.
      auto is_largest = layers_ == (name_ == "gemma2" ? 46 : 62);
      to_.set("query_pre_attn_scalar", is_largest ? hidden_ / heads_ : head_);
    }
    to_.copy_number("attn_logit_softcapping", "attn_logit_softcapping");
    to_.copy_number("final_logit_softcapping", "final_logit_softcapping");
    to_.copy_number("attention.clamp_kqv", "clip_qkv");
  }

  void write_others() {
    if (name_ == "smollm3") {
      // Each fourth layer goes without rope, which its files do not say.
      rapidjson::Value list{rapidjson::kArrayType};
      for (std::int64_t i = 0; i < layers_; ++i)
        list.PushBack((i + 1) % 4 != 0 ? 1 : 0, to_.memory());
      to_.set("no_rope_layers", std::move(list));
    }
    if (auto table = file_.find("token_embd.weight")) {
      auto format = table->format;
      if (format == number_format::bf16)
        to_.set("torch_dtype", "bfloat16");
      else if (format == number_format::f16)
        to_.set("torch_dtype", "float16");
      else if (format == number_format::f32)
        to_.set("torch_dtype", "float32");
    }
  }

  void write_tokens() {
    if (file_.metadata().find("tokenizer.ggml.tokens") == nullptr)
      return;
    rapidjson::Value list{rapidjson::kArrayType};
    for (auto id : gguf_end_tokens(file_.metadata()))
      list.PushBack(id, to_.memory());
    if (!list.Empty())
      to_.set("eos_token_id", std::move(list));
    if (auto id = file_.metadata().integer("tokenizer.ggml.bos_token_id", 0,
                                           gguf_config_writer::max_extent))
      to_.set("bos_token_id", *id);
  }

  const gguf_file& file_;
  gguf_config_writer to_;
  std::string_view name_;
  std::int64_t experts_;
  std::int64_t hidden_;
  std::int64_t layers_;
  std::int64_t heads_;
  std::int64_t head_;
};

} // namespace

rapidjson::Document gguf_config(const gguf_file& file) {
  constexpr auto key = "general.architecture";
  auto traits = find_gguf_traits(file.metadata().require_text(key));
  if (traits == nullptr)
    file.metadata().refuse(key, "this architecture is not built in");
  return config_writer{file, *traits}.write();
}

} // namespace model_server
