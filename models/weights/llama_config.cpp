// Reads and checks the config.json of a Llama.
#include "models/weights/llama_config.hpp"

#include "models/weights/json_file.hpp"
#include "models/weights/token_list.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

namespace model_server {

namespace {

// Sizes beyond these are no model but a broken file.
constexpr std::int64_t max_extent = 1 << 24;
constexpr std::int64_t max_layers = 1 << 12;
constexpr std::int64_t max_context = 1 << 28;

enum class family { llama, qwen2 };

family read_family(const rapidjson::Document& document,
                   const std::string& where) {
  std::string name;
  auto list = document.FindMember("architectures");
  if (list != document.MemberEnd() && list->value.IsArray()
      && list->value.Size() == 1 && list->value[0].IsString())
    name = list->value[0].GetString();
  else if (auto type = document.FindMember("model_type");
           type != document.MemberEnd() && type->value.IsString())
    name = type->value.GetString();
  if (name == "LlamaForCausalLM" || name == "llama")
    return family::llama;
  if (name == "Qwen2ForCausalLM" || name == "qwen2")
    return family::qwen2;
  throw std::runtime_error(
      fmt::format("{}: the architecture is {}, only LlamaForCausalLM and "
                  "Qwen2ForCausalLM are built in",
                  where, name.empty() ? "not given" : "`" + name + "`"));
}

// Which of its layers have a bias a Llama says, a Qwen2 has fixed.
void read_biases(const json_fields& fields, family kind, llama_config& result) {
  if (kind == family::qwen2) {
    result.has_attention_bias = true;
    if (fields.boolean("use_sliding_window").value_or(false))
      fields.refuse("use_sliding_window", "only false is built in");
    return;
  }
  auto has_bias = fields.boolean("attention_bias").value_or(false);
  result.has_attention_bias = has_bias;
  result.has_output_bias = has_bias;
  result.has_mlp_bias = fields.boolean("mlp_bias").value_or(false);
}

rope_config read_scaling(const json_fields& fields, rope_config result) {
  auto kind = fields.text("rope_type");
  auto key = "rope_type";
  if (!kind) {
    kind = fields.text("type");
    key = "type";
  }
  if (!kind || *kind == "default")
    return result;
  if (*kind != "linear" && *kind != "llama3")
    fields.refuse(key, "only default, linear and llama3 are built in");
  result.factor = fields.number("factor", 1.0, 1e6).value_or(0.0);
  if (result.factor == 0.0)
    fields.refuse("factor", "but this rope scaling needs it");
  result.scaling = rope_config::kind::linear;
  if (*kind == "llama3") {
    result.scaling = rope_config::kind::llama3;
    auto need = [&](const char* name) {
      auto value = fields.number(name, 1e-6, 1e9);
      if (!value)
        fields.refuse(name, "but llama3 needs it");
      return *value;
    };
    result.low_frequency_factor = need("low_freq_factor");
    result.high_frequency_factor = need("high_freq_factor");
    result.original_context = need("original_max_position_embeddings");
    if (result.high_frequency_factor <= result.low_frequency_factor)
      fields.refuse("high_freq_factor", "must be above low_freq_factor");
  }
  return result;
}

// transformers 5 keeps everything in `rope_parameters`; before, the base was at
// the top and the rest in `rope_scaling`.
rope_config read_rope(const json_fields& fields) {
  rope_config result;
  auto theta = [&result](const json_fields& from) {
    result.theta = from.number("rope_theta", 1.0, 1e15).value_or(result.theta);
  };
  theta(fields);
  for (auto key : {"rope_scaling", "rope_parameters"})
    if (auto inner = fields.object(key)) {
      theta(*inner);
      result = read_scaling(*inner, result);
      auto part = inner->number("partial_rotary_factor", 0.0, 1.0);
      if (part && *part != 1.0)
        inner->refuse("partial_rotary_factor", "only 1 is built in");
    }
  return result;
}

std::optional<number_format> read_format(const json_fields& fields) {
  for (auto key : {"dtype", "torch_dtype"}) {
    auto name = fields.text(key);
    if (!name)
      continue;
    if (*name == "float32")
      return number_format::f32;
    if (*name == "float16")
      return number_format::f16;
    if (*name == "bfloat16")
      return number_format::bf16;
    fields.refuse(key, "only float32, float16 and bfloat16 are built in");
  }
  return std::nullopt;
}

} // namespace

llama_config read_llama_config(const std::filesystem::path& folder) {
  auto path = folder / "config.json";
  auto document = read_json_file(path);
  auto kind = read_family(document, path.string());
  json_fields fields{document, path.string()};
  auto extent = [&fields](const char* key) {
    return static_cast<std::size_t>(fields.require_integer(key, 1, max_extent));
  };
  llama_config result;
  result.vocabulary = extent("vocab_size");
  result.hidden = extent("hidden_size");
  result.intermediate = extent("intermediate_size");
  result.layers = static_cast<std::size_t>(
      fields.require_integer("num_hidden_layers", 1, max_layers));
  result.heads = extent("num_attention_heads");
  result.kv_heads = static_cast<std::size_t>(
      fields.integer("num_key_value_heads", 1, max_extent)
          .value_or(static_cast<std::int64_t>(result.heads)));
  if (result.heads % result.kv_heads != 0)
    fields.refuse("num_key_value_heads",
                  fmt::format("must divide the {} heads", result.heads));
  if (auto head = fields.integer("head_dim", 2, max_extent))
    result.head = static_cast<std::size_t>(*head);
  else if (result.hidden % result.heads == 0)
    result.head = result.hidden / result.heads;
  else
    fields.refuse(
        "hidden_size",
        fmt::format("must be a multiple of the {} heads", result.heads));
  if (result.head < 2 || result.head % 2 != 0)
    throw std::runtime_error(fmt::format(
        "{}: a head has {} numbers, must be even", path.string(), result.head));
  result.context = static_cast<std::size_t>(
      fields.integer("max_position_embeddings", 1, max_context).value_or(2048));
  result.norm_epsilon =
      fields.number("rms_norm_eps", 0.0, 1.0).value_or(result.norm_epsilon);
  auto activation = fields.text("hidden_act");
  if (activation && *activation != "silu")
    fields.refuse("hidden_act", "only silu is built in");
  result.rope = read_rope(fields);
  result.is_tied = fields.boolean("tie_word_embeddings").value_or(false);
  read_biases(fields, kind, result);
  result.format = read_format(fields);
  result.end_tokens = read_token_list(fields, "eos_token_id");
  return result;
}

} // namespace model_server
