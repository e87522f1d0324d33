// What a folder of sentence-transformers says of its embeddings.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace model_server {

/// Which states of a text make its embedding.
enum class pooling {
  /// Of all tokens, on average.
  mean,
  /// Of the first token.
  cls,
  /// Of the last one.
  last
};

std::string_view to_string(pooling kind);

/// The one that is called so; nothing if there is none.
std::optional<pooling> pooling_named(std::string_view name);

/// Read from `modules.json`, the folder of its pooling module, and
/// `sentence_bert_config.json`; all of them may be absent.
struct embedding_config {
  std::optional<pooling> how;
  /// Tokens of a text at most, as the model was trained.
  std::optional<std::size_t> context;
};

/// Throws `std::runtime_error` that names file and value for a module or a
/// pooling that is not built in.
embedding_config read_embedding_config(const std::filesystem::path& folder);

} // namespace model_server
