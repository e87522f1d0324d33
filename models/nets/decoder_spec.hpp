// What a decoder network is made of, in the terms that all families share.
#pragma once

#include "models/entry.hpp"
#include "models/kernels/kernel_set.hpp"
#include "models/nets/matrix_source.hpp"
#include "models/nets/rope.hpp"
#include "models/weights/number_format.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace model_server {

enum class norm_kind {
  rms,  // x / rms(x) (Zhang and Sennrich 2019, arXiv:1910.07467)
  layer // (x - mean) / deviation (Ba et al. 2016, arXiv:1607.06450)
};

/// A norm; the names of its tensors. Without a weight there is no norm.
struct norm_spec {
  std::string weight;
  std::string bias;

  bool is_there() const {
    return !weight.empty();
  }
};

/// Over what queries and keys are normed before they are turned.
enum class head_norm_scope {
  head,      // each head, with the same weights, [head]
  each_head, // each head, with weights of its own, [heads, head]
  all        // all heads of a token together, [heads * head]
};

/// Keys and values through a narrow vector that all heads share (DeepSeek-AI
/// 2024, arXiv:2405.04434). A head's first numbers are turned, and its key's
/// turned numbers are the same for all heads.
struct latent_spec {
  /// Absent if `attention_spec::query` makes the queries.
  matrix_source query_down;
  norm_spec query_norm;
  /// [rank + turned, hidden].
  matrix_source down;
  norm_spec norm;
  /// [heads * (still + value), rank].
  matrix_source up;
  std::size_t rank = 0;
  std::size_t turned = 0;
  std::size_t still = 0;
  /// Numbers of a value, at most those of a head.
  std::size_t value = 0;
};

struct attention_spec {
  /// [heads * head, hidden], then twice [kv_heads * head, hidden].
  matrix_source query, key, value;
  /// [hidden, heads * head].
  matrix_source output;
  std::optional<latent_spec> latent;
  norm_spec query_norm, key_norm;
  /// What a score is multiplied with.
  double scale = 1.0;
  /// It sees so many tokens, its own among them; 0: all.
  std::size_t window = 0;
  /// A score is softcap * tanh(score / softcap); 0: as it is.
  double softcap = 0.0;
  /// Index in `decoder_spec::ropes`.
  std::optional<std::size_t> rope;
  /// Tensor of a score for each head that has no value; may be empty.
  std::string sinks;
};

/// down(f(gate(x)) * up(x)), or down(f(gate(x))) if there is no `up`.
struct mlp_spec {
  matrix_source gate, up, down;
};

/// Some of many networks, chosen for each token.
struct experts_spec {
  enum class scoring { softmax, sigmoid, softmax_of_chosen };
  matrix_source router = {};
  /// Tensor of what is added to the scores for the choice alone; may be empty.
  std::string correction = {};
  scoring score = scoring::softmax;
  std::size_t chosen = 0;
  /// Divides the weights of the chosen by their sum.
  bool is_normalized = false;
  double scale = 1.0;
  /// The choice is among the best `chosen_groups` of so many groups. What a
  /// group is worth: its best expert, or its best two together.
  std::size_t groups = 1;
  std::size_t chosen_groups = 1;
  bool counts_two_of_group = false;
  std::vector<mlp_spec> experts = {};
  /// For every token; times sigmoid(gate(x)) if that is there.
  std::optional<mlp_spec> shared = {};
  matrix_source shared_gate = {};
};

struct layer_spec {
  norm_spec attention_norm;
  attention_spec attention;
  /// On what the attention gives, before it is added.
  norm_spec attention_out_norm;
  /// Absent where the network is parallel and both read the same.
  norm_spec mlp_norm;
  mlp_spec mlp;
  /// In the place of `mlp`.
  std::optional<experts_spec> experts;
  norm_spec mlp_out_norm;
};

struct decoder_spec {
  /// As config.json calls it: `llama`.
  std::string family;
  std::size_t vocabulary = 0;
  std::size_t hidden = 0;
  /// Prompt and reply together, as the file says.
  std::size_t context = 0;
  /// How long sequences may get here, for positions whose scaling depends on
  /// that; 0: never beyond the original context.
  std::size_t longest = 0;

  matrix_source embedding;
  double embedding_scale = 1.0;
  /// On the embedding, before the first layer; may be absent.
  norm_spec embedding_norm;
  /// Tensor with what is added for each position, [positions, hidden]; may be
  /// empty.
  std::string positions;

  norm_kind norms = norm_kind::rms;
  double norm_epsilon = 1e-6;
  /// Added to the stored weights of every norm.
  double norm_offset = 0.0;
  norm_kind head_norms = norm_kind::rms;
  head_norm_scope head_norm_over = head_norm_scope::head;

  std::size_t heads = 0;
  std::size_t kv_heads = 0;
  /// Numbers in a head, even.
  std::size_t head = 0;
  std::vector<rope_spec> ropes;
  /// What each head's scores lose for each token between query and key (ALiBi,
  /// Press et al. 2022, arXiv:2108.12409); may be empty.
  std::vector<float> slopes;

  std::size_t intermediate = 0;
  activation activate = activation::silu;
  /// Attention and MLP read the same and are added together.
  bool is_parallel = false;
  /// What attention and MLP give is multiplied with it before it is added.
  double residual_scale = 1.0;
  std::vector<layer_spec> layers;

  norm_spec norm;
  /// Absent if the head is the embedding.
  matrix_source scores;
  double score_scale = 1.0;
  /// As for attention.
  double score_softcap = 0.0;

  /// In which the weights were saved, if it says so.
  std::optional<number_format> format;
  /// Tokens that end a reply; may be empty.
  std::vector<token_id> end_tokens;
  /// What the names above begin with, and what tensors of the same model begin
  /// with elsewhere.
  std::string prefix;
  std::vector<std::string> other_prefixes;

  const matrix_source& head_matrix() const {
    return scores.is_there() ? scores : embedding;
  }
};

/// Calls f with every matrix of the network, the embedding first. `Spec` is a
/// decoder_spec, constant or not.
template <class Spec, class F>
void for_each_matrix(Spec& spec, F f) {
  auto one = [&](auto& matrix) {
    if (matrix.is_there())
      f(matrix);
  };
  auto each = [&](auto&... all) { (one(all), ...); };
  auto mlp = [&](auto& part) { each(part.gate, part.up, part.down); };
  each(spec.embedding);
  for (auto& layer : spec.layers) {
    auto& attention = layer.attention;
    if (attention.latent)
      each(attention.latent->query_down, attention.latent->down,
           attention.latent->up);
    each(attention.query, attention.key, attention.value, attention.output);
    if (layer.experts) {
      for (auto& expert : layer.experts->experts)
        mlp(expert);
      if (layer.experts->shared)
        mlp(*layer.experts->shared);
    } else {
      mlp(layer.mlp);
    }
  }
  each(spec.scores);
}

/// Calls `matrix` with every matrix, those that choose experts among them, and
/// `name` with the name of every other tensor; absent ones are left out.
template <class Matrix, class Name>
void for_each_tensor(decoder_spec& spec, Matrix matrix, Name name) {
  auto one = [&](std::string& text) {
    if (!text.empty())
      name(text);
  };
  auto norm = [&](norm_spec& item) {
    one(item.weight);
    one(item.bias);
  };
  auto some = [&](matrix_source& item) {
    if (item.is_there())
      matrix(item);
  };
  for_each_matrix(spec, matrix);
  one(spec.positions);
  norm(spec.embedding_norm);
  norm(spec.norm);
  for (auto& layer : spec.layers) {
    auto& attention = layer.attention;
    for (auto* item :
         {&layer.attention_norm, &layer.attention_out_norm, &layer.mlp_norm,
          &layer.mlp_out_norm, &attention.query_norm, &attention.key_norm})
      norm(*item);
    if (attention.latent) {
      norm(attention.latent->query_norm);
      norm(attention.latent->norm);
    }
    one(attention.sinks);
    if (layer.experts) {
      some(layer.experts->router);
      some(layer.experts->shared_gate);
      one(layer.experts->correction);
    }
  }
}

} // namespace model_server
