// Finds the tensors of a Llama and makes them readable for the kernels.
#include "models/nets/llama_weights.hpp"

#include "models/nets/packed_tensors.hpp"
#include "models/nets/packing.hpp"
#include "models/weights/convert.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

class reader {
public:
  reader(const weight_folder& folder, const weight_form& form)
      : folder_(folder), form_(form) {
  }

  std::vector<float> vector(const std::string& name, std::size_t size) const {
    return to_floats(folder_.require(name, {size}));
  }

  linear_weights matrix(const std::string& name, std::size_t rows,
                        std::size_t columns) const {
    linear_weights result;
    result.packed = find_packed(folder_, name, rows, columns);
    if (result.packed) {
      check_form(name, result.packed->format);
      result.plain = {number_format::u8, nullptr, rows, columns};
      return result;
    }
    auto& tensor = folder_.require(name, {rows, columns});
    auto format = form_.format.value_or(tensor.format);
    result.plain = {format, tensor.bytes.data(), rows, columns};
    auto address = reinterpret_cast<std::uintptr_t>(tensor.bytes.data());
    if (format != tensor.format || address % size_of(format) != 0) {
      result.storage = convert(tensor, format);
      result.plain.data = result.storage.data();
    }
    return result;
  }

  linear_weights linear(const std::string& name, std::size_t rows,
                        std::size_t columns, bool has_bias) const {
    auto result = matrix(name + ".weight", rows, columns);
    if (has_bias)
      result.bias = vector(name + ".bias", rows);
    return result;
  }

private:
  // What is packed in the file stays as it is.
  void check_form(const std::string& name, packed_format found) const {
    if (form_.format || (form_.packed
            && format_of_matrix(name, *form_.packed) != found))
      throw std::runtime_error(fmt::format(
          "`{}` lies packed as {} in its file, and is not kept in another form",
          name, to_string(found)));
  }

  const weight_folder& folder_;
  const weight_form& form_;
};

// Matrices with the same input are multiplied together.
void check_alike(const std::string& where,
                 std::initializer_list<const linear_weights*> matrices) {
  auto form = [](const linear_weights* item) {
    return item->packed ? std::optional{item->packed->format} : std::nullopt;
  };
  for (const auto* item : matrices)
    if (form(item) != form(*matrices.begin()))
      throw std::runtime_error(fmt::format(
          "`{}*`: some matrices are packed in another form than others with "
          "the same input",
          where));
}

// Those that are not packed yet.
std::vector<packing_job> packing_jobs(llama_weights& weights,
                                      packed_format wanted) {
  auto of_tokens = format_of_matrix("lm_head.weight", wanted);
  std::vector<packing_job> result{{&weights.embedding, of_tokens}};
  for (auto& layer : weights.layers)
    for (auto* item : {&layer.query, &layer.key, &layer.value, &layer.output,
                       &layer.gate, &layer.up, &layer.down})
      result.push_back({item, wanted});
  if (weights.own_head)
    result.push_back({&*weights.own_head, of_tokens});
  std::erase_if(result, [](const auto& job) { return job.matrix->packed; });
  return result;
}

} // namespace

llama_weights::llama_weights(const llama_config& config,
                             std::shared_ptr<const weight_folder> files,
                             const weight_form& form, const load_watch& watch)
    : folder(std::move(files)) {
  reader read{*folder, form};
  auto hidden = config.hidden;
  auto embedding_name = llama_embedding_name(config, *folder);
  embedding = read.matrix(embedding_name, config.vocabulary, hidden);
  norm = read.vector("model.norm.weight", hidden);
  if (!config.is_tied)
    own_head = read.matrix("lm_head.weight", config.vocabulary, hidden);
  for (std::size_t i = 0; i < config.layers; ++i) {
    auto prefix = fmt::format("model.layers.{}.", i);
    auto attention = prefix + "self_attn.";
    auto mlp = prefix + "mlp.";
    auto queries = config.heads * config.head;
    auto keys = config.kv_heads * config.head;
    auto bias = config.has_attention_bias;
    auto& layer = layers.emplace_back();
    layer.attention_norm =
        read.vector(prefix + "input_layernorm.weight", hidden);
    layer.mlp_norm =
        read.vector(prefix + "post_attention_layernorm.weight", hidden);
    layer.query = read.linear(attention + "q_proj", queries, hidden, bias);
    layer.key = read.linear(attention + "k_proj", keys, hidden, bias);
    layer.value = read.linear(attention + "v_proj", keys, hidden, bias);
    layer.output = read.linear(attention + "o_proj", hidden, queries,
                               config.has_output_bias);
    bias = config.has_mlp_bias;
    auto inner = config.intermediate;
    layer.gate = read.linear(mlp + "gate_proj", inner, hidden, bias);
    layer.up = read.linear(mlp + "up_proj", inner, hidden, bias);
    layer.down = read.linear(mlp + "down_proj", hidden, inner, bias);
    check_alike(attention, {&layer.query, &layer.key, &layer.value});
    check_alike(mlp, {&layer.gate, &layer.up});
  }
  if (form.packed)
    packed_ = pack(packing_jobs(*this, *form.packed), watch);
}

std::string llama_embedding_name(const llama_config& config,
                                 const weight_folder& folder) {
  std::string name = "model.embed_tokens.weight";
  if (config.is_tied && !has_matrix(folder, name))
    return "lm_head.weight";
  return name;
}

} // namespace model_server
