// The options that say how a running server is reached.
#include "config/server_access.hpp"

#include "config/entry_params.hpp"
#include "config/line_text.hpp"
#include "config/model_name.hpp"
#include "config/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace model_server {

namespace {

bool is_visible(char c) {
  return c > ' ' && c <= '~';
}

} // namespace

std::string parse_base_url(const given_value& given) {
  auto url = given.text;
  if (url.find("://") == url.npos)
    url = "http://" + url;
  while (url.ends_with('/'))
    url.pop_back();
  std::string_view rest = url;
  for (std::string_view scheme : {"http://", "https://"})
    if (rest.starts_with(scheme))
      rest.remove_prefix(scheme.size());
  if (rest.size() == url.size() || rest.empty() || rest.starts_with('/')
      || rest.find_first_of("@?#\\") != rest.npos
      || !std::ranges::all_of(rest, is_visible))
    refuse_value(given, "an address such as http://127.0.0.1:9999");
  return url;
}

std::string parse_secret(const given_value& given) {
  auto text = trimmed_line(given.text);
  if (text.empty() || text.size() > 4096
      || !std::ranges::all_of(text, is_visible))
    throw config_error(fmt::format("{} is no key: 1 to 4096 visible ASCII "
                                   "characters are needed",
                                   given.source));
  return std::string{text};
}

subcommand_argument model_argument(std::string& name) {
  return {"NAME", "", "the model", "", [&](const given_value& given) {
            if (!is_model_name(given.text))
              refuse_value(given,
                           fmt::format("a model name ({})", model_name_rule()));
            name = given.text;
          }};
}

std::vector<subcommand_argument> access_arguments(server_access& access) {
  http_settings usual;
  access.url = fmt::format("http://{}:{}", usual.address, usual.port);
  return {
      {"--url", "URL", "the server; default " + access.url, "MODEL_SERVER_URL",
       [&](auto& given) { access.url = parse_base_url(given); }},
      {"--key", "KEY",
       "its API key; better in the variable, which other users\n"
       "of the machine cannot read",
       "MODEL_SERVER_API_KEY",
       [&](auto& given) { access.key = parse_secret(given); }},
  };
}

} // namespace model_server
