// A hub that speaks as Hugging Face's does.
#pragma once

#include "http/client/http_exchange.hpp"
#include "http/client/hub/hub_listing.hpp"
#include "http/client/hub/retry.hpp"
#include "config/pull_options.hpp"

#include <string>
#include <vector>

namespace model_server {

/// The end of an answer, wherever it came from in the end.
struct hub_answer {
  exchange_end end = exchange_end::broken;
  std::string problem;
  http_head head;
};

/// Asks a hub for one model at one revision.
class hub_client {
public:
  hub_client(const pull_options& options, const interrupt_watch& watch);

  /// The files. Throws `std::runtime_error`, a sentence for the user.
  hub_listing list(retry_counter& retry);

  /// Asks for a file of a commit, with further fields. Follows redirects, up to
  /// ten; the token goes to the hub's own origin alone.
  hub_answer get_file(const std::string& commit, const std::string& name,
                      std::vector<std::string> fields,
                      const http_exchange::receiver& receive);

  /// What to tell the user of an answer that refuses.
  std::string describe(const http_head& head) const;

private:
  hub_answer get(std::string url, const std::vector<std::string>& fields,
                 const http_exchange::receiver& receive);

  const pull_options& options_;
  http_loop loop_;
  /// Where the token may go.
  std::string origin_;
};

} // namespace model_server
