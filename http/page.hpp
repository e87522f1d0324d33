// The web page at `/`, built into the program.
#pragma once

#include "http/exchange.hpp"

#include <span>
#include <string_view>

namespace model_server {

/// One file of http/page/, as it was when the program was built.
struct page_file {
  std::string_view name;
  /// Another one for other contents; with its quotes.
  std::string_view etag;
  std::string_view text;
};

std::span<const page_file> page_files();

/// The file of this name, or the page itself for none. Null if there is none.
const page_file* find_page_file(std::string_view name);

/// The file, or a 304 if the client has it: `known` are the tags of its
/// `If-None-Match`. Browsers ask each time, so that a page and its program are
/// of one version, and let nothing run that is not among these files.
http_response page_response(const page_file& file, std::string_view known);

} // namespace model_server
