// What text a token stands for.
#pragma once

#include "models/text/unicode_pattern.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// A chain of steps from the spelling of a token to its bytes. Only what can
/// be said token by token is supported, so that a reply can be streamed.
class token_decoder {
public:
  /// Letters of the byte alphabet become bytes.
  void add_byte_level();
  void add_replace(unicode_pattern pattern, std::string content);
  /// `<0x0A>` becomes that byte.
  void add_byte_fallback();
  /// From here on the tokens are one text.
  void add_fuse();
  /// Takes up to that many `content` off the ends. Behind a fuse only one, and
  /// only at the front: throws `std::runtime_error` otherwise.
  void add_strip(std::string content, std::int64_t start, std::int64_t stop);
  /// `letter` becomes a space, or nothing in the first token.
  void add_metaspace(std::string letter, bool strips_first);
  /// For a file without a decoder: a space between tokens.
  void add_spaces_between();

  /// The bytes of a token; `first` if nothing stands before it.
  std::string decode(std::string_view spelling, bool first) const;

private:
  using step = std::function<void(std::string&, bool)>;
  void require_unfused(const char* what) const;

  std::vector<step> steps_;
  bool fused_ = false;
};

} // namespace model_server
