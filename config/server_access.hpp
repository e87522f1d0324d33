// How the commands that talk to a running server reach it.
#pragma once

#include "config/subcommand.hpp"

#include <string>
#include <vector>

namespace model_server {

/// Where a server is, and the key it may want.
struct server_access {
  /// `http://127.0.0.1:9999`, without a slash at its end.
  std::string url;
  /// Empty if there is none.
  std::string key;
};

/// A URL of HTTP without a slash at its end; `http://` may be left out. Throws
/// `config_error` for anything else, and for a URL with a user or a question in
/// it.
std::string parse_base_url(const given_value& given);

/// A key or token as it may stand in a header field, without white space
/// around it. Throws `config_error`, which does not show it.
std::string parse_secret(const given_value& given);

/// `NAME`, for the model. Stores what is a model's name.
subcommand_argument model_argument(std::string& name);

/// `--url` and `--key`, for the end of a table. Sets the usual address.
std::vector<subcommand_argument> access_arguments(server_access& access);

} // namespace model_server
