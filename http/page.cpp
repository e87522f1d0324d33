// Answers with the files of the page.
#include "http/page.hpp"

#include "http/http_text.hpp"

#include <algorithm>

namespace model_server {

namespace {

// Scripts, styles and pictures of this server, requests to it, and nothing
// else: no text becomes a script, however it got into the page. Trusted types
// make the browser refuse the ways by which a script would try.
constexpr std::string_view security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

std::string_view type_of(std::string_view name) {
  if (name.ends_with(".html"))
    return "text/html; charset=utf-8";
  if (name.ends_with(".css"))
    return "text/css; charset=utf-8";
  if (name.ends_with(".svg"))
    return "image/svg+xml";
  return "text/javascript; charset=utf-8";
}

bool names_tag(std::string_view known, std::string_view etag) {
  return std::ranges::any_of(split(known, ','), [=](auto each) {
    each = trimmed(each);
    if (each.starts_with("W/"))
      each.remove_prefix(2);
    return each == etag || each == "*";
  });
}

} // namespace

const page_file* find_page_file(std::string_view name) {
  auto files = page_files();
  auto found = std::ranges::find(files, name.empty() ? "index.html" : name,
                                 &page_file::name);
  return found == files.end() ? nullptr : &*found;
}

http_response page_response(const page_file& file, std::string_view known) {
  http_response result;
  result.status = names_tag(known, file.etag) ? 304 : 200;
  result.content_type = type_of(file.name);
  result.headers = {{"cache-control", "no-cache"},
                    {"etag", std::string{file.etag}},
                    {"content-security-policy", std::string{security_policy}},
                    {"x-content-type-options", "nosniff"},
                    {"referrer-policy", "no-referrer"},
                    {"cross-origin-resource-policy", "same-origin"}};
  result.body = file.text;
  return result;
}

} // namespace model_server
