// Where in a model folder a matrix of a network lies.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace model_server {

/// Neighbouring rows, or every `step`-th.
struct row_run {
  std::size_t first = 0;
  std::size_t count = 0;
  std::size_t step = 1;

  friend bool operator==(const row_run&, const row_run&) = default;
};

/// A matrix of `outputs` rows and `inputs` columns: a stored tensor, or some of
/// its rows, where one tensor holds several matrices.
struct matrix_source {
  /// Names of tensors; without a bias the second is empty.
  std::string tensor;
  std::string bias;
  std::size_t outputs = 0;
  std::size_t inputs = 0;
  /// Which rows of the stored one, in order; all if empty. `part` tells them
  /// from the others of that tensor: `query`.
  std::vector<row_run> rows = {};
  std::string part = {};
  /// Rows that are stored; `outputs` if 0.
  std::size_t stored_rows = 0;
  /// Stored as [inputs, rows].
  bool is_transposed = false;
  /// Stored in a stack, [items, rows, inputs]: how many there are, and which it
  /// is.
  std::size_t items = 0;
  std::size_t item = 0;
  /// The tensor has 4 bits a number, [items, rows, inputs / 32, 16 bytes], and
  /// this one their exponents, [items, rows, inputs / 32], as gpt-oss is
  /// published (OCP Microscaling Formats, MXFP4).
  std::string exponents = {};
  /// It lies in several tensors, whose rows come one behind the other; then
  /// only the sizes above count.
  std::vector<matrix_source> pieces = {};
  /// A row of it is all that there is of a token: the embedding, the head.
  bool is_of_tokens = false;

  bool is_there() const {
    return !tensor.empty();
  }

  /// A name of its own, by which a packed one is stored.
  std::string name() const {
    auto result = tensor;
    if (items != 0)
      result += ":" + std::to_string(item);
    if (!part.empty())
      result += ":" + part;
    return result;
  }
};

} // namespace model_server
