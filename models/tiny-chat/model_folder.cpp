// The files of the folder, one function each.
#include "models/tiny-chat/model_folder.hpp"

#include <rapidjson/ostreamwrapper.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

namespace model_server::tiny_chat {

namespace {

constexpr const char chat_template[] =
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + "
    "'<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

using json_writer = rapidjson::PrettyWriter<rapidjson::OStreamWrapper>;

/// Writes one JSON object; `fill` adds its members.
template <class Fill>
void write_json(const std::filesystem::path& file, Fill fill) {
  std::ofstream out{file, std::ios::binary};
  rapidjson::OStreamWrapper stream{out};
  json_writer json{stream};
  json.SetIndent(' ', 2);
  json.SetFormatOptions(rapidjson::kFormatSingleLineArray);
  json.StartObject();
  fill(json);
  json.EndObject();
  out << '\n';
  if (!out)
    throw std::runtime_error{file.string() + ": cannot be written"};
}

void add(json_writer& json, const char* key, const char* value) {
  json.Key(key);
  json.String(value);
}

void add(json_writer& json, const char* key, std::int64_t value) {
  json.Key(key);
  json.Int64(value);
}

void add(json_writer& json, const char* key, double value) {
  json.Key(key);
  json.Double(value);
}

void add(json_writer& json, const char* key, bool value) {
  json.Key(key);
  json.Bool(value);
}

void add_end_tokens(json_writer& json) {
  json.Key("eos_token_id");
  json.StartArray();
  json.Int64(message_end);
  json.Int64(end_of_text);
  json.EndArray();
}

void write_config(json_writer& json, const network_shape& shape) {
  json.Key("architectures");
  json.StartArray();
  json.String("LlamaForCausalLM");
  json.EndArray();
  add(json, "attention_bias", false);
  add(json, "attention_dropout", 0.0);
  add(json, "bos_token_id", end_of_text);
  add_end_tokens(json);
  add(json, "head_dim", shape.hidden / shape.heads);
  add(json, "hidden_act", "silu");
  add(json, "hidden_size", shape.hidden);
  add(json, "initializer_range", 0.02);
  add(json, "intermediate_size", shape.intermediate);
  add(json, "max_position_embeddings", shape.context);
  add(json, "mlp_bias", false);
  add(json, "model_type", "llama");
  add(json, "num_attention_heads", shape.heads);
  add(json, "num_hidden_layers", shape.layers);
  add(json, "num_key_value_heads", shape.kv_heads);
  add(json, "pad_token_id", end_of_text);
  add(json, "rms_norm_eps", shape.norm_epsilon);
  json.Key("rope_scaling");
  json.Null();
  add(json, "rope_theta", shape.rope_theta);
  add(json, "tie_word_embeddings", true);
  add(json, "torch_dtype", "bfloat16");
  add(json, "use_cache", true);
  add(json, "vocab_size", shape.vocabulary);
}

void write_generation_config(json_writer& json) {
  add(json, "bos_token_id", end_of_text);
  add_end_tokens(json);
  add(json, "pad_token_id", end_of_text);
  add(json, "do_sample", true);
  add(json, "temperature", 0.2);
  add(json, "max_new_tokens", std::int64_t{256});
}

void write_tokenizer_config(json_writer& json, const network_shape& shape) {
  add(json, "add_bos_token", false);
  add(json, "add_prefix_space", false);
  add(json, "bos_token", added_tokens[end_of_text]);
  add(json, "chat_template", chat_template);
  add(json, "clean_up_tokenization_spaces", false);
  add(json, "eos_token", added_tokens[message_end]);
  add(json, "model_max_length", shape.context);
  add(json, "pad_token", added_tokens[end_of_text]);
  add(json, "tokenizer_class", "PreTrainedTokenizerFast");
  json.Key("unk_token");
  json.Null();
}

/// Writes the header (sizes and places), padded to 8 bytes, then the numbers.
void write_weights(const std::filesystem::path& file,
                   std::vector<weight> weights) {
  std::sort(weights.begin(), weights.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  rapidjson::StringBuffer text;
  rapidjson::Writer json{text};
  json.StartObject();
  json.Key("__metadata__");
  json.StartObject();
  json.Key("format");
  json.String("pt");
  json.EndObject();
  std::uint64_t at = 0;
  for (const auto& next : weights) {
    json.Key(next.name.c_str());
    json.StartObject();
    json.Key("dtype");
    json.String("BF16");
    json.Key("shape");
    json.StartArray();
    for (auto size : next.sizes)
      json.Int64(size);
    json.EndArray();
    json.Key("data_offsets");
    json.StartArray();
    json.Uint64(at);
    at += next.values.size() * sizeof(std::uint16_t);
    json.Uint64(at);
    json.EndArray();
    json.EndObject();
  }
  json.EndObject();
  std::string header{text.GetString(), text.GetSize()};
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::ofstream out{file, std::ios::binary};
  for (int byte = 0; byte < 8; ++byte)
    out.put(static_cast<char>(header.size() >> (8 * byte)));
  out << header;
  for (const auto& next : weights)
    for (auto value : next.values) {
      out.put(static_cast<char>(value & 0xFF));
      out.put(static_cast<char>(value >> 8));
    }
  if (!out)
    throw std::runtime_error{file.string() + ": cannot be written"};
}

} // namespace

void write_model_folder(const std::filesystem::path& folder, const network& net,
                        const network_shape& shape, const bpe& tokenizer) {
  write_json(folder / "config.json",
             [&](auto& json) { write_config(json, shape); });
  write_json(folder / "generation_config.json",
             [](auto& json) { write_generation_config(json); });
  write_json(folder / "tokenizer_config.json",
             [&](auto& json) { write_tokenizer_config(json, shape); });
  tokenizer.write(folder / "tokenizer.json");
  write_weights(folder / "model.safetensors", net.weights());
}

} // namespace model_server::tiny_chat
