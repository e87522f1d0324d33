// Finds the tensors of an encoder and makes them readable for the kernels.
#include "models/nets/encoder_weights.hpp"

#include "models/nets/packed_tensors.hpp"
#include "models/nets/packing.hpp"

#include <utility>

namespace model_server {

namespace {

class reader {
public:
  reader(const encoder_spec& spec, const weight_folder& folder,
         const weight_form& form, std::vector<packing_job>& jobs)
      : folder_(folder),
        read_(folder),
        form_(form),
        jobs_(jobs),
        prefix_(has_matrix(folder, spec.embedding.tensor) ? "" : spec.prefix) {
  }

  // The matrix, which is packed later if that is asked for.
  void matrix(matrix_source source, linear_weights& to) const {
    source.tensor.insert(0, prefix_);
    if (!source.bias.empty())
      source.bias.insert(0, prefix_);
    to = read_.plain(source, form_.format);
    if (form_.packed)
      jobs_.push_back({&to, format_of_matrix(source, *form_.packed)});
  }

  matrix_reader::norm_weights norm(norm_spec source, std::size_t size) const {
    rename(source.weight, "gamma");
    rename(source.bias, "beta");
    return read_.norm(source, size);
  }

  std::vector<float> floats(const std::string& name,
                            std::vector<std::uint64_t> shape) const {
    return read_.floats(prefix_ + name, std::move(shape));
  }

private:
  // Checkpoints from before PyTorch's names.
  void rename(std::string& name, std::string_view old) const {
    name.insert(0, prefix_);
    auto other = name.substr(0, name.rfind('.') + 1).append(old);
    if (folder_.find(name) == nullptr && folder_.find(other) != nullptr)
      name = std::move(other);
  }

  const weight_folder& folder_;
  matrix_reader read_;
  const weight_form& form_;
  std::vector<packing_job>& jobs_;
  std::string prefix_;
};

} // namespace

encoder_weights::encoder_weights(const encoder_spec& spec,
                                 std::shared_ptr<const weight_folder> files,
                                 const weight_form& form,
                                 const load_watch& watch)
    : folder(std::move(files)) {
  std::vector<packing_job> jobs;
  reader read{spec, *folder, form, jobs};
  auto hidden = spec.hidden;
  read.matrix(spec.embedding, embedding);
  positions = read.floats(spec.positions, {spec.stored_positions, hidden});
  if (!spec.kinds.empty()) {
    auto kinds = read.floats(spec.kinds, {spec.stored_kinds, hidden});
    for (std::size_t i = 0; i < positions.size(); ++i)
      positions[i] += kinds[i % hidden];
  }
  embedding_norm = read.norm(spec.embedding_norm, hidden);
  layers.resize(spec.layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    auto& from = spec.layers[i];
    auto& to = layers[i];
    read.matrix(from.query, to.query);
    read.matrix(from.key, to.key);
    read.matrix(from.value, to.value);
    read.matrix(from.output, to.output);
    to.attention_norm = read.norm(from.attention_norm, hidden);
    read.matrix(from.up, to.up);
    read.matrix(from.down, to.down);
    to.mlp_norm = read.norm(from.mlp_norm, hidden);
  }
  if (form.packed)
    packed_ = pack(jobs, watch);
}

} // namespace model_server
