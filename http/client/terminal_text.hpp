// Text of models, servers and hubs, made fit for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace model_server {

/// `text` without what could move a cursor, change colours, a title or a
/// clipboard, or turn the writing direction: of C0 only line feeds and tabs
/// stay, DEL, C1 and the marks that override or embed directions go. Invalid
/// UTF-8 becomes U+FFFD. May be called piece by piece if pieces hold whole
/// characters.
std::string plain_text(std::string_view text);

} // namespace model_server
