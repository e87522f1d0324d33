// The table of names, one line for each kind of tensor.
#include "models/weights/gguf_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace model_server {

namespace {

// A name without `.weight` or `.bias`, with `#` for the numbers of layer and
// expert; what it is called in the file, there without `blk.#.` before it.
struct line {
  /// Empty for all architectures that have no line of their own.
  std::string_view architecture;
  std::string_view published;
  std::string_view file;
};

constexpr std::array table = std::to_array<line>({
    // the whole model
    {"", "model.embed_tokens", "token_embd"},
    {"", "model.norm", "output_norm"},
    {"", "lm_head", "output"},
    // attention
    {"", "model.layers.#.input_layernorm", "attn_norm"},
    {"", "model.layers.#.self_attn.q_proj", "attn_q"},
    {"", "model.layers.#.self_attn.k_proj", "attn_k"},
    {"", "model.layers.#.self_attn.v_proj", "attn_v"},
    {"", "model.layers.#.self_attn.qkv_proj", "attn_qkv"},
    {"", "model.layers.#.self_attn.o_proj", "attn_output"},
    {"", "model.layers.#.self_attn.q_norm", "attn_q_norm"},
    {"", "model.layers.#.self_attn.k_norm", "attn_k_norm"},
    {"", "model.layers.#.self_attn.sinks", "attn_sinks"},
    // feed forward
    {"", "model.layers.#.post_attention_layernorm", "ffn_norm"},
    {"", "model.layers.#.mlp.gate_proj", "ffn_gate"},
    {"", "model.layers.#.mlp.up_proj", "ffn_up"},
    {"", "model.layers.#.mlp.gate_up_proj", "ffn_up"},
    {"", "model.layers.#.mlp.down_proj", "ffn_down"},
    // experts
    {"", "model.layers.#.mlp.gate", "ffn_gate_inp"},
    {"", "model.layers.#.mlp.experts.#.gate_proj", "ffn_gate_exps"},
    {"", "model.layers.#.mlp.experts.#.up_proj", "ffn_up_exps"},
    {"", "model.layers.#.mlp.experts.#.down_proj", "ffn_down_exps"},
    {"", "model.layers.#.mlp.shared_expert_gate", "ffn_gate_inp_shexp"},
    {"", "model.layers.#.mlp.shared_expert.gate_proj", "ffn_gate_shexp"},
    {"", "model.layers.#.mlp.shared_expert.up_proj", "ffn_up_shexp"},
    {"", "model.layers.#.mlp.shared_expert.down_proj", "ffn_down_shexp"},
    {"", "model.layers.#.block_sparse_moe.gate", "ffn_gate_inp"},
    {"", "model.layers.#.block_sparse_moe.experts.#.w1", "ffn_gate_exps"},
    {"", "model.layers.#.block_sparse_moe.experts.#.w2", "ffn_down_exps"},
    {"", "model.layers.#.block_sparse_moe.experts.#.w3", "ffn_up_exps"},

    {"gemma2", "model.layers.#.post_attention_layernorm",
     "post_attention_norm"},
    {"gemma2", "model.layers.#.pre_feedforward_layernorm", "ffn_norm"},
    {"gemma2", "model.layers.#.post_feedforward_layernorm", "post_ffw_norm"},
    {"gemma3", "model.layers.#.post_attention_layernorm",
     "post_attention_norm"},
    {"gemma3", "model.layers.#.pre_feedforward_layernorm", "ffn_norm"},
    {"gemma3", "model.layers.#.post_feedforward_layernorm", "post_ffw_norm"},
    {"olmo2", "model.layers.#.post_attention_layernorm", "post_attention_norm"},
    {"olmo2", "model.layers.#.post_feedforward_layernorm", "post_ffw_norm"},
    {"exaone4", "model.layers.#.post_attention_layernorm",
     "post_attention_norm"},
    {"exaone4", "model.layers.#.post_feedforward_layernorm", "post_ffw_norm"},
    {"seed_oss", "model.layers.#.post_attention_layernorm",
     "post_attention_norm"},
    {"glm4", "model.layers.#.post_self_attn_layernorm", "post_attention_norm"},
    {"glm4", "model.layers.#.post_mlp_layernorm", "post_ffw_norm"},
    {"gpt-oss", "model.layers.#.post_attention_layernorm",
     "post_attention_norm"},
    {"gpt-oss", "model.layers.#.mlp.router", "ffn_gate_inp"},
    {"gpt-oss", "model.layers.#.mlp.experts.down_proj", "ffn_down_exps"},
    {"stablelm", "model.layers.#.self_attn.q_layernorm", "attn_q_norm"},
    {"stablelm", "model.layers.#.self_attn.k_layernorm", "attn_k_norm"},
    {"granitemoe", "model.layers.#.block_sparse_moe.router.layer",
     "ffn_gate_inp"},
    {"granitemoe", "model.layers.#.block_sparse_moe.output_linear",
     "ffn_down_exps"},
    {"granitemoe", "model.layers.#.shared_mlp.output_linear",
     "ffn_down_shexp"},

    {"phi2", "model.final_layernorm", "output_norm"},
    {"phi2", "model.layers.#.self_attn.dense", "attn_output"},
    {"phi2", "model.layers.#.mlp.fc1", "ffn_up"},
    {"phi2", "model.layers.#.mlp.fc2", "ffn_down"},

    {"starcoder2", "model.layers.#.mlp.c_fc", "ffn_up"},
    {"starcoder2", "model.layers.#.mlp.c_proj", "ffn_down"},

    {"gpt2", "transformer.wte", "token_embd"},
    {"gpt2", "transformer.wpe", "position_embd"},
    {"gpt2", "transformer.ln_f", "output_norm"},
    {"gpt2", "transformer.h.#.ln_1", "attn_norm"},
    {"gpt2", "transformer.h.#.attn.c_attn", "attn_qkv"},
    {"gpt2", "transformer.h.#.attn.c_proj", "attn_output"},
    {"gpt2", "transformer.h.#.ln_2", "ffn_norm"},
    {"gpt2", "transformer.h.#.mlp.c_fc", "ffn_up"},
    {"gpt2", "transformer.h.#.mlp.c_proj", "ffn_down"},
    // The first models were published without `transformer.`.
    {"gpt2", "wte", "token_embd"},
    {"gpt2", "wpe", "position_embd"},
    {"gpt2", "ln_f", "output_norm"},
    {"gpt2", "h.#.ln_1", "attn_norm"},
    {"gpt2", "h.#.attn.c_attn", "attn_qkv"},
    {"gpt2", "h.#.attn.c_proj", "attn_output"},
    {"gpt2", "h.#.ln_2", "ffn_norm"},
    {"gpt2", "h.#.mlp.c_fc", "ffn_up"},
    {"gpt2", "h.#.mlp.c_proj", "ffn_down"},

    {"gptneox", "gpt_neox.embed_in", "token_embd"},
    {"gptneox", "gpt_neox.final_layer_norm", "output_norm"},
    {"gptneox", "embed_out", "output"},
    {"gptneox", "gpt_neox.layers.#.input_layernorm", "attn_norm"},
    {"gptneox", "gpt_neox.layers.#.attention.query_key_value", "attn_qkv"},
    {"gptneox", "gpt_neox.layers.#.attention.dense", "attn_output"},
    {"gptneox", "gpt_neox.layers.#.post_attention_layernorm", "ffn_norm"},
    {"gptneox", "gpt_neox.layers.#.mlp.dense_h_to_4h", "ffn_up"},
    {"gptneox", "gpt_neox.layers.#.mlp.dense_4h_to_h", "ffn_down"},

    {"falcon", "transformer.word_embeddings", "token_embd"},
    {"falcon", "transformer.ln_f", "output_norm"},
    {"falcon", "transformer.h.#.input_layernorm", "attn_norm"},
    {"falcon", "transformer.h.#.ln_mlp", "attn_norm"},
    {"falcon", "transformer.h.#.ln_attn", "attn_norm_2"},
    {"falcon", "transformer.h.#.self_attention.query_key_value", "attn_qkv"},
    {"falcon", "transformer.h.#.self_attention.dense", "attn_output"},
    {"falcon", "transformer.h.#.mlp.dense_h_to_4h", "ffn_up"},
    {"falcon", "transformer.h.#.mlp.dense_4h_to_h", "ffn_down"},

    {"chatglm", "transformer.embedding.word_embeddings", "token_embd"},
    {"chatglm", "transformer.encoder.final_layernorm", "output_norm"},
    {"chatglm", "transformer.output_layer", "output"},
    {"chatglm", "transformer.encoder.layers.#.input_layernorm", "attn_norm"},
    {"chatglm", "transformer.encoder.layers.#.self_attention.query_key_value",
     "attn_qkv"},
    {"chatglm", "transformer.encoder.layers.#.self_attention.dense",
     "attn_output"},
    {"chatglm", "transformer.encoder.layers.#.post_attention_layernorm",
     "ffn_norm"},
    {"chatglm", "transformer.encoder.layers.#.mlp.dense_h_to_4h", "ffn_up"},
    {"chatglm", "transformer.encoder.layers.#.mlp.dense_4h_to_h", "ffn_down"},

    {"internlm2", "model.tok_embeddings", "token_embd"},
    {"internlm2", "output", "output"},
    {"internlm2", "model.layers.#.attention_norm", "attn_norm"},
    {"internlm2", "model.layers.#.attention.wo", "attn_output"},
    {"internlm2", "model.layers.#.ffn_norm", "ffn_norm"},
    {"internlm2", "model.layers.#.feed_forward.w1", "ffn_gate"},
    {"internlm2", "model.layers.#.feed_forward.w2", "ffn_down"},
    {"internlm2", "model.layers.#.feed_forward.w3", "ffn_up"},

    {"deepseek2", "model.layers.#.self_attn.q_a_proj", "attn_q_a"},
    {"deepseek2", "model.layers.#.self_attn.q_a_layernorm", "attn_q_a_norm"},
    {"deepseek2", "model.layers.#.self_attn.q_b_proj", "attn_q_b"},
    {"deepseek2", "model.layers.#.self_attn.kv_a_proj_with_mqa",
     "attn_kv_a_mqa"},
    {"deepseek2", "model.layers.#.self_attn.kv_a_layernorm", "attn_kv_a_norm"},
    // Files from before it was split.
    {"deepseek2", "model.layers.#.self_attn.kv_b_proj", "attn_kv_b"},
    {"deepseek2", "model.layers.#.mlp.shared_experts.gate_proj",
     "ffn_gate_shexp"},
    {"deepseek2", "model.layers.#.mlp.shared_experts.up_proj", "ffn_up_shexp"},
    {"deepseek2", "model.layers.#.mlp.shared_experts.down_proj",
     "ffn_down_shexp"},
});

// A published name taken to pieces.
struct pieces {
  std::string pattern;
  std::string_view suffix;
  std::optional<std::uint64_t> layer;
  std::optional<std::uint64_t> expert;
};

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t result = 0;
  auto end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, result);
  if (text.empty() || at != end || error != std::errc{})
    return std::nullopt;
  return result;
}

// The first number is the layer's, the second the expert's.
pieces take_apart(std::string_view name) {
  pieces result;
  for (std::string_view suffix : {".weight", ".bias"})
    if (name.ends_with(suffix)) {
      result.suffix = suffix;
      name.remove_suffix(suffix.size());
    }
  while (!name.empty()) {
    auto word = name.substr(0, name.find('.'));
    name.remove_prefix(std::min(word.size() + 1, name.size()));
    if (!result.pattern.empty())
      result.pattern += '.';
    auto number = number_of(word);
    result.pattern += number ? "#" : word;
    if (number)
      (result.layer ? result.expert : result.layer) = number;
  }
  return result;
}

const line* find_line(std::string_view architecture,
                      std::string_view published) {
  const line* result = nullptr;
  for (auto& each : table)
    if (each.published == published
        && (each.architecture == architecture
            || (each.architecture.empty() && result == nullptr)))
      result = &each;
  return result;
}

} // namespace

std::optional<gguf_place> find_gguf_place(std::string_view architecture,
                                          std::string_view published) {
  auto parts = take_apart(published);
  // Names that end in no `.weight` or `.bias`.
  if (parts.suffix.empty()) {
    if (parts.pattern.ends_with("down_proj_bias")) {
      parts.pattern.resize(parts.pattern.size() - 5);
      parts.suffix = ".bias";
    } else if (parts.pattern.ends_with(".mlp.gate.e_score_correction_bias")) {
      return gguf_place{
          fmt::format("blk.{}.exp_probs_b.bias", parts.layer.value_or(0)), {}};
    } else {
      parts.suffix = ".weight";
    }
  }
  auto found = find_line(architecture, parts.pattern);
  if (found == nullptr)
    return std::nullopt;
  gguf_place result;
  if (parts.layer)
    result.name = fmt::format("blk.{}.", *parts.layer);
  result.name += found->file;
  result.name += parts.suffix;
  result.expert = parts.expert;
  return result;
}

} // namespace model_server
