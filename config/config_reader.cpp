// Builds the models of a config.json from RapidJSON's events.
#include "config/config_reader.hpp"

#include "config/json_number.hpp"
#include "config/model_name.hpp"
#include "config/option_values.hpp"
#include "config/quote.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace model_server {

namespace {

constexpr std::string_view known_keys[]{"name", "params", "batch_size", "load",
                                        "keep_alive"};

} // namespace

std::string model_reader::key_path() const {
  switch (place_) {
  case place::models:
    return model_;
  case place::model:
    return key_.empty() ? model_ : model_ + '.' + key_;
  case place::named:
    return model_ + ".params" + (param_.empty() ? "" : '.' + param_);
  case place::listed:
    return fmt::format("{}.params[{}]", model_, current().params.values.size());
  default:
    return {};
  }
}

bool model_reader::StartObject() {
  switch (place_) {
  case place::start:
    place_ = place::models;
    return true;
  case place::models:
    place_ = place::model;
    key_.clear();
    seen_.clear();
    models.emplace_back().name = model_;
    return true;
  case place::model:
    if (key_ == "params") {
      place_ = place::named;
      param_.clear();
      return true;
    }
    break;
  default:
    break;
  }
  return refuse_value("an object");
}

bool model_reader::EndObject(unsigned) {
  switch (place_) {
  case place::named:
    place_ = place::model;
    return true;
  case place::model:
    place_ = place::models;
    if (current().entry.empty()) {
      error_line = model_line_;
      return fail(fmt::format("{} has no \"name\"; the entry that runs the "
                              "model belongs there: {}",
                              quote(model_), fmt::join(entries_, ", ")));
    }
    return true;
  default:
    place_ = place::end;
    return true;
  }
}

bool model_reader::StartArray() {
  if (place_ == place::model && key_ == "params") {
    place_ = place::listed;
    current().params.positional = true;
    return true;
  }
  return refuse_value("a list");
}

bool model_reader::EndArray(unsigned) {
  place_ = place::model;
  return true;
}

bool model_reader::Key(const char* text, unsigned size, bool) {
  std::string key{text, size};
  switch (place_) {
  case place::models:
    return begin_model(std::move(key));
  case place::model:
    key_ = std::move(key);
    if (std::ranges::find(known_keys, key_) == std::end(known_keys))
      return fail(fmt::format("{} is no key of a model; known are {}",
                              quote(key_path()), fmt::join(known_keys, ", ")));
    if (std::find(seen_.begin(), seen_.end(), key_) != seen_.end())
      return fail(fmt::format("{} is given twice", quote(key_path())));
    seen_.push_back(key_);
    return true;
  default:
    param_ = std::move(key);
    for (const auto& [name, value] : current().params.values)
      if (name == param_)
        return fail(fmt::format("{} is given twice", quote(key_path())));
    return true;
  }
}

bool model_reader::String(const char* text, unsigned size, bool) {
  std::string value{text, size};
  if (is_at("load"))
    return read_value([&] {
      current().load = parse_load_mode({quote(key_path()), value});
    });
  if (is_at("keep_alive"))
    return read_keep_alive(std::move(value));
  if (!is_at("name"))
    return add_param(std::move(value), "a text");
  if (std::find(entries_.begin(), entries_.end(), value) == entries_.end())
    return fail(fmt::format("{} is {}, which is no entry; known are {}",
                            quote(key_path()), quote(value),
                            fmt::join(entries_, ", ")));
  current().entry = std::move(value);
  return true;
}

bool model_reader::Int64(std::int64_t number) {
  if (is_at("keep_alive"))
    return read_keep_alive(std::to_string(number));
  if (!is_at("batch_size"))
    return add_param(number, "a number");
  if (number < 1 || number > max_batch_size)
    return fail(fmt::format("{} is {}, but a whole number from 1 to {} is "
                            "needed",
                            quote(key_path()), number, max_batch_size));
  current().batch_size = static_cast<unsigned>(number);
  return true;
}

bool model_reader::Uint64(std::uint64_t number) {
  if (number <= std::numeric_limits<std::int64_t>::max())
    return Int64(static_cast<std::int64_t>(number));
  return fail(fmt::format("{} is {}, but whole numbers end at {}",
                          quote(key_path()), number,
                          std::numeric_limits<std::int64_t>::max()));
}

bool model_reader::Int(int number) {
  return Int64(number);
}

bool model_reader::Uint(unsigned number) {
  return Int64(number);
}

bool model_reader::Double(double number) {
  if (is_at("keep_alive"))
    return read_keep_alive(fmt::format("{:f}", number));
  return add_param(number, "a fraction");
}

bool model_reader::Bool(bool flag) {
  return add_param(flag, flag ? "true" : "false");
}

bool model_reader::Null() {
  return refuse_value("null");
}

bool model_reader::RawNumber(const char* text, unsigned size, bool) {
  auto number = read_json_number({text, size});
  return number ? pass_number(*number, *this)
                : refuse_value("a number beyond 1.8e308");
}

model_setting& model_reader::current() {
  return models.back();
}

const model_setting& model_reader::current() const {
  return models.back();
}

bool model_reader::is_at(std::string_view key) const {
  return place_ == place::model && key_ == key;
}

template <class Action>
bool model_reader::read_value(Action action) {
  try {
    action();
    return true;
  } catch (const config_error& problem) {
    return fail(problem.what());
  }
}

bool model_reader::read_keep_alive(std::string value) {
  return read_value([&] {
    current().keep_alive = parse_keep_alive({quote(key_path()), value});
  });
}

bool model_reader::fail(std::string sentence) {
  error = std::move(sentence);
  return false;
}

bool model_reader::begin_model(std::string name) {
  model_ = std::move(name);
  model_line_ = stream_.line();
  if (!is_model_name(model_))
    return fail(fmt::format("{} is no model name; one is {}", quote(model_),
                            model_name_rule()));
  if (!model_names_.insert(model_).second)
    return fail(fmt::format("{} is given twice", quote(model_)));
  return true;
}

bool model_reader::add_param(param_value value, std::string_view kind) {
  if (place_ != place::named && place_ != place::listed)
    return refuse_value(kind);
  if (current().params.values.size() == max_params)
    return fail(
        fmt::format("{} has more than {} params", quote(model_), max_params));
  auto name = place_ == place::named ? param_ : std::string{};
  current().params.values.emplace_back(std::move(name), std::move(value));
  return true;
}

bool model_reader::refuse_value(std::string_view kind) {
  if (place_ == place::start)
    return fail(fmt::format("the file holds {}, but an object is needed whose "
                            "keys are the model names",
                            kind));
  std::string_view needed = "text, a number, true or false";
  if (place_ == place::models)
    needed = "an object with name and params";
  else if (is_at("name"))
    needed = "the name of an entry";
  else if (is_at("batch_size"))
    needed = "a whole number";
  else if (is_at("load"))
    needed = "manual or on_demand";
  else if (is_at("keep_alive"))
    needed = "a number of seconds, a text such as 10m, or -1 for ever";
  else if (place_ == place::model)
    needed = "a list or an object";
  return fail(fmt::format("{} is {}, but {} is needed", quote(key_path()), kind,
                          needed));
}

} // namespace model_server
