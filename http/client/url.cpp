// Takes URLs apart, by libcurl's parser, so that it and we agree.
#include "http/client/url.hpp"

#include "config/quote.hpp"

#include <curl/curl.h>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <stdexcept>

namespace model_server {

namespace {

class url {
public:
  explicit url(const std::string& text)
      : handle_(curl_url(), curl_url_cleanup), text_(text) {
    follow(text);
  }

  /// Goes where a link leads to.
  void follow(const std::string& link) {
    check(curl_url_set(handle_.get(), CURLUPART_URL, link.c_str(), 0));
    auto scheme = part(CURLUPART_SCHEME);
    if (scheme != "http" && scheme != "https")
      throw std::runtime_error(
          fmt::format("{} is no URL of HTTP", quote(text_, 256)));
  }

  std::string part(CURLUPart which, unsigned flags = 0) const {
    char* text = nullptr;
    check(curl_url_get(handle_.get(), which, &text, flags));
    std::unique_ptr<char, void (*)(void*)> owner{text, curl_free};
    return text;
  }

private:
  void check(CURLUcode code) const {
    if (code != CURLUE_OK)
      throw std::runtime_error(fmt::format(
          "{} is no URL: {}", quote(text_, 256), curl_url_strerror(code)));
  }

  std::unique_ptr<CURLU, void (*)(CURLU*)> handle_;
  const std::string& text_;
};

bool is_unreserved(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-'
         || c == '.' || c == '_' || c == '~';
}

std::string escaped(std::string_view text, bool keeps_slashes) {
  std::string result;
  for (auto c : text)
    if (is_unreserved(c) || (c == '/' && keeps_slashes))
      result += c;
    else
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return result;
}

} // namespace

std::string escaped_part(std::string_view text) {
  return escaped(text, false);
}

std::string escaped_path(std::string_view path) {
  return escaped(path, true);
}

std::string origin_of(const std::string& text) {
  url parsed{text};
  auto host = parsed.part(CURLUPART_HOST);
  std::ranges::transform(host, host.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return fmt::format("{}://{}:{}", parsed.part(CURLUPART_SCHEME), host,
                     parsed.part(CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

std::string resolve_location(const std::string& from,
                             const std::string& location) {
  url here{from};
  auto was_https = here.part(CURLUPART_SCHEME) == "https";
  here.follow(location);
  if (was_https && here.part(CURLUPART_SCHEME) != "https")
    throw std::runtime_error(
        fmt::format("{} leads from https to http", quote(location, 256)));
  return here.part(CURLUPART_URL);
}

} // namespace model_server
