// The steps from spellings to bytes that tokenizer files ask for.
#include "models/text/token_decoder.hpp"

#include "models/text/byte_alphabet.hpp"
#include "models/text/growth.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

void replace_all(std::string& text, const unicode_pattern& pattern,
                 const std::string& content) {
  // Behind a byte fallback it may be a lone byte.
  if (!is_valid_utf8(text))
    return;
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{1};
  std::string result;
  std::size_t done = 0;
  pattern.find_all(text, deadline, [&](std::size_t begin, std::size_t end) {
    result.append(text, done, begin - done);
    result.append(content);
    done = end;
    check_growth(result.size(), text.size());
  });
  result.append(text, done);
  text = std::move(result);
}

void replace_all(std::string& text, std::string_view sought,
                 std::string_view content) {
  if (sought.empty())
    return;
  std::string result;
  std::size_t done = 0;
  for (auto at = text.find(sought); at != std::string::npos;
       at = text.find(sought, done)) {
    result.append(text, done, at - done).append(content);
    done = at + sought.size();
  }
  result.append(text, done);
  text = std::move(result);
}

/// Takes out the space before marks and contractions of English.
void clean_up(std::string& text) {
  constexpr std::pair<std::string_view, std::string_view> changes[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (auto [sought, content] : changes)
    replace_all(text, sought, content);
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
  steps_.push_back([](std::string& text, token_position) {
    if (auto bytes = bytes_of_letters(text))
      text = std::move(*bytes);
  });
  fused_ = true;
}

void token_decoder::add_replace(unicode_pattern pattern, std::string content) {
  require_unfused("Replace");
  steps_.push_back([pattern = std::move(pattern), content = std::move(content)](
                       std::string& text, token_position) {
    replace_all(text, pattern, content);
  });
}

void token_decoder::add_byte_fallback() {
  require_unfused("ByteFallback");
  steps_.push_back([](std::string& text, token_position) {
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
                    whole = fused_](std::string& text, token_position where) {
    if (whole && !where.first)
      return;
    std::string_view rest = text;
    for (auto i = start; i > 0 && rest.starts_with(content); --i)
      rest.remove_prefix(content.size());
    for (auto i = stop; i > 0 && rest.ends_with(content); --i)
      rest.remove_suffix(content.size());
    text = std::string{rest};
  });
}

void token_decoder::add_metaspace(std::string letter, bool strips_first) {
  require_unfused("Metaspace");
  auto pattern = unicode_pattern::literal(letter);
  steps_.push_back(
      [pattern, strips_first](std::string& text, token_position where) {
        replace_all(text, pattern, where.first && strips_first ? "" : " ");
      });
}

void token_decoder::add_word_piece(std::string prefix, bool cleanup) {
  require_unfused("WordPiece");
  steps_.push_back([prefix = std::move(prefix), cleanup](std::string& text,
                                                         token_position where) {
    if (!where.first && text.starts_with(prefix))
      text.erase(0, prefix.size());
    else if (!where.first)
      text.insert(0, 1, ' ');
    if (cleanup)
      clean_up(text);
  });
}

void token_decoder::add_suffix(std::string suffix) {
  require_unfused("BPEDecoder");
  minds_end_ = true;
  steps_.push_back(
      [suffix = std::move(suffix)](std::string& text, token_position where) {
        replace_all(text, suffix, where.last ? "" : " ");
      });
}

void token_decoder::add_ctc(std::string pad, std::string space, bool cleanup) {
  if (fused_ || !steps_.empty())
    throw std::runtime_error{
        "a decoder of type \"CTC\" behind another one is not supported"};
  drops_repeats_ = true;
  steps_.push_back([pad = std::move(pad), space = std::move(space),
                    cleanup](std::string& text, token_position) {
    replace_all(text, pad, "");
    if (cleanup) {
      clean_up(text);
      replace_all(text, space, " ");
    }
  });
}

void token_decoder::add_spaces_between() {
  steps_.push_back([](std::string& text, token_position where) {
    if (!where.first)
      text.insert(0, 1, ' ');
  });
}

std::string token_decoder::decode(std::string_view spelling,
                                  token_position where) const {
  std::string text{spelling};
  for (auto& change : steps_) {
    change(text, where);
    check_growth(text.size(), spelling.size());
  }
  return text;
}

} // namespace model_server
