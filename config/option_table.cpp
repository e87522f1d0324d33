// The table of options: name, meaning, limits and where each is stored.
#include "config/option_table.hpp"

#include "config/option_kinds.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace model_server {

namespace {

using namespace std::chrono_literals;

void set_address(launch_options& options, const given_value& given) {
  auto text = given.text == "localhost" ? std::string{"127.0.0.1"} : given.text;
  std::array<unsigned char, sizeof(in6_addr)> ignored{};
  if (inet_pton(AF_INET, text.c_str(), ignored.data()) != 1
      && inet_pton(AF_INET6, text.c_str(), ignored.data()) != 1)
    refuse_value(given, "an IPv4 or IPv6 address such as 127.0.0.1 or 0.0.0.0");
  options.values.http.address = std::move(text);
}

void set_node_name(launch_options& options, const given_value& given) {
  auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  const auto& text = given.text;
  if (text.empty() || text.size() > 64
      || !std::all_of(text.begin(), text.end(), is_allowed))
    refuse_value(given, "1 to 64 of A-Z a-z 0-9 . _ -");
  options.values.node_name = text;
}

// As browsers write the origin of a page: no path, small letters.
bool is_origin(std::string_view text) {
  auto host = text.find("://");
  return host != text.npos && host > 0 && text.find('/', host + 3) == text.npos
         && host + 3 < text.size() && std::ranges::all_of(text, [](char c) {
              return c > ' ' && c <= '~' && (c < 'A' || c > 'Z');
            });
}

void set_cors_origins(launch_options& options, const given_value& given) {
  auto origins = split_words(given.text);
  auto is_allowed = [](const std::string& text) {
    return text == "*" || is_origin(text);
  };
  if (origins.empty() || origins.size() > 64
      || !std::ranges::all_of(origins, is_allowed))
    refuse_value(given, "1 to 64 origins such as https://chat.example.org or "
                        "http://localhost:3000, or *,");
  options.values.access.cors_origins = std::move(origins);
}

constexpr std::size_t most_bytes = std::size_t{1} << 30;

std::vector<option_line> file_options() {
  return {
      {"config", "FILE", "the list of models",
       "default config.json, here or installed",
       [](auto& o, auto& given) { set_path(o.config_file, given); }},
      {"models-dir", "FOLDER",
       "each Hugging Face folder in it is a model of that name",
       "default models, here or by the program",
       [](auto& o, auto& given) { set_path(o.models_folder, given); }},
  };
}

std::vector<option_line> http_options() {
  auto field = [](auto member) {
    return [=](auto& s) -> auto& {
      return s.http.*member;
    };
  };
  using http = http_settings;
  return {
      {"address", "ADDRESS", "listen on this address; 0.0.0.0 is all of IPv4",
       "default " + http{}.address, set_address},
      whole("port", "listen on this port; 0 lets the system choose", 0, 65'535,
            field(&http::port)),
      whole("http-threads", "threads that read and write HTTP", 1, 64,
            field(&http::threads)),
      whole("max-connections",
            "connections at one time; 0 goes by the descriptor limit", 0,
            1'000'000, field(&http::max_connections)),
      whole("connections-per-address",
            "most from one address; 0 is 256, but any number from this machine",
            0, 1'000'000, field(&http::max_connections_per_address)),
      whole("max-body-bytes", "largest body of a request", 1, most_bytes,
            field(&http::max_body_bytes)),
      whole("max-all-body-bytes",
            "bodies of all requests that are received or answered", 1,
            8 * most_bytes, field(&http::max_all_body_bytes)),
      whole("max-unsent-bytes",
            "bytes written to a client and not yet taken by it", 4096,
            most_bytes, field(&http::max_unsent_bytes)),
      duration("read-timeout",
               "for an idle connection, and for head and body of a request",
               10ms, 24h, field(&http::read_timeout)),
      duration("write-timeout",
               "a client that takes nothing for so long is cut off", 10ms, 24h,
               field(&http::write_timeout)),
      duration("ping-interval", "a silent stream gets a comment this often",
               10ms, 1h, field(&http::ping_interval)),
  };
}

std::vector<option_line> access_options() {
  return {
      file_path(
          "api-key-file",
          "API keys; MODEL_SERVER_API_KEY holds a single "
          "one",
          [](auto& s) -> auto& { return s.access.keys.file; }),
      flag(
          "allow-no-key", "whoever reaches the port may use it",
          [](auto& s) -> auto& { return s.access.allows_no_key; }),
      flag(
          "open-metrics", "figures need no key",
          [](auto& s) -> auto& { return s.access.has_open_metrics; }),
      {"cors-origins", "ORIGINS",
       "whose web pages may use the server; * is anybody's", "default none",
       set_cors_origins},
      file_path(
          "tls-cert",
          "speak TLS, with this certificate and its chain "
          "(PEM)",
          [](auto& s) -> auto& { return s.http.tls_certificate; }),
      file_path(
          "tls-key", "its private key (PEM)",
          [](auto& s) -> auto& { return s.http.tls_key; }),
  };
}

std::vector<option_line> serving_options() {
  auto field = [](auto member) {
    return [=](auto& s) -> auto& {
      return s.serving.*member;
    };
  };
  using serving = serving_settings;
  return {
      whole("batch-size",
            "replies that run together, unless a model's batch_size says it", 1,
            max_batch_size, field(&serving::batch_size)),
      whole("max-queued", "requests that wait per worker before 429", 1,
            1'000'000, field(&serving::max_queued)),
      whole("max-queued-tokens",
            "tokens of their prompts before 429; 0: twice what the cache holds",
            0, std::uint64_t{1} << 40, field(&serving::max_queued_tokens)),
      duration("queue-timeout",
               "a request that waits longer for its turn is 503; 0: none", 0ms,
               24h, field(&serving::queue_timeout)),
      whole("threads",
            "threads for computing in all; 0 takes every usable core", 0, 1024,
            field(&serving::threads)),
      whole("virtual-devices",
            "further devices virtual:0, virtual:1, ... that are the CPU", 0, 64,
            field(&serving::virtual_devices)),
      whole("max-attempts", "workers that may be lost under one request", 1,
            100, field(&serving::max_attempts)),
      whole("credit", "tokens that a worker may be ahead of the client", 1,
            1'000'000, field(&serving::credit)),
      duration("request-timeout", "for a whole request", 10ms, 24h,
               field(&serving::request_timeout)),
      duration("worker-wait", "how long a reply without a worker waits for one",
               0ms, 24h, field(&serving::worker_wait)),
      duration("drain-timeout", "what replies in progress get at the end", 0ms,
               24h, field(&serving::drain_timeout)),
      duration("restart-pause",
               "before a dead worker is started again; doubles each time", 1ms,
               1h, field(&serving::restart_pause)),
      duration("restart-pause-most", "the longest such pause", 1ms, 24h,
               field(&serving::restart_pause_most)),
      whole("restart-limit",
            "a worker that dies more often within the window is given up; 0: "
            "never",
            0, 1'000'000, field(&serving::restart_limit)),
      duration("restart-window", "the time in which deaths are counted", 1ms,
               24h, field(&serving::restart_window)),
      duration(
          "step-timeout",
          "a step that takes longer, and than 20 usual ones, hangs; 0: none",
          0ms, 24h, field(&serving::step_timeout)),
      choice(
          "load", "models are loaded by hand, or by the first call to each",
          std::array<std::pair<std::string_view, load_mode>, 2>{
              {{"manual", load_mode::manual},
               {"on_demand", load_mode::on_demand}}},
          [](auto& s) -> auto& { return s.serving.load; }),
      {"keep-alive", "TIME",
       "what was loaded on demand goes after so long without work; -1: never",
       "0s to 720h, default " + show_duration(serving{}.keep_alive),
       [](auto& o, auto& given) {
         o.values.serving.keep_alive = parse_keep_alive(given);
       }},
      duration("load-timeout",
               "for loading on demand, and for a call that waits for it", 10ms,
               24h, field(&serving::load_timeout)),
      whole("cpu-memory-bytes",
            "what models on the CPU may need, for loading on demand; 0: all", 0,
            std::uint64_t{1} << 50, field(&serving::cpu_memory_bytes)),
      whole("memory-reserve-bytes",
            "what must stay free, or requests are 503; 0: 8 %, at most 256 MiB",
            0, std::uint64_t{1} << 50, field(&serving::memory_reserve_bytes)),
      choice(
          "isolation",
          "a worker is a process of its own, or a thread of the server's",
          std::array<std::pair<std::string_view, isolation>, 2>{
              {{"process", isolation::process}, {"thread", isolation::thread}}},
          [](auto& s) -> auto& { return s.serving.workers; }),
  };
}

// `host:port` or `[address]:port`.
cluster_address parse_address(const given_value& given) {
  const auto& text = given.text;
  auto colon = text.rfind(':');
  cluster_address result;
  if (colon != text.npos) {
    result.host = text.substr(0, colon);
    if (result.host.starts_with('[') && result.host.ends_with(']'))
      result.host = result.host.substr(1, result.host.size() - 2);
    else if (result.host.find(':') != text.npos)
      result.host.clear();
  }
  if (!result)
    refuse_value(given, "HOST:PORT such as 127.0.0.1:7000 or [::1]:7000");
  result.port = static_cast<std::uint16_t>(
      parse_whole({given.source, text.substr(colon + 1)}, 0, 65'535));
  return result;
}

option_line address(std::string name, std::string help,
                    cluster_address cluster_settings::*field) {
  return {std::move(name), "HOST:PORT", std::move(help), "default off",
          [=](auto& o, auto& given) {
            o.values.cluster.*field = parse_address(given);
          }};
}

std::vector<option_line> cluster_options() {
  auto field = [](auto member) {
    return [=](auto& s) -> auto& {
      return s.cluster.*member;
    };
  };
  using cluster = cluster_settings;
  return {
      {"node-name", "NAME", "this machine's name in the status",
       "default " + settings{}.node_name, set_node_name},
      address("cluster-listen", "take other machines here", &cluster::listen),
      address("join", "add this machine's devices to the server there",
              &cluster::join),
      file_path("cluster-cert", "this machine's certificate (PEM)",
                field(&cluster::certificate)),
      file_path("cluster-key", "its private key (PEM)", field(&cluster::key)),
      file_path("cluster-ca", "the cluster's own authority (PEM)",
                field(&cluster::authority)),
      duration("heartbeat-interval",
               "between signs of life; the same on all machines", 10ms, 1h,
               field(&cluster::heartbeat_interval)),
      duration("heartbeat-timeout",
               "without a sign of life after which one is taken for dead", 20ms,
               24h, field(&cluster::heartbeat_timeout)),
  };
}

std::vector<option_line> log_options() {
  return {
      choice(
          "log-format", "how logs are written to stderr",
          std::array<std::pair<std::string_view, log_format>, 2>{
              {{"text", log_format::text}, {"json", log_format::json}}},
          [](auto& s) -> auto& { return s.log.format; }),
      choice(
          "log-level", "the least level that is logged",
          std::array<std::pair<std::string_view, log_level>, 4>{
              {{"debug", log_level::debug},
               {"info", log_level::info},
               {"warning", log_level::warning},
               {"error", log_level::error}}},
          [](auto& s) -> auto& { return s.log.level; }),
      flag(
          "log-contents", "also log what clients and models say",
          [](auto& s) -> auto& { return s.log.contents; }),
  };
}

} // namespace

const std::vector<option_line>& option_table() {
  static const auto table = [] {
    std::vector<option_line> result;
    for (auto&& part : {file_options(), http_options(), access_options(),
                        serving_options(), cluster_options(), log_options()})
      result.insert(result.end(), part.begin(), part.end());
    return result;
  }();
  return table;
}

std::string variable_of(std::string_view option_name) {
  std::string result = "MODEL_SERVER_";
  for (auto c : option_name)
    result += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
  return result;
}

} // namespace model_server
