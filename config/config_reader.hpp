// From RapidJSON's events to the models of a config.json.
#pragma once

#include "config/counting_stream.hpp"
#include "config/settings.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// RapidJSON's handler for config.json. Where the next value belongs is
/// `place_`; anything that does not fit there ends the parsing with `error`, so
/// nesting never gets deeper than three.
class model_reader {
public:
  /// Most params of one model.
  static constexpr std::size_t max_params = 256;

  /// Both must outlive the reader; `stream` is what is being parsed.
  model_reader(const counting_stream& stream,
               const std::vector<std::string>& entries)
      : stream_(stream), entries_(entries) {
    // nop
  }

  /// The sentence about what is wrong, without file and line.
  std::string error;
  /// Where it is, if not where the stream stands.
  std::size_t error_line = 0;
  /// What was read, in the file's order.
  std::vector<model_setting> models;

  /// Where the parsing is, `tiny-chat.params.path`.
  std::string key_path() const;

  // What RapidJSON calls, one for each kind of value; false ends the parsing.
  bool StartObject();
  bool EndObject(unsigned);
  bool StartArray();
  bool EndArray(unsigned);
  bool Key(const char* text, unsigned size, bool);
  bool String(const char* text, unsigned size, bool);
  bool Int64(std::int64_t number);
  bool Uint64(std::uint64_t number);
  bool Int(int number);
  bool Uint(unsigned number);
  bool Double(double number);
  bool Bool(bool flag);
  bool Null();
  bool RawNumber(const char*, unsigned, bool);

private:
  enum class place { start, models, model, named, listed, end };

  model_setting& current();
  const model_setting& current() const;
  /// The next value is that of this key of a model.
  bool is_at(std::string_view key) const;
  /// Calls what may throw `config_error`.
  template <class Action>
  bool read_value(Action action);
  bool read_keep_alive(std::string value);
  bool fail(std::string sentence);
  bool begin_model(std::string name);
  bool add_param(param_value value, std::string_view kind);
  bool refuse_value(std::string_view kind);

  const counting_stream& stream_;
  const std::vector<std::string>& entries_;
  place place_ = place::start;
  std::string model_;
  std::set<std::string> model_names_;
  std::size_t model_line_ = 1;
  std::string key_;
  std::string param_;
  // Keys of this model so far.
  std::vector<std::string> seen_;
};

} // namespace model_server
