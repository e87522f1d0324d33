// Finds the tensors of a decoder and makes them readable for the kernels.
#include "models/nets/decoder_weights.hpp"

#include "models/nets/packed_tensors.hpp"
#include "models/nets/packing.hpp"

#include <utility>

namespace model_server {

namespace {

class reader {
public:
  reader(const decoder_spec& spec, const weight_folder& folder,
         const weight_form& form, std::vector<packing_job>& jobs)
      : spec_(spec), read_(folder, spec.norm_offset), form_(form), jobs_(jobs) {
  }

  // The matrix, which is packed later if that is asked for and it is not yet.
  void matrix(const matrix_source& source, linear_weights& to) const {
    to = read_.stored(source, form_);
    if (to.packed)
      return;
    auto stored = to.plain.format;
    if (form_.packed)
      jobs_.push_back({&to, format_of_matrix(source, *form_.packed)});
    else if (is_blocked(stored))
      // What the kernels do not know by itself loses little as bf16.
      jobs_.push_back(
          {&to, packed_format_of(stored).value_or(packed_format::bf16)});
  }

  void matrix(const matrix_source& source,
              std::optional<linear_weights>& to) const {
    if (source.is_there())
      matrix(source, to.emplace());
  }

  norm_weights norm(const norm_spec& norm, std::size_t size) const {
    return norm.is_there() ? read_.norm(norm, size) : norm_weights{};
  }

  norm_weights head_norm(const norm_spec& norm, std::size_t heads) const {
    if (!norm.is_there())
      return {};
    auto size = spec_.head;
    switch (spec_.head_norm_over) {
    case head_norm_scope::each_head:
      return read_.norm(norm, heads * size, {heads, size});
    case head_norm_scope::all:
      return read_.norm(norm, heads * size);
    default:
      return read_.norm(norm, size);
    }
  }

  void mlp(const mlp_spec& source, mlp_weights& to) const {
    matrix(source.gate, to.gate);
    matrix(source.up, to.up);
    matrix(source.down, to.down);
  }

  void experts(const experts_spec& source, experts_weights& to) const {
    to.router = read_.plain(source.router, form_.format);
    if (!source.correction.empty())
      to.correction = read_.floats(source.correction, {source.experts.size()});
    to.experts.resize(source.experts.size());
    for (std::size_t e = 0; e < to.experts.size(); ++e)
      mlp(source.experts[e], to.experts[e]);
    if (source.shared)
      mlp(*source.shared, to.shared.emplace());
    if (source.shared_gate.is_there())
      to.shared_gate = read_.plain(source.shared_gate, form_.format);
  }

  void layer(const layer_spec& source, layer_weights& to) const {
    auto hidden = spec_.hidden;
    auto& attention = source.attention;
    to.attention_norm = norm(source.attention_norm, hidden);
    to.attention_out_norm = norm(source.attention_out_norm, hidden);
    to.mlp_norm = norm(source.mlp_norm, hidden);
    to.mlp_out_norm = norm(source.mlp_out_norm, hidden);
    to.query_norm = head_norm(attention.query_norm, spec_.heads);
    to.key_norm = head_norm(attention.key_norm, spec_.kv_heads);
    matrix(attention.query, to.query);
    matrix(attention.output, to.output);
    if (attention.latent) {
      latent(*attention.latent, to.latent.emplace());
    } else {
      matrix(attention.key, to.key);
      matrix(attention.value, to.value);
    }
    if (!attention.sinks.empty())
      to.sinks = read_.floats(attention.sinks, {spec_.heads});
    if (source.experts)
      experts(*source.experts, to.experts.emplace());
    else
      mlp(source.mlp, to.mlp);
  }

  std::vector<float> positions() const {
    if (spec_.positions.empty())
      return {};
    return read_.floats(spec_.positions, {spec_.context, spec_.hidden});
  }

private:
  void latent(const latent_spec& source, latent_weights& to) const {
    if (source.query_down.is_there()) {
      matrix(source.query_down, to.query_down);
      to.query_norm = norm(source.query_norm, source.query_down.outputs);
    }
    matrix(source.down, to.down);
    to.norm = norm(source.norm, source.rank);
    matrix(source.up, to.up);
  }

  const decoder_spec& spec_;
  matrix_reader read_;
  const weight_form& form_;
  std::vector<packing_job>& jobs_;
};

} // namespace

decoder_weights::decoder_weights(const decoder_spec& spec,
                                 std::shared_ptr<const weight_folder> files,
                                 const weight_form& form,
                                 const load_watch& watch)
    : folder(std::move(files)) {
  std::vector<packing_job> jobs;
  reader read{spec, *folder, form, jobs};
  read.matrix(spec.embedding, embedding);
  positions = read.positions();
  embedding_norm = read.norm(spec.embedding_norm, spec.hidden);
  norm = read.norm(spec.norm, spec.hidden);
  read.matrix(spec.scores, own_head);
  layers.resize(spec.layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i)
    read.layer(spec.layers[i], layers[i]);
  if (!jobs.empty())
    packed_ = pack(jobs, watch);
}

} // namespace model_server
