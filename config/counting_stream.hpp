// A text for RapidJSON that knows its line.
#pragma once

#include <cstddef>
#include <string_view>

namespace model_server {

/// What RapidJSON reads from; counts lines as it goes. An end is a NUL to
/// RapidJSON, so texts with NUL bytes are refused before.
class counting_stream {
public:
  using Ch = char;

  explicit counting_stream(std::string_view text) : text_(text) {
    // nop
  }

  char Peek() const {
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  char Take() {
    auto result = Peek();
    ++at_;
    if (result == '\n')
      ++line_;
    return result;
  }

  std::size_t Tell() const {
    return at_;
  }

  std::size_t line() const {
    return line_;
  }

  // Wanted by RapidJSON's concept, used by its in-situ parser alone.
  char* PutBegin() {
    return nullptr;
  }

  void Put(char) {
    // nop
  }

  void Flush() {
    // nop
  }

  std::size_t PutEnd(char*) {
    return 0;
  }

private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

} // namespace model_server
