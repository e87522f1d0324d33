// What Python does with strings, for text that knows who wrote it. Positions
// and lengths count characters.
#pragma once

#include "models/text/marked_text.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace model_server {

/// White space as `str.isspace` has it.
bool is_python_space(char32_t code);

/// How many bytes of white space `text` begins with.
std::size_t space_size(std::string_view text);

/// How many bytes of `text` are left without the white space at its end.
std::size_t rstrip_size(std::string_view text);

/// Where `needle` first stands in `text` at or after byte `from`, or npos. In
/// linear time.
std::size_t find_bytes(std::string_view text, std::string_view needle,
                       std::size_t from = 0);

/// How many times `needle` stands in `text` without overlap.
std::size_t count_bytes(std::string_view text, std::string_view needle);

/// Start, stop and step of a slice over `length` things, made definite.
struct slice_range {
  std::int64_t start = 0;
  std::int64_t step = 1;
  std::size_t count = 0;
};

/// Python's rules for slices. `step` is not 0.
slice_range resolve_slice(std::size_t length, std::optional<std::int64_t> start,
                          std::optional<std::int64_t> stop, std::int64_t step);

/// The characters of a slice.
marked_text slice_text(const marked_text& text, const slice_range& range);

/// `text` without those characters at its ends that are in `characters`, or,
/// without these, that are white space.
marked_text strip_text(const marked_text& text, const marked_text* characters,
                       bool left, bool right);

/// The pieces between `separator` (not empty), or, without one, the words. At
/// most `limit` cuts if it isn't negative, from the right if `from_right`.
std::vector<marked_text> split_text(const marked_text& text,
                                    const marked_text* separator,
                                    std::int64_t limit, bool from_right);

/// The lines, by every line end that Unicode knows.
std::vector<marked_text> split_lines(const marked_text& text, bool keep_ends);

/// Each `from` replaced by `to`; at most `limit` if it isn't negative.
marked_text replace_text(const marked_text& text, const marked_text& from,
                         const marked_text& to, std::int64_t limit);

/// Upper and lower case by Unicode's full mappings.
marked_text upper_text(const marked_text& text);
marked_text lower_text(const marked_text& text);
/// The first character in upper (title) case, the others in lower case.
marked_text capitalize_text(const marked_text& text);
/// Every word so; a word is a run of letters.
marked_text title_text(const marked_text& text);
/// Every word so; words begin where Jinja's `title` filter says.
marked_text title_words(const marked_text& text);

/// True if all letters are of that case and there is one.
bool is_lower_text(std::string_view text);
bool is_upper_text(std::string_view text);

/// The string as Python's `repr` writes it.
marked_text repr_text(const marked_text& text);

} // namespace model_server
