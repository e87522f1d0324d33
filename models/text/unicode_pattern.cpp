// Searches with PCRE2, in windows, so that the clock is looked at.
#include "models/text/unicode_pattern.hpp"

#include "models/text/pattern_dialect.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <optional>

namespace model_server {

namespace {

constexpr std::size_t max_pattern_bytes = 64 * 1024;

/// Kilobytes, for an engine without just-in-time code.
constexpr std::uint32_t max_heap = 256 * 1024;
constexpr std::size_t max_jit_stack = 8 * 1024 * 1024;

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* thing) const {
    Free(thing);
  }
};

using code_ptr = std::unique_ptr<pcre2_code, freed_by<pcre2_code_free>>;
using data_ptr =
    std::unique_ptr<pcre2_match_data, freed_by<pcre2_match_data_free>>;
using context_ptr =
    std::unique_ptr<pcre2_match_context, freed_by<pcre2_match_context_free>>;
using compile_context_ptr =
    std::unique_ptr<pcre2_compile_context,
                    freed_by<pcre2_compile_context_free>>;
using jit_stack_ptr =
    std::unique_ptr<pcre2_jit_stack, freed_by<pcre2_jit_stack_free>>;

std::string message_of(int error) {
  PCRE2_UCHAR text[160];
  pcre2_get_error_message(error, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

code_ptr compile(std::string_view pattern, int& error, std::size_t& offset) {
  compile_context_ptr context{pcre2_compile_context_create(nullptr)};
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  return code_ptr{pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C
          | PCRE2_USE_OFFSET_LIMIT,
      &error, &offset, context.get())};
}

bool is_script(const std::string& name) {
  int error;
  std::size_t offset;
  return compile("\\p{sc:" + name + "}", error, offset) != nullptr;
}

/// One search through one text.
class search {
public:
  search(const pcre2_code* code, std::string_view text,
         pattern_deadline deadline)
      : code_(code),
        text_(text),
        deadline_(deadline),
        context_(pcre2_match_context_create(nullptr)),
        data_(pcre2_match_data_create(1, nullptr)) {
    if (!context_ || !data_)
      throw std::bad_alloc{};
    // Enough for a pattern that passes over the whole text a few times.
    auto steps = std::min<std::size_t>(1'000'000 + 16 * text.size(), 1u << 30);
    pcre2_set_match_limit(context_.get(), static_cast<std::uint32_t>(steps));
    pcre2_set_heap_limit(context_.get(), max_heap);
  }

  /// The first match at or after `from`, which is nowhere past the text.
  std::optional<std::pair<std::size_t, std::size_t>> next(std::size_t from) {
    for (;;) {
      auto start = std::chrono::steady_clock::now();
      if (start > deadline_)
        throw std::runtime_error{"takes too long"};
      auto limit = std::min(text_.size(), from + window_);
      pcre2_set_offset_limit(context_.get(), limit);
      auto status = match(from);
      if (status >= 0) {
        auto* at = pcre2_get_ovector_pointer(data_.get());
        return std::pair{std::min(at[0], at[1]), at[1]};
      }
      if (status != PCRE2_ERROR_NOMATCH)
        throw std::runtime_error{message_of(status)};
      if (limit == text_.size())
        return std::nullopt;
      from = limit + 1;
      while (from < text_.size() && is_utf8_continuation(text_[from]))
        ++from;
      adapt(std::chrono::steady_clock::now() - start);
    }
  }

private:
  int match(std::size_t from) {
    auto run = [&](std::uint32_t options) {
      return pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text_.data()),
                         text_.size(), from, PCRE2_NO_UTF_CHECK | options,
                         data_.get(), context_.get());
    };
    auto status = run(0);
    if (status == PCRE2_ERROR_JIT_STACKLIMIT && !stack_) {
      stack_.reset(pcre2_jit_stack_create(32 * 1024, max_jit_stack, nullptr));
      pcre2_jit_stack_assign(context_.get(), nullptr, stack_.get());
      status = run(0);
    }
    return status;
  }

  /// Places where a match may begin, tried between looks at the clock.
  void adapt(std::chrono::steady_clock::duration taken) {
    if (taken < std::chrono::milliseconds{1})
      window_ = std::min<std::size_t>(window_ * 2, 1 << 20);
    else if (taken > std::chrono::milliseconds{20})
      window_ = std::max<std::size_t>(window_ / 4, 1);
  }

  const pcre2_code* code_;
  std::string_view text_;
  pattern_deadline deadline_;
  context_ptr context_;
  data_ptr data_;
  jit_stack_ptr stack_;
  std::size_t window_ = 16;
};

} // namespace

struct unicode_pattern::compiled {
  code_ptr code;
};

unicode_pattern::unicode_pattern(std::string_view pattern) : source_(pattern) {
  if (pattern.size() > max_pattern_bytes)
    throw std::runtime_error{
        fmt::format("a pattern has {} bytes; the limit is {}", pattern.size(),
                    max_pattern_bytes)};
  auto fail = [&](const std::string& why) {
    throw std::runtime_error{
        fmt::format("the pattern \"{:.200}\": {}", source_, why)};
  };
  std::string translated;
  try {
    translated = to_pcre2(pattern, is_script);
  } catch (const std::runtime_error& e) {
    fail(e.what());
  }
  int error = 0;
  std::size_t offset = 0;
  auto code = compile(translated, error, offset);
  if (!code)
    fail(message_of(error));
  // Without just-in-time code (where memory can't be made executable) the
  // pattern is interpreted: slower, nothing else.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  compiled_ = std::make_shared<const compiled>(compiled{std::move(code)});
}

unicode_pattern unicode_pattern::literal(std::string_view text) {
  unicode_pattern result;
  result.literal_ = text;
  result.source_ = text;
  return result;
}

void unicode_pattern::find_all(std::string_view text, pattern_deadline deadline,
                               const on_match& found) const {
  if (!compiled_) {
    auto size = literal_.size();
    if (size == 0)
      return;
    for (auto at = text.find(literal_); at != std::string_view::npos;
         at = text.find(literal_, at + size))
      found(at, at + size);
    return;
  }
  try {
    search matches{compiled_->code.get(), text, deadline};
    std::size_t from = 0;
    auto last_end = std::string_view::npos;
    while (from <= text.size()) {
      auto match = matches.next(from);
      if (!match)
        return;
      auto [begin, end] = *match;
      if (begin == end && end == last_end) {
        // An empty match right behind another one doesn't count.
        do
          ++from;
        while (from < text.size() && is_utf8_continuation(text[from]));
        continue;
      }
      found(begin, end);
      from = last_end = end;
    }
  } catch (const std::runtime_error& e) {
    throw pattern_gave_up{
        fmt::format("the pattern \"{:.200}\" gave up: {}", source_, e.what())};
  }
}

} // namespace model_server
