// Looks at keys and at where a request comes from.
#include "http/access_control.hpp"

#include "config/loopback.hpp"
#include "config/quote.hpp"
#include "http/http_text.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

namespace model_server {

namespace {

constexpr std::size_t shown_bytes = 128;

access_decision refuse(unsigned status, std::string code, std::string message) {
  return {.refusal = error_reply{.status = status,
                                 .code = std::move(code),
                                 .message = std::move(message)}};
}

} // namespace

access_control::access_control(const access_settings& settings, time_point now)
    : settings_(settings),
      cors_(settings.cors_origins),
      keys_(std::make_shared<const key_table>()) {
  reload_keys(now);
}

void access_control::reload_keys(time_point now) {
  auto found = read_api_keys(settings_.keys);
  auto before = keys();
  auto after = std::make_shared<key_table>();
  for (auto& key : found) {
    auto known = std::ranges::find_if(*before, [&](const known_key& old) {
      return old.key.name == key.name;
    });
    auto usage = known != before->end()
                     ? known->usage
                     : std::make_shared<key_usage>(key.name, key.limits, now);
    usage->set_limits(key.limits, now);
    after->push_back({std::move(key), std::move(usage)});
  }
  std::lock_guard guard{lock_};
  keys_ = std::move(after);
}

std::shared_ptr<const access_control::key_table> access_control::keys() const {
  std::lock_guard guard{lock_};
  return keys_;
}

access_decision access_control::check(const http_request& request,
                                      route_access needs,
                                      time_point now) const {
  if (needs == route_access::open
      || (needs == route_access::metrics && settings_.has_open_metrics))
    return {};
  // A page that someone happens to look at must not use the server with what
  // its reader may do: browsers let it send, if not read.
  auto origin = request.field("origin");
  if (!is_from_own_page(request) && !cors_.allows(origin))
    return refuse(403, "origin_not_allowed",
                  fmt::format("pages of {} may not use this server; "
                              "--cors-origins lists those that may",
                              quote(origin, shown_bytes)));
  if (auto table = keys(); !table->empty())
    return check_key(*table, request, needs, now);
  // A foreign name that leads here is how a page gets to be our own.
  auto host = request.field("host");
  if (!settings_.allows_no_key && !is_local_host(host))
    return refuse(403, "host_not_allowed",
                  fmt::format("the request is for {}; without API keys only "
                              "localhost, 127.0.0.1 and [::1] are served "
                              "(--api-key-file, --allow-no-key)",
                              quote(host, shown_bytes)));
  return {};
}

access_decision access_control::check_key(const key_table& keys,
                                          const http_request& request,
                                          route_access needs, time_point now) {
  auto given = bearer_key(request.field("authorization"));
  if (given.empty())
    return refuse(401, "missing_api_key",
                  "an API key is needed: `Authorization: Bearer KEY`");
  // Digests hide the length, and every one is looked at: the time tells
  // nothing.
  auto digest = digest_of(given);
  const known_key* known = nullptr;
  for (const auto& each : keys)
    if (CRYPTO_memcmp(each.key.digest.data(), digest.data(), digest.size())
        == 0)
      known = &each;
  if (known == nullptr)
    return refuse(401, "invalid_api_key", "this API key is not known here");
  access_decision result{.usage = known->usage};
  if (needs == route_access::call) {
    result.refusal = known->usage->begin_request(now);
    result.is_counted = !result.refusal;
  } else if (known->key.role != key_role::admin) {
    result.refusal = error_reply{
        .status = 403,
        .code = "scope_denied",
        .message = fmt::format("the key {} has the role call; this needs admin",
                               known->key.name)};
  }
  return result;
}

std::string_view bearer_key(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (!is_same_word(authorization.substr(0, scheme.size()), scheme))
    return {};
  return trimmed(authorization.substr(scheme.size()));
}

bool is_local_host(std::string_view host) {
  // HTTP/1.0 knows no Host; no browser speaks it.
  if (host.empty())
    return true;
  auto end = host.find_last_not_of("0123456789");
  if (end != std::string_view::npos && host[end] == ':')
    host = host.substr(0, end);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  return is_same_word(host, "localhost") || is_loopback(host);
}

} // namespace model_server
