// How config.json becomes the description of a network: what families share.
#pragma once

#include "models/nets/decoder_spec.hpp"
#include "models/weights/json_file.hpp"

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// What a config.json calls the sizes; the first of several names that is
/// there counts.
struct size_names {
  std::initializer_list<const char*> vocabulary = {"vocab_size"};
  std::initializer_list<const char*> hidden = {"hidden_size"};
  std::initializer_list<const char*> layers = {"num_hidden_layers"};
  std::initializer_list<const char*> heads = {"num_attention_heads"};
  std::initializer_list<const char*> kv_heads = {"num_key_value_heads"};
  std::initializer_list<const char*> head = {"head_dim"};
  std::initializer_list<const char*> intermediate = {"intermediate_size"};
  std::initializer_list<const char*> context = {"max_position_embeddings"};
  std::initializer_list<const char*> epsilon = {"rms_norm_eps"};
};

/// What a family's code leaves out of its config.json.
struct family_defaults {
  std::size_t vocabulary = 0;   // 0: it must be there
  std::size_t hidden = 0;       // 0: it must be there
  std::size_t layers = 0;       // 0: it must be there
  std::size_t heads = 0;        // 0: it must be there
  std::size_t kv_heads = 0;     // 0: as many as heads
  std::size_t head = 0;         // 0: hidden / heads
  std::size_t intermediate = 0; // 0: it must be there
  std::size_t context = 2048;
  double epsilon = 1e-6;
  bool is_tied = false;
  /// A way to quantise, `quant_method`, that the family's code reads.
  std::string_view quantization = {};
};

// Every function here throws `std::runtime_error` that names file, key and
// value for what is missing, cannot be or is not built in.

/// Sizes, norm epsilon, number format and end tokens, and a layer without
/// contents for each layer. Tensors' names begin with `prefix`; the embedding,
/// norm and head of most families are filled in.
decoder_spec begin_decoder(const config_fields& config,
                           const family_defaults& defaults = {},
                           const size_names& names = {},
                           const std::string& prefix = "model.");

/// A size; the first of the names that is there.
std::size_t read_size(const config_fields& config,
                      std::initializer_list<const char*> names);
std::size_t read_size_or(const config_fields& config,
                         std::initializer_list<const char*> names,
                         std::size_t otherwise);

/// A number that may be missing.
double read_number_or(const config_fields& config, const char* key,
                      double least, double most, double otherwise);

/// How positions turn heads: transformers 5 keeps everything in
/// `rope_parameters`, before, the base was at the top and the rest in
/// `rope_scaling`. `share` is the part of a head that is turned where the file
/// does not say.
rope_spec read_rope(const config_fields& config, const decoder_spec& spec,
                    double theta = 10000.0, double share = 1.0);

/// The same from one object of `rope_parameters`.
rope_spec read_rope_object(const config_fields& object,
                           const config_fields& config,
                           const decoder_spec& spec, double theta,
                           double share = 1.0);

/// As `read_rope`, and where the file says nothing but a base, by the family's
/// `rule`, a JSON object.
rope_spec read_rope_or_rule(const config_fields& config,
                            const decoder_spec& spec, double theta,
                            const char* rule);

/// The function of that name in transformers.
activation read_activation(const config_fields& config, const char* key,
                           std::string_view otherwise);

/// Which layers see only a window: `layer_types`, or none.
std::vector<bool> read_sliding_layers(const config_fields& config,
                                      std::size_t layers, bool otherwise);

/// How many experts each of `layers` layers has.
std::size_t read_experts_of_layer(const config_fields& config,
                                  std::initializer_list<const char*> names,
                                  std::size_t otherwise, std::size_t layers);

/// How many experts a token gets, of `count`.
std::size_t read_chosen_experts(const config_fields& config, const char* key,
                                std::size_t otherwise, std::size_t count);

/// A flag that must be what is built in, if it is there.
void require_flag(const config_fields& config, const char* key, bool wanted);

/// Weights must be whole, or quantised in the way that is `read`.
void require_whole_weights(const config_fields& config,
                           std::string_view read = {});

/// What each of so many heads' scores lose for each token between query and key
/// (ALiBi): a geometric sequence that ends at 2^-most. Of a count that is no power
/// of two, every other slope of the next one comes first.
std::vector<float> alibi_slopes(std::size_t heads, double most = 8.0);

// --- parts -------------------------------------------------------------------

/// What the names of a layer's tensors begin with: `model.layers.3.`.
std::string layer_name(const decoder_spec& spec, std::size_t index,
                       const char* list = "layers");

/// A matrix `name.weight`, with `name.bias` if it has one.
matrix_source linear(const std::string& name, std::size_t outputs,
                     std::size_t inputs, bool has_bias = false);

/// Rows of a matrix that several share.
matrix_source rows_of(const matrix_source& whole, std::string part,
                      std::vector<row_run> rows);

norm_spec norm(const std::string& name, bool has_bias = false);

/// Which of q_proj, k_proj, v_proj and o_proj have a bias.
struct attention_biases {
  bool inputs = false;
  bool output = false;
};

/// Attention as a Llama names it, behind `prefix`: heads of `spec`, scale,
/// and the first rope if there is one.
attention_spec split_attention(const decoder_spec& spec,
                               const std::string& prefix,
                               attention_biases biases = {});

/// The same from one tensor with queries, keys and values behind each other.
attention_spec joined_attention(const decoder_spec& spec,
                                const std::string& joined,
                                const std::string& output,
                                attention_biases biases = {});

/// The same where each group of heads has its queries, key and value behind
/// each other.
attention_spec grouped_attention(const decoder_spec& spec,
                                 const std::string& joined,
                                 const std::string& output,
                                 attention_biases biases = {});

/// gate_proj, up_proj and down_proj behind `prefix`, `inner` wide.
mlp_spec gated_mlp(const decoder_spec& spec, const std::string& prefix,
                   std::size_t inner, bool has_bias = false);

/// Two matrices.
mlp_spec plain_mlp(const decoder_spec& spec, const std::string& up,
                   const std::string& down, bool has_bias);

/// Where the first matrix holds gate and up behind each other.
mlp_spec joined_mlp(const decoder_spec& spec, const std::string& joined,
                    const std::string& down, bool has_bias = false);

/// `count` gated networks `experts.0` and so on behind `prefix`, with their
/// router `gate`.
experts_spec gated_experts(const decoder_spec& spec, const std::string& prefix,
                           std::size_t count, std::size_t inner);

} // namespace model_server
