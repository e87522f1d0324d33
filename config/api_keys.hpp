// The keys that open the HTTP door: what one may do, and where they are read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// What the owner of a key may do; `admin` may do everything.
enum class key_role { call, admin };

/// What the calling routes may be asked for with one key; 0 is no limit.
struct key_limits {
  std::uint64_t requests_per_minute = 600;
  /// Of prompts and replies together.
  std::uint64_t tokens_per_minute = 1'000'000;
  /// Requests at one time.
  std::uint64_t parallel = 64;

  friend bool operator==(const key_limits&, const key_limits&) = default;
};

/// SHA-256 of a key. The key itself is kept nowhere.
using key_digest = std::array<unsigned char, 32>;

/// One key.
struct api_key {
  /// For the logs.
  std::string name;
  key_role role = key_role::call;
  key_digest digest{};
  key_limits limits;

  friend bool operator==(const api_key&, const api_key&) = default;
};

inline constexpr std::size_t max_api_keys = 1024;
inline constexpr std::size_t max_key_file_bytes = 1 << 20;

key_digest digest_of(std::string_view key);

/// The key that a single environment variable gives, which may do everything
/// and has no limits. Throws `config_error` that names the variable, never the
/// key.
api_key environment_key(std::string_view variable, std::string_view key);

/// The keys of a file. `file` names it in errors, which never show a key.
/// `is_readable_by_all` tells that it is no place for keys in the clear. Throws
/// `config_error`.
std::vector<api_key> parse_api_keys(std::string_view text,
                                    std::string_view file,
                                    bool is_readable_by_all = false);

/// Where keys come from.
struct key_sources {
  /// A path; empty for none.
  std::string file;
  /// The one that the environment gave at the start.
  std::optional<api_key> from_environment;

  bool are_there() const {
    return !file.empty() || from_environment;
  }
};

/// Reads the file, now: at the start, and again whenever it has changed. All
/// keys, that of the environment last; none if there are no sources. Throws
/// `config_error` as above.
std::vector<api_key> read_api_keys(const key_sources& sources);

} // namespace model_server
