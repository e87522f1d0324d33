// Foreign text made safe for one line of a log or an error sentence.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace model_server {

/// Bytes after which a foreign text is cut in logs and error sentences.
inline constexpr std::size_t shown_text_bytes = 1024;

/// Appends `text` as the inside of a JSON string, at most about `limit` bytes
/// of it and then `...`. Controls (C0, C1, DEL), line separators and marks that
/// change the writing direction become `\u` escapes, invalid UTF-8 becomes
/// U+FFFD: what was appended is UTF-8, on one line, and cannot move a cursor.
void append_escaped(std::string& out, std::string_view text,
                    std::size_t limit = shown_text_bytes);

/// `text` escaped and between quotation marks.
std::string quote(std::string_view text, std::size_t limit = shown_text_bytes);

} // namespace model_server
