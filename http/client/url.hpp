// Questions about URLs.
#pragma once

#include <string>
#include <string_view>

namespace model_server {

/// One part of a path, as it may stand in a URL: a `/` in it is no separator.
std::string escaped_part(std::string_view text);

/// A path, whose `/` are separators.
std::string escaped_path(std::string_view path);

/// Scheme, host and port, by which it is decided who may see a token:
/// `https://host:443`. Throws `std::runtime_error` for what is no URL of HTTP.
std::string origin_of(const std::string& url);

/// Where a `Location` leads from here. Throws as above, and for a way from
/// https to http.
std::string resolve_location(const std::string& from,
                             const std::string& location);

} // namespace model_server
