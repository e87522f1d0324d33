// The `params` of a model in config.json: a list or an object, typed on use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace model_server {

/// A setting, option or file that cannot be used; one sentence that names it.
class config_error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One value of config.json that is no list and no object.
using param_value = std::variant<bool, std::int64_t, double, std::string>;

class named_params;

/// What config.json gave an entry, as it stands there. A value type; serialised
/// as its two fields.
struct entry_params {
  /// Given as a list: names are empty, order counts.
  bool positional = false;
  std::vector<std::pair<std::string, param_value>> values;

  /// Pairs the values with the parameters that the entry takes, in order.
  /// Throws `config_error` for a name not among them, a name given twice or too
  /// long a list.
  named_params bind(std::initializer_list<std::string_view> names) const;

  friend bool operator==(const entry_params&, const entry_params&) = default;
};

/// Parameters by name. Every getter throws `config_error` that names the
/// parameter, its value and what is allowed.
class named_params {
public:
  bool has(std::string_view name) const;
  std::string require_string(std::string_view name) const;
  std::string string_or(std::string_view name, std::string fallback) const;
  /// The path of a regular file that is there.
  std::string require_file(std::string_view name) const;
  /// The path of a folder that is there.
  std::string require_folder(std::string_view name) const;
  bool bool_or(std::string_view name, bool fallback) const;
  std::int64_t integer_or(
      std::string_view name, std::int64_t fallback,
      std::int64_t least = std::numeric_limits<std::int64_t>::min(),
      std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
  /// A whole number of bytes, at least 1, or a text like `64K`, `512M`, `2G`
  /// (of 1024 each).
  std::size_t bytes_or(std::string_view name, std::size_t fallback) const;
  double number_or(std::string_view name, double fallback) const;

private:
  friend struct entry_params;
  const param_value* find(std::string_view name) const;
  std::vector<std::pair<std::string, param_value>> values_;
};

} // namespace model_server
