// What text a token stands for.
#pragma once

#include "models/text/unicode_pattern.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// Where a token stands among those that are decoded.
struct token_position {
  bool first = false;
  bool last = false;
};

/// A chain of steps from the spelling of a token to its bytes. Only what can
/// be said token by token is supported, so that a reply can be streamed; the
/// two exceptions are asked for with `minds_end` and `drops_repeats`.
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
  /// A space between tokens, but not before those that begin with `prefix`,
  /// which goes. With `cleanup` there is none before marks of English either.
  void add_word_piece(std::string prefix, bool cleanup);
  /// `suffix` becomes a space, or nothing in the last token.
  void add_suffix(std::string suffix);
  /// Drops repetitions and `pad`; with `cleanup` `space` becomes a space, and
  /// there is none before marks of English. Only as the first step: throws
  /// `std::runtime_error` otherwise.
  void add_ctc(std::string pad, std::string space, bool cleanup);
  /// For a file without a decoder: a space between tokens.
  void add_spaces_between();

  /// True if the last token has another text than it has elsewhere.
  bool minds_end() const {
    return minds_end_;
  }
  /// True if a token that equals the one before it has no text.
  bool drops_repeats() const {
    return drops_repeats_;
  }

  /// The bytes of a token.
  std::string decode(std::string_view spelling, token_position where) const;

private:
  using step = std::function<void(std::string&, token_position)>;
  void require_unfused(const char* what) const;

  std::vector<step> steps_;
  bool fused_ = false;
  bool minds_end_ = false;
  bool drops_repeats_ = false;
};

} // namespace model_server
