// Speaks with a hub.
#include "http/client/hub/hub_client.hpp"

#include "http/client/hub/resume.hpp"
#include "http/client/url.hpp"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace model_server {

namespace {

constexpr std::chrono::seconds patience{60};
constexpr std::size_t max_listing_bytes = 64 << 20;
constexpr int most_redirects = 10;

bool is_redirect(const http_head& head) {
  return head.status >= 300 && head.status < 400
         && !head.field("location").empty();
}

} // namespace

hub_client::hub_client(const pull_options& options,
                       const interrupt_watch& watch)
    : options_(options), loop_(&watch), origin_(origin_of(options.hub.url)) {
  // nop
}

hub_answer hub_client::get(std::string url,
                           const std::vector<std::string>& fields,
                           const http_exchange::receiver& receive) {
  for (int hop = 0; hop <= most_redirects; ++hop) {
    client_request request;
    request.url = url;
    request.fields = fields;
    request.patience = patience;
    if (!options_.hub.token.empty() && origin_of(url) == origin_)
      request.fields.push_back("Authorization: Bearer " + options_.hub.token);
    http_exchange exchange{std::move(request),
                           [&](const http_head& head, std::string_view bytes) {
                             return is_redirect(head) || receive(head, bytes);
                           }};
    loop_.run(exchange);
    const auto& head = exchange.head();
    if (exchange.end() != exchange_end::complete || !is_redirect(head))
      return {exchange.end(), exchange.problem(), head};
    url = resolve_location(url, head.field("location"));
  }
  throw std::runtime_error(fmt::format("{} redirects more than {} times",
                                       options_.hub.url, most_redirects));
}

hub_listing hub_client::list(retry_counter& retry) {
  auto url = fmt::format("{}/api/models/{}/revision/{}?blobs=true",
                         options_.hub.url, escaped_path(options_.model),
                         escaped_part(options_.revision));
  for (;;) {
    std::string body;
    auto answer = get(url, {}, [&](const http_head&, std::string_view bytes) {
      body += bytes;
      return body.size() <= max_listing_bytes;
    });
    auto status = answer.head.status;
    if (answer.end == exchange_end::complete && status == 200)
      return read_hub_listing(body);
    if (answer.end == exchange_end::stopped)
      throw std::runtime_error(
          fmt::format("the hub's list of files is larger than {} bytes",
                      max_listing_bytes));
    if (answer.end == exchange_end::complete) {
      if (use_of_answer(answer.head, {}) != answer_use::later)
        throw std::runtime_error(describe(answer.head));
      retry.pause(describe(answer.head), answer.head);
    } else if (answer.end == exchange_end::impossible) {
      throw std::runtime_error(
          fmt::format("{}: {}", options_.hub.url, answer.problem));
    } else {
      retry.pause(fmt::format("{}: {}", options_.hub.url, answer.problem), {});
    }
  }
}

hub_answer hub_client::get_file(const std::string& commit,
                                const std::string& name,
                                std::vector<std::string> fields,
                                const http_exchange::receiver& receive) {
  return get(fmt::format("{}/{}/resolve/{}/{}", options_.hub.url,
                         escaped_path(options_.model), commit,
                         escaped_path(name)),
             fields, receive);
}

std::string hub_client::describe(const http_head& head) const {
  const auto& model = options_.model;
  const auto& url = options_.hub.url;
  auto code = head.field("x-error-code");
  auto has_token = !options_.hub.token.empty();
  switch (head.status) {
  case 401:
  case 403:
    if (code == "GatedRepo")
      return has_token
                 ? fmt::format("{} is gated, and the account of HF_TOKEN has "
                               "no access yet: ask for it at {}/{}",
                               model, url, model)
                 : fmt::format("{} is gated: ask for access at {}/{}, and "
                               "set HF_TOKEN to a token of that account",
                               model, url, model);
    return has_token
               ? fmt::format("{} does not give {} to the account of HF_TOKEN "
                             "(status {}), or has no such model",
                             url, model, head.status)
               : fmt::format("{} has no model {} that is open to everyone "
                             "(status {}); if it is private or gated, set "
                             "HF_TOKEN",
                             url, model, head.status);
  case 404:
    if (code == "RevisionNotFound")
      return fmt::format("{} has no revision {}", model, options_.revision);
    if (code == "EntryNotFound")
      return fmt::format("{} lists a file that it does not have", url);
    return fmt::format("{} has no model {}, or none at revision {}", url, model,
                       options_.revision);
  default:
    return fmt::format("{} answers with status {}", url, head.status);
  }
}

} // namespace model_server
