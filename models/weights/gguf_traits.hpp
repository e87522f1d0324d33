// What converters make of the numbers and names of each architecture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace model_server {

/// How the tensors of a GGUF file differ from those that the model was
/// published with, and what its files do not say because every model of the
/// architecture has it so. A fact of files, not of networks.
struct gguf_traits {
  /// `general.architecture`.
  std::string_view architecture;
  /// `model_type` and the one of `architectures` in config.json.
  std::string_view model_type;
  std::string_view class_name;
  std::string_view activation = "silu";

  /// Rope turns numbers that lie side by side, 2i and 2i + 1 of a head; else
  /// the halves of a head, i and i + half.
  bool is_rope_interleaved = false;
  /// It does so only in the file: the rows of queries and keys, and their
  /// biases, were put in another order. Published row `half * j + i` of a head
  /// (j is 0 or 1) is row `2 * i + j` of the file.
  bool is_rope_permuted = false;
  /// The weights of norms are the published ones and 1: what is multiplied.
  bool norm_has_one_added = false;
  /// Matrices are [outputs, inputs], published as [inputs, outputs].
  bool is_transposed = false;
  /// The experts of a layer are one tensor [experts, outputs, inputs],
  /// published one by one.
  bool experts_are_stacked = false;
  /// `ffn_gate_exps` and `ffn_up_exps` are published as one tensor: first all
  /// of the gate, or, in gpt-oss, row by row in turn.
  bool gate_up_is_split = false;
  /// `attn_k_b` [heads, rank, numbers] and `attn_v_b` [heads, numbers, rank]
  /// are published as one matrix of heads, each its keys and its values, the
  /// keys [numbers, rank].
  bool kv_b_is_split = false;

  /// Of so many layers all but the last look back over the window only; 0 if
  /// all do or the file says which.
  std::int64_t window_period = 0;
};

/// Null if the architecture is unknown.
const gguf_traits* find_gguf_traits(std::string_view architecture);

/// Where row `row` of a published matrix of queries or keys lies in a file
/// whose rows are permuted; `head` is the numbers of a head, even.
constexpr std::size_t permuted_rope_row(std::size_t row, std::size_t head) {
  auto half = head / 2, inside = row % head;
  return row - inside + inside % half * 2 + inside / half;
}

} // namespace model_server
