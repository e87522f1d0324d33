// Every setting of the process, with its default.
#pragma once

#include "config/api_keys.hpp"
#include "config/entry_params.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace model_server {

/// Most replies in one batch that any setting may ask for.
inline constexpr unsigned max_batch_size = 1024;

/// Who has a model loaded: whoever administers the server, or the first call
/// that needs it.
enum class load_mode { manual, on_demand };

/// A `keep_alive` without end.
inline constexpr std::chrono::milliseconds for_ever{-1};

/// One model that the server knows: a key of config.json, or a folder found
/// below the models folder.
struct model_setting {
  std::string name;
  /// The entry that runs it.
  std::string entry;
  entry_params params;
  /// 0 leaves it to the process's batch size.
  unsigned batch_size = 0;
  /// Devices to add at start; an empty string lets the server choose. Nothing
  /// is added for a model that the command line does not name.
  std::vector<std::string> start_devices;
  /// Nothing leaves these two to the process.
  std::optional<load_mode> load = std::nullopt;
  /// How long it stays loaded without work.
  std::optional<std::chrono::milliseconds> keep_alive = std::nullopt;

  friend bool operator==(const model_setting&, const model_setting&) = default;
};

/// Limits and timings of the HTTP door.
struct http_settings {
  std::string address = "127.0.0.1";
  std::uint16_t port = 9999; // 0 lets the system choose
  unsigned threads = 1;
  /// 0 means min(4096, (descriptor limit - 256) / 2).
  unsigned max_connections = 0;
  /// From one address, or one /64 network of IPv6. 0 means 256, and as many as
  /// there may be in all from this machine itself.
  unsigned max_connections_per_address = 0;
  std::size_t max_body_bytes = 4 << 20;
  /// Of all requests that are being received or answered.
  std::size_t max_all_body_bytes = 256 << 20;
  /// Idle connection, or head and body together.
  std::chrono::milliseconds read_timeout{30'000};
  /// A client that takes nothing for this long is cut off.
  std::chrono::milliseconds write_timeout{30'000};
  /// Bytes written to a client and not yet taken by it.
  std::size_t max_unsent_bytes = 1 << 20;
  std::chrono::milliseconds ping_interval{10'000};
  /// Files in PEM format, both or none. With them only TLS is spoken.
  std::string tls_certificate;
  std::string tls_key;

  bool has_tls() const {
    return !tls_certificate.empty();
  }
};

/// Who may use the HTTP door.
struct access_settings {
  key_sources keys;
  /// Whoever reaches the port may use it, other machines too.
  bool allows_no_key = false;
  /// Figures are there for everybody.
  bool has_open_metrics = false;
  /// Whose pages may use the server: `https://chat.example.org`; or `*`, all.
  std::vector<std::string> cors_origins;
};

enum class log_format { text, json };
enum class log_level { debug, info, warning, error };

struct log_settings {
  log_format format = log_format::text;
  log_level level = log_level::info;
  /// Also log what clients and models say. Off: their texts never reach a log.
  bool contents = false;
};

/// What a worker shares with its server.
enum class isolation { process, thread };

/// Where a machine of a cluster listens; none while the host is empty.
struct cluster_address {
  /// A name or an address.
  std::string host;
  std::uint16_t port = 0;

  explicit operator bool() const {
    return !host.empty();
  }
};

/// How machines and processes reach each other.
struct cluster_settings {
  /// Where this front takes other machines.
  cluster_address listen;
  /// The front whose devices this machine adds to.
  cluster_address join;
  /// Files in PEM format; none or all. With them both sides prove who they are
  /// by certificates of this authority, and every word is encrypted.
  std::string certificate;
  std::string key;
  std::string authority;
  /// A sign of life this often; the same for all that are joined.
  std::chrono::milliseconds heartbeat_interval{500};
  /// Whoever gave none for so long is taken for dead.
  std::chrono::milliseconds heartbeat_timeout{3'000};
};

/// Limits of the actors.
struct serving_settings {
  unsigned batch_size = 8;
  /// Requests waiting per worker before 429.
  unsigned max_queued = 256;
  /// Tokens of their prompts before 429; 0 is twice what the cache holds.
  std::uint64_t max_queued_tokens = 0;
  /// A request that no worker has begun with by then is 503; 0 is never.
  std::chrono::milliseconds queue_timeout{120'000};
  /// Threads for computing, all models together; 0 means all cores that the
  /// process may use.
  unsigned threads = 0;
  unsigned virtual_devices = 0;
  isolation workers = isolation::process;
  unsigned max_attempts = 3;
  unsigned credit = 64;
  std::chrono::milliseconds request_timeout{600'000};
  std::chrono::milliseconds worker_wait{30'000};
  std::chrono::milliseconds drain_timeout{45'000};
  /// First pause before a dead worker is started again; doubles up to the most.
  std::chrono::milliseconds restart_pause{1'000};
  std::chrono::milliseconds restart_pause_most{30'000};
  /// A worker that dies more often than this within the window is given up; 0
  /// never gives up.
  unsigned restart_limit = 10;
  std::chrono::milliseconds restart_window{300'000};
  /// A step that takes longer, and longer than 20 usual ones, hangs; 0 never.
  std::chrono::milliseconds step_timeout{60'000};
  load_mode load = load_mode::manual;
  /// Of what was loaded on demand, where the model has none of its own.
  std::chrono::milliseconds keep_alive{300'000};
  /// What a load on demand may take, and how long a call waits for it.
  std::chrono::milliseconds load_timeout{300'000};
  /// Memory that is to stay free; below that requests are refused. 0 is what
  /// `usual_memory_reserve` says.
  std::uint64_t memory_reserve_bytes = 0;
  /// Memory that models on the CPU may take together before one is loaded on
  /// demand; 0 is all that there is.
  std::uint64_t cpu_memory_bytes = 0;
};

/// Where the list of models comes from.
struct model_files {
  /// Empty: `config.json` in the working directory, if it is there.
  std::string config;
  /// Empty: the usual places, as far as they are there.
  std::string folder;
  /// Those that were there.
  std::vector<std::string> seen = {};
};

/// The whole of it.
struct settings {
  std::vector<model_setting> models;
  /// What `models` were read from.
  model_files files;
  http_settings http;
  access_settings access;
  serving_settings serving;
  log_settings log;
  cluster_settings cluster;
  std::string node_name = "local";
};

} // namespace model_server
