// The tokens in the metadata of a GGUF file.
#pragma once

#include "models/token.hpp"
#include "models/weights/gguf_metadata.hpp"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace model_server {

/// What a token is for, with the numbers that files give the kinds.
enum class gguf_token_kind : std::uint8_t {
  normal = 1,
  unknown = 2,
  /// Never comes from plain text.
  control = 3,
  /// Found in the text before it is cut.
  user_defined = 4,
  unused = 5,
  byte = 6
};

/// One token; valid while the file is mapped.
struct gguf_token {
  /// UTF-8. Of control and user-defined ones the text itself, of others in the
  /// alphabet of the model: U+2581 for a space, letters for bytes.
  std::string_view text;
  float score = 0;
  gguf_token_kind kind = gguf_token_kind::normal;
};

/// All tokens, by id. Throws `std::runtime_error` that names file and key if
/// there are none or too many, arrays are of different lengths, a kind is
/// unknown, a score no number or a text not UTF-8.
std::vector<gguf_token> read_gguf_tokens(const gguf_metadata& metadata);

/// The token whose id stands under this key. Throws if it is none of `count`.
std::optional<token_id> gguf_token_id(const gguf_metadata& metadata,
                                      std::string_view key, std::size_t count);

/// The tokens that end a reply: those that the metadata call so, and those that
/// are spelled as chat models spell them, `<|im_end|>` say, since files name
/// only one of the list that a generation_config.json has.
std::vector<token_id> gguf_end_tokens(const gguf_metadata& metadata);

} // namespace model_server
