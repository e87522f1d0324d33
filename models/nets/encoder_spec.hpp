// What an encoder network is made of, in the terms that all families share.
#pragma once

#include "models/nets/decoder_spec.hpp"

#include <rapidjson/document.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// A layer: norm(x + attention(x)), then norm(x + down(f(up(x)))) (Devlin et
/// al. 2018, arXiv:1810.04805).
struct encoder_layer_spec {
  /// [hidden, hidden].
  matrix_source query, key, value, output;
  norm_spec attention_norm;
  matrix_source up, down;
  norm_spec mlp_norm;
};

/// A network whose tokens see all tokens of their text.
struct encoder_spec {
  /// As config.json calls it: `bert`.
  std::string family;
  std::size_t vocabulary = 0;
  std::size_t hidden = 0;
  /// Tokens of a text at most.
  std::size_t context = 0;
  std::size_t heads = 0;
  std::size_t intermediate = 0;
  activation activate = activation::gelu;
  double norm_epsilon = 1e-12;

  matrix_source embedding;
  /// Tensor with what is added for each position, [stored_positions, hidden].
  std::string positions;
  std::size_t stored_positions = 0;
  /// The row of the first token.
  std::size_t first_position = 0;
  /// A token that has the row before that one wherever it stands, and is not
  /// counted (RoBERTa).
  std::optional<token_id> uncounted;
  /// Tensor with what is added for each kind of text, [kinds, hidden]: the
  /// first row, as all texts are of one kind. May be empty.
  std::string kinds;
  std::size_t stored_kinds = 0;
  norm_spec embedding_norm;
  std::vector<encoder_layer_spec> layers;

  /// What the names above begin with in folders that hold more than the
  /// encoder.
  std::string prefix;

  std::size_t head() const {
    return hidden / heads;
  }
};

/// The `model_type`s that are built in.
std::span<const std::string_view> encoder_families();

/// The encoder that a config.json describes; nothing if it is of another
/// family. Throws `std::runtime_error` that begins with `where` and names key
/// and value for what is missing, cannot be or is not built in.
std::optional<encoder_spec> read_encoder_spec(const rapidjson::Value& config,
                                              const std::string& where);

} // namespace model_server
