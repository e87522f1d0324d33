// Text that knows which of its bytes a client wrote.
#pragma once

#include "models/text/prompt_segment.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// A string whose bytes are trusted (a template's own) or not (a client's).
/// The mark of each byte survives cutting and joining. Comparisons look at the
/// bytes alone.
class marked_text {
public:
  marked_text() = default;
  marked_text(std::string bytes, bool trusted);

  const std::string& bytes() const {
    return bytes_;
  }
  std::size_t size() const {
    return bytes_.size();
  }
  bool empty() const {
    return bytes_.empty();
  }

  /// The mark of one byte.
  bool is_trusted_at(std::size_t position) const;

  /// True if all bytes from `begin` up to `end` are trusted.
  bool is_trusted(std::size_t begin, std::size_t end) const;

  /// True if all bytes have the same mark.
  bool is_uniform() const {
    return flips_.empty();
  }

  /// Bytes from `begin` up to `end`, with their marks.
  marked_text slice(std::size_t begin, std::size_t end) const;

  void append(const marked_text& other);
  /// Bytes from `begin` up to `end` of `other`.
  void append(const marked_text& other, std::size_t begin, std::size_t end);
  void append(std::string_view bytes, bool trusted);

  /// The same bytes with one mark.
  marked_text with_trust(bool trusted) const;

  /// Runs of equal trust, none empty.
  std::vector<prompt_segment> segments() const;

  friend bool operator==(const marked_text& a, const marked_text& b) {
    return a.bytes_ == b.bytes_;
  }

private:
  std::string bytes_;
  /// The mark of the first byte; it flips at each position of `flips_`, which
  /// ascends and stays inside the text.
  bool first_trusted_ = true;
  std::vector<std::size_t> flips_;
};

} // namespace model_server
