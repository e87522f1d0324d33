// Matches requests with the table.
#include "http/routes.hpp"

#include "config/quote.hpp"
#include "http/http_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace model_server {

namespace {

constexpr route table[] = {
    {"POST", "/api/v1/{model}/call", endpoint::call, route_access::call},
    {"POST", "/api/v1/{model}/add", endpoint::add, route_access::admin},
    {"POST", "/api/v1/{model}/remove", endpoint::remove, route_access::admin},
    {"POST", "/api/v1/{model}/activate", endpoint::activate,
     route_access::admin},
    {"GET", "/api/v1/", endpoint::status, route_access::admin},
    {"POST", "/api/v1/", endpoint::status, route_access::admin},
    {"POST", "/api/v1/reload", endpoint::reload, route_access::admin},
    {"POST", "/v1/chat/completions", endpoint::openai_chat, route_access::call},
    {"POST", "/v1/completions", endpoint::openai_completion,
     route_access::call},
    {"POST", "/v1/embeddings", endpoint::openai_embedding, route_access::call},
    {"GET", "/v1/models", endpoint::openai_models, route_access::call},
    {"GET", "/v1/models/{model}", endpoint::openai_model, route_access::call},
    {"POST", "/tokenize", endpoint::tokenize, route_access::call},
    {"POST", "/detokenize", endpoint::detokenize, route_access::call},
    {"GET", "/health/live", endpoint::live, route_access::open},
    {"GET", "/health/ready", endpoint::ready, route_access::open},
    {"GET", "/health", endpoint::ready, route_access::open},
    {"GET", "/metrics", endpoint::metrics, route_access::metrics},
    {"GET", "/api/v1/requests/{id}", endpoint::story, route_access::admin},
    {"GET", "/openapi.json", endpoint::openapi, route_access::open},
    {"GET", "/", endpoint::page, route_access::open},
    {"GET", "/page/{file}", endpoint::page, route_access::open},
};

constexpr std::size_t shown_bytes = 200;

/// The path of a target, without scheme and host where a client sent them.
std::string_view path_of(std::string_view target) {
  auto path = target.substr(0, target.find_first_of("?#"));
  if (auto scheme = path.find("://");
      !path.starts_with('/') && scheme != std::string_view::npos) {
    auto slash = path.find('/', scheme + 3);
    return slash == std::string_view::npos ? "/" : path.substr(slash);
  }
  return path;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    auto digits = text.substr(i + 1, 2);
    if (digits.size() < 2 || !std::ranges::all_of(digits, is_hex_digit))
      return std::nullopt;
    unsigned value = 0;
    std::from_chars(digits.data(), digits.data() + 2, value, 16);
    result += static_cast<char>(value);
    i += 2;
  }
  return result;
}

/// The still encoded name if the path fits the line; empty where the line has
/// none.
std::optional<std::string_view> match(std::string_view pattern,
                                      std::string_view path) {
  auto mark = pattern.find('{');
  if (mark == std::string_view::npos) {
    if (path == pattern
        || (path.size() + 1 == pattern.size() && pattern.ends_with('/')
            && pattern.starts_with(path)))
      return std::string_view{};
    return std::nullopt;
  }
  auto front = pattern.substr(0, mark);
  auto back = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= front.size() + back.size() || !path.starts_with(front)
      || !path.ends_with(back))
    return std::nullopt;
  return path.substr(front.size(), path.size() - front.size() - back.size());
}

} // namespace

std::span<const route> route_table() {
  return table;
}

std::string_view path_to(endpoint where) {
  return std::ranges::find(table, where, &route::leads_to)->path;
}

error_reply unknown_address(std::string_view target) {
  return {.status = 404,
          .code = "unknown_url",
          .message = fmt::format("there is no {}; GET /openapi.json lists what "
                                 "there is",
                                 quote(path_of(target), shown_bytes))};
}

std::variant<route_match, error_reply> find_route(std::string_view method,
                                                  std::string_view target) {
  auto path = path_of(target);
  std::string allowed;
  for (const auto& line : table) {
    auto name = match(line.path, path);
    if (!name)
      continue;
    // What a HEAD asks about is what a GET would get.
    if (line.method != (method == "HEAD" ? "GET" : method)) {
      allowed.append(allowed.empty() ? "" : ", ").append(line.method);
      if (line.method == "GET")
        allowed.append(", HEAD");
      continue;
    }
    auto decoded = percent_decoded(*name);
    if (!decoded)
      return bad_request("invalid_path",
                         fmt::format("the address {} holds a % without two "
                                     "hexadecimal digits",
                                     quote(target, shown_bytes)));
    return route_match{line.leads_to, std::move(*decoded), line.needs};
  }
  if (allowed.empty())
    return unknown_address(target);
  return error_reply{.status = 405,
                     .code = "method_not_allowed",
                     .message =
                         fmt::format("{} takes {}, not {}",
                                     quote(path, shown_bytes), allowed, method),
                     .allow = allowed};
}

} // namespace model_server
