// Describes the network of a GGUF file.
#include "models/nets/gguf_decoder.hpp"

#include "models/nets/families/families.hpp"
#include "models/nets/matrix_reader.hpp"
#include "models/weights/gguf_config.hpp"
#include "models/weights/gguf_names.hpp"
#include "models/weights/gguf_traits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>

namespace model_server {

namespace {

class converter {
public:
  converter(const gguf_file& file, const gguf_traits& traits,
            decoder_spec& spec)
      : file_(file), traits_(traits), spec_(spec) {
  }

  void run() {
    if (traits_.norm_has_one_added)
      spec_.norm_offset = 0.0;
    for (auto& rope : spec_.ropes)
      rope.is_interleaved = traits_.is_rope_interleaved;
    for (std::size_t i = 0; i < spec_.layers.size(); ++i)
      change_layer(i);
    for_each_tensor(
        spec_, [this](matrix_source& matrix) { rename(matrix); },
        [this](std::string& name) { rename(name); });
    spec_.prefix.clear();
    spec_.other_prefixes.clear();
  }

private:
  // Names that are set here are those of the file already.
  void change_layer(std::size_t index) {
    auto& layer = spec_.layers[index];
    auto& attention = layer.attention;
    auto block = fmt::format("blk.{}.", index);
    if (file_.find(block + "attn_qkv.weight"))
      join(attention, block);
    else if (!attention.latent)
      split(attention, block);
    for (auto* norm : {&attention.query_norm, &attention.key_norm})
      join_heads(*norm);
    if (attention.latent && file_.find(block + "attn_k_b.weight"))
      split_up(*attention.latent, block);
    if (layer.experts && traits_.gate_up_is_split)
      split_gates(*layer.experts, block);
  }

  // One tensor: all queries, then all keys, then all values.
  static void join(attention_spec& attention, const std::string& block) {
    std::size_t first = 0;
    auto rows = attention.query.outputs + 2 * attention.key.outputs;
    auto own = [&](matrix_source& matrix, const char* part) {
      matrix = {.tensor = block + "attn_qkv.weight",
                .bias = {},
                .outputs = matrix.outputs,
                .inputs = matrix.inputs,
                .rows = {{first, matrix.outputs}},
                .part = part,
                .stored_rows = rows};
      first += matrix.outputs;
    };
    own(attention.query, "query");
    own(attention.key, "key");
    own(attention.value, "value");
  }

  // A tensor for each.
  static void split(attention_spec& attention, const std::string& block) {
    auto own = [&](matrix_source& matrix, const char* name) {
      matrix = {.tensor = block + name + ".weight",
                .bias = {},
                .outputs = matrix.outputs,
                .inputs = matrix.inputs};
    };
    own(attention.query, "attn_q");
    own(attention.key, "attn_k");
    own(attention.value, "attn_v");
  }

  // One tensor for all heads.
  static void join_heads(norm_spec& norm) {
    constexpr std::string_view of_head = ".norms.{}";
    auto place = norm.weight.find(of_head);
    if (place != std::string::npos)
      norm.weight.erase(place, of_head.size());
  }

  // The keys of each head, [rank, numbers], and its values.
  void split_up(latent_spec& latent, const std::string& block) {
    matrix_source key{.tensor = block + "attn_k_b.weight",
                      .bias = {},
                      .outputs = latent.still,
                      .inputs = latent.rank,
                      .is_transposed = true,
                      .items = spec_.heads};
    matrix_source value{.tensor = block + "attn_v_b.weight",
                        .bias = {},
                        .outputs = latent.value,
                        .inputs = latent.rank,
                        .items = spec_.heads};
    for (std::size_t head = 0; head < spec_.heads; ++head) {
      key.item = value.item = head;
      latent.up.pieces.push_back(key);
      latent.up.pieces.push_back(value);
    }
    latent.up.tensor = block + "attn_kv_b.weight";
  }

  void split_gates(experts_spec& experts, const std::string& block) {
    auto own = [&](matrix_source& matrix, const char* name, std::size_t items,
                   std::size_t item) {
      matrix = {.tensor = block + name + ".weight",
                .bias = {},
                .outputs = matrix.outputs,
                .inputs = matrix.inputs,
                .items = items,
                .item = item};
    };
    auto count = experts.experts.size();
    for (std::size_t e = 0; e < count; ++e) {
      own(experts.experts[e].gate, "ffn_gate_exps", count, e);
      own(experts.experts[e].up, "ffn_up_exps", count, e);
    }
    if (experts.shared) {
      own(experts.shared->gate, "ffn_gate_shexp", 0, 0);
      own(experts.shared->up, "ffn_up_shexp", 0, 0);
    }
  }

  static bool is_of_file(const std::string& name) {
    return name.starts_with("blk.");
  }

  gguf_place place_of(const std::string& name) const {
    auto place = find_gguf_place(traits_.architecture, name);
    if (!place)
      throw std::runtime_error(fmt::format(
          "{}: files of the architecture `{}` have no name for `{}`",
          file_.metadata().where(), traits_.architecture, name));
    return *place;
  }

  void rename(matrix_source& matrix) const {
    if (traits_.is_transposed || traits_.experts_are_stacked)
      matrix.is_transposed = false;
    if (!is_of_file(matrix.tensor)) {
      auto place = place_of(matrix.tensor);
      matrix.tensor = place.name;
      if (place.expert) {
        matrix.items = count_experts(place.name);
        matrix.item = *place.expert;
      }
    }
    matrix.bias = bias_of(matrix.tensor);
  }

  // A matrix has a bias if the file has one for it.
  std::string bias_of(std::string name) const {
    constexpr std::string_view suffix = ".weight";
    name.replace(name.size() - suffix.size(), suffix.size(), ".bias");
    return file_.find(name) != nullptr ? name : std::string{};
  }

  // A stack has one for each expert of the layer.
  std::size_t count_experts(const std::string& name) const {
    const auto* stack = file_.find(name);
    return stack != nullptr && stack->shape.size() == 3
               ? static_cast<std::size_t>(stack->shape[0])
               : 1;
  }

  void rename(std::string& name) const {
    if (!is_of_file(name))
      name = place_of(name).name;
  }

  const gguf_file& file_;
  const gguf_traits& traits_;
  decoder_spec& spec_;
};

// Each layer is described, so that the file must have them: its last one, and
// no fewer tensors than layers.
void check_layers(const gguf_file& file) {
  const auto& metadata = file.metadata();
  auto key = std::string{metadata.require_text("general.architecture")}
             + ".block_count";
  auto count =
      metadata.require_integer(key, 1, std::numeric_limits<int>::max());
  auto last = fmt::format("blk.{}.", count - 1);
  auto is_of_last = [&](const auto& each) {
    return each.first.starts_with(last);
  };
  auto tensors = file.tensors().size();
  if (std::ranges::none_of(file.tensors(), is_of_last))
    metadata.refuse(key, fmt::format("but no tensor is named `{}*`", last));
  if (tensors < static_cast<std::size_t>(count))
    metadata.refuse(key, fmt::format("but there are {} tensors", tensors));
}

} // namespace

decoder_spec read_gguf_decoder(const gguf_file& file) {
  const auto& metadata = file.metadata();
  auto config = gguf_config(file);
  check_layers(file);
  auto architecture = metadata.require_text("general.architecture");
  const auto* traits = find_gguf_traits(architecture);
  if (traits == nullptr)
    metadata.refuse("general.architecture", "which is not built in");
  auto result = read_decoder_spec(config, metadata.where());
  converter{file, *traits, result}.run();
  return result;
}

decoder_spec read_decoder_spec(const weight_folder& weights) {
  if (const auto* file = weights.gguf())
    return read_gguf_decoder(*file);
  auto result = read_decoder_spec(weights.path());
  resolve_names(result, weights);
  return result;
}

} // namespace model_server
