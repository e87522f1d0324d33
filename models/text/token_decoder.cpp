// The steps from spellings to bytes that tokenizer files ask for.
#include "models/text/token_decoder.hpp"

#include "models/text/byte_alphabet.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

void replace_all(std::string& text, const unicode_pattern& pattern,
                 const std::string& content) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{1};
  std::string result;
  std::size_t done = 0;
  pattern.find_all(text, deadline, [&](std::size_t begin, std::size_t end) {
    result.append(text, done, begin - done);
    result.append(content);
    done = end;
  });
  result.append(text, done);
  text = std::move(result);
}

} // namespace

void token_decoder::require_unfused(const char* what) const {
  if (fused_)
    throw std::runtime_error{fmt::format(
        "a decoder of type \"{}\" behind one that joins the tokens is not "
        "supported",
        what)};
}

void token_decoder::add_byte_level() {
  require_unfused("ByteLevel");
  steps_.push_back([](std::string& text, bool) {
    if (auto bytes = bytes_of_letters(text))
      text = std::move(*bytes);
  });
  fused_ = true;
}

void token_decoder::add_replace(unicode_pattern pattern, std::string content) {
  require_unfused("Replace");
  steps_.push_back([pattern = std::move(pattern),
                    content = std::move(content)](std::string& text, bool) {
    replace_all(text, pattern, content);
  });
}

void token_decoder::add_byte_fallback() {
  require_unfused("ByteFallback");
  steps_.push_back([](std::string& text, bool) {
    unsigned byte = 0;
    auto* end = text.data() + 5;
    if (text.size() == 6 && text.starts_with("<0x") && text.ends_with('>')
        && std::from_chars(text.data() + 3, end, byte, 16).ptr == end)
      text = static_cast<char>(byte);
  });
}

void token_decoder::add_fuse() {
  fused_ = true;
}

void token_decoder::add_strip(std::string content, std::int64_t start,
                              std::int64_t stop) {
  if (start < 0 || stop < 0 || content.empty())
    throw std::runtime_error{
        fmt::format("strips {} and {} times \"{}\"", start, stop, content)};
  if (fused_ && (start > 1 || stop > 0))
    throw std::runtime_error{
        fmt::format("stripping {} characters at the front and {} at the end of "
                    "the whole text is not supported",
                    start, stop)};
  steps_.push_back([content = std::move(content), start, stop,
                    whole = fused_](std::string& text, bool first) {
    if (whole && !first)
      return;
    for (auto i = start; i > 0 && text.starts_with(content); --i)
      text.erase(0, content.size());
    for (auto i = stop; i > 0 && text.ends_with(content); --i)
      text.erase(text.size() - content.size());
  });
}

void token_decoder::add_metaspace(std::string letter, bool strips_first) {
  require_unfused("Metaspace");
  auto pattern = unicode_pattern::literal(letter);
  steps_.push_back([pattern, strips_first](std::string& text, bool first) {
    replace_all(text, pattern, first && strips_first ? "" : " ");
  });
}

void token_decoder::add_spaces_between() {
  steps_.push_back([](std::string& text, bool first) {
    if (!first)
      text.insert(0, 1, ' ');
  });
}

std::string token_decoder::decode(std::string_view spelling, bool first) const {
  std::string text{spelling};
  for (auto& change : steps_)
    change(text, first);
  return text;
}

} // namespace model_server
