// Checks the framing of a chunked body, byte by byte.
#pragma once

#include "http/error_reply.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace model_server {

/// Appends to `approved` those of `bytes` that are among the `missing` ones,
/// lowers `missing` by them and returns how many there were.
std::size_t pass_missing(std::string_view bytes, std::uint64_t& missing,
                         std::string& approved);

/// Reads the chunks of one body: sizes in hexadecimal digits, each line with
/// its CR LF, no fields after the last chunk.
class chunk_guard {
public:
  chunk_guard(std::uint64_t max_body_bytes, std::size_t max_chunks);

  /// Takes bytes of the body and appends what a parser may see. Returns how
  /// many were taken: fewer than all at the end of the body or when refused.
  std::size_t feed(std::string_view bytes, std::string& approved);

  bool is_complete() const {
    return part_ == part::complete;
  }

  /// Why this body must be refused.
  const std::optional<error_reply>& refusal() const {
    return refusal_;
  }

private:
  enum class part { size_line, data, data_end, last_line, complete };

  std::size_t take_data(std::string_view bytes, std::string& approved);
  std::size_t take_line(std::string_view bytes, std::string& approved);
  void end_line();
  void end_size_line();
  void refuse(std::string message);
  void refuse_size(std::string message);

  std::uint64_t max_body_bytes_;
  std::size_t max_chunks_;
  part part_ = part::size_line;
  /// The current line as far as it has come.
  std::string line_;
  /// Bytes of the current chunk that are still to come.
  std::uint64_t missing_ = 0;
  std::uint64_t body_bytes_ = 0;
  std::size_t chunks_ = 0;
  std::optional<error_reply> refusal_;
};

} // namespace model_server
