// The URL table: one line an endpoint.
#pragma once

#include "http/error_reply.hpp"

#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace model_server {

/// What a route leads to.
enum class endpoint {
  call,
  add,
  remove,
  activate,
  status,
  reload,
  openai_chat,
  openai_completion,
  openai_embedding,
  openai_models,
  openai_model,
  tokenize,
  detokenize,
  live,
  ready,
  metrics,
  story,
  openapi,
  page
};

/// What somebody needs who goes there.
enum class route_access {
  /// Nothing.
  open,
  /// A key, where there are keys.
  call,
  /// A key with the role `admin`.
  admin,
  /// The same, unless figures are open to all.
  metrics
};

/// One line of the table. `{model}`, `{id}` or `{file}` in a path stands for a name,
/// which may hold slashes.
struct route {
  std::string_view method;
  std::string_view path;
  endpoint leads_to;
  route_access needs = route_access::admin;
};

std::span<const route> route_table();

/// Where a request goes.
struct route_match {
  endpoint leads_to;
  /// Decoded; empty where the path has none. Not checked.
  std::string name;
  route_access needs = route_access::admin;

  friend bool operator==(const route_match&, const route_match&) = default;
};

/// The first path of the table that leads there.
std::string_view path_to(endpoint where);

/// Finds the route of a request; `target` is as the request line has it. HEAD
/// goes where GET does. A 404 if there is none, a 405 if there is one for
/// another method.
std::variant<route_match, error_reply> find_route(std::string_view method,
                                                  std::string_view target);

/// A 404 for a target that leads nowhere.
error_reply unknown_address(std::string_view target);

} // namespace model_server
