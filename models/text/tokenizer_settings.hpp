// What a model folder says of its tokenizer beside the vocabulary.
#pragma once

#include "models/text/added_tokens.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// The settings that a folder without tokenizer.json spreads over
/// tokenizer_config.json, special_tokens_map.json, added_tokens.json and
/// config.json. All of these files may be missing.
struct tokenizer_settings {
  /// `tokenizer_class`, `LlamaTokenizer` say; without a last `Fast`.
  std::string tokenizer_class;
  /// `model_type` of config.json.
  std::string model_type;
  /// True and false settings that are there, `add_bos_token` say.
  std::map<std::string, bool, std::less<>> flags;
  /// Control tokens by what they are for, `bos_token` say; their ids are in
  /// the vocabulary or in `added`.
  std::map<std::string, added_token, std::less<>> named;
  /// Tokens that say their id.
  std::vector<added_token> added;
  /// More control tokens, whose ids are elsewhere.
  std::vector<added_token> more;

  bool flag(std::string_view name, bool otherwise) const;

  /// All added tokens of a model with that vocabulary: those that say their
  /// id, then the others with the id that they have there, or the next free
  /// one.
  std::vector<added_token> tokens(const token_table& vocabulary) const;
};

/// Throws `std::runtime_error` that names the file and the place.
tokenizer_settings read_tokenizer_settings(const std::filesystem::path& folder);

} // namespace model_server
