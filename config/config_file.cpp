// Reads config.json event by event, so that every error knows its line and key.
#include "config/config_file.hpp"

#include "config/model_name.hpp"
#include "config/quote.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <set>

namespace model_server {

namespace {

// What RapidJSON reads from; counts lines as it goes. An end is a NUL to
// RapidJSON, so texts with NUL bytes are refused before.
class counting_stream {
public:
  using Ch = char;

  explicit counting_stream(std::string_view text) : text_(text) {
    // nop
  }

  char Peek() const {
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  char Take() {
    auto result = Peek();
    ++at_;
    if (result == '\n')
      ++line_;
    return result;
  }

  std::size_t Tell() const {
    return at_;
  }

  std::size_t line() const {
    return line_;
  }

  // Wanted by RapidJSON's concept, used by its in-situ parser alone.
  char* PutBegin() {
    return nullptr;
  }

  void Put(char) {
    // nop
  }

  void Flush() {
    // nop
  }

  std::size_t PutEnd(char*) {
    return 0;
  }

private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

// Builds the models from RapidJSON's events. Where the next value belongs is
// `place_`; anything that does not fit there ends the parsing with `error`, so
// nesting never gets deeper than three.
class model_reader {
public:
  static constexpr std::size_t max_params = 256;

  model_reader(const counting_stream& stream,
               const std::vector<std::string>& entries)
      : stream_(stream), entries_(entries) {
    // nop
  }

  // The sentence about what is wrong, without file and line.
  std::string error;
  // Where it is, if not where the stream stands.
  std::size_t error_line = 0;
  std::vector<model_setting> models;

  std::string key_path() const {
    switch (place_) {
    case place::models:
      return model_;
    case place::model:
      return key_.empty() ? model_ : model_ + '.' + key_;
    case place::named:
      return model_ + ".params" + (param_.empty() ? "" : '.' + param_);
    case place::listed:
      return fmt::format("{}.params[{}]", model_,
                         current().params.values.size());
    default:
      return {};
    }
  }

  // -- RapidJSON's handler ----------------------------------------------------

  bool StartObject() {
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

  bool EndObject(rapidjson::SizeType) {
    switch (place_) {
    case place::named:
      leave_params();
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

  bool StartArray() {
    if (place_ == place::model && key_ == "params") {
      place_ = place::listed;
      current().params.positional = true;
      return true;
    }
    return refuse_value("a list");
  }

  bool EndArray(rapidjson::SizeType) {
    leave_params();
    return true;
  }

  bool Key(const char* text, rapidjson::SizeType size, bool) {
    std::string key{text, size};
    switch (place_) {
    case place::models:
      return begin_model(std::move(key));
    case place::model:
      key_ = std::move(key);
      if (key_ != "name" && key_ != "params" && key_ != "batch_size")
        return fail(fmt::format(
            "{} is no key of a model; known are name, params and batch_size",
            quote(key_path())));
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

  bool String(const char* text, rapidjson::SizeType size, bool) {
    std::string value{text, size};
    if (place_ != place::model || key_ != "name")
      return add_param(std::move(value), "a text");
    if (std::find(entries_.begin(), entries_.end(), value) == entries_.end())
      return fail(fmt::format("{} is {}, which is no entry; known are {}",
                              quote(key_path()), quote(value),
                              fmt::join(entries_, ", ")));
    current().entry = std::move(value);
    return true;
  }

  bool Int64(std::int64_t number) {
    if (place_ != place::model || key_ != "batch_size")
      return add_param(number, "a number");
    if (number < 1 || number > max_batch_size)
      return fail(fmt::format("{} is {}, but a whole number from 1 to {} is "
                              "needed",
                              quote(key_path()), number, max_batch_size));
    current().batch_size = static_cast<unsigned>(number);
    return true;
  }

  bool Uint64(std::uint64_t number) {
    if (number <= std::numeric_limits<std::int64_t>::max())
      return Int64(static_cast<std::int64_t>(number));
    return fail(fmt::format("{} is {}, but whole numbers end at {}",
                            quote(key_path()), number,
                            std::numeric_limits<std::int64_t>::max()));
  }

  bool Int(int number) {
    return Int64(number);
  }

  bool Uint(unsigned number) {
    return Int64(number);
  }

  bool Double(double number) {
    return add_param(number, "a fraction");
  }

  bool Bool(bool flag) {
    return add_param(flag, flag ? "true" : "false");
  }

  bool Null() {
    return refuse_value("null");
  }

  bool RawNumber(const char*, rapidjson::SizeType, bool) {
    return refuse_value("a number"); // not asked for by our flags
  }

private:
  enum class place { start, models, model, named, listed, end };

  model_setting& current() {
    return models.back();
  }

  const model_setting& current() const {
    return models.back();
  }

  bool fail(std::string sentence) {
    error = std::move(sentence);
    return false;
  }

  void leave_params() {
    place_ = place::model;
  }

  bool begin_model(std::string name) {
    model_ = std::move(name);
    model_line_ = stream_.line();
    if (!is_model_name(model_))
      return fail(fmt::format("{} is no model name; one is {}", quote(model_),
                              model_name_rule()));
    if (!model_names_.insert(model_).second)
      return fail(fmt::format("{} is given twice", quote(model_)));
    return true;
  }

  bool add_param(param_value value, std::string_view kind) {
    if (place_ != place::named && place_ != place::listed)
      return refuse_value(kind);
    if (current().params.values.size() == max_params)
      return fail(
          fmt::format("{} has more than {} params", quote(model_), max_params));
    auto name = place_ == place::named ? param_ : std::string{};
    current().params.values.emplace_back(std::move(name), std::move(value));
    return true;
  }

  // A value of a kind that does not fit where it stands.
  bool refuse_value(std::string_view kind) {
    if (place_ == place::start)
      return fail(
          fmt::format("the file holds {}, but an object is needed whose "
                      "keys are the model names",
                      kind));
    std::string_view needed = "text, a number, true or false";
    if (place_ == place::models)
      needed = "an object with name and params";
    else if (place_ == place::model && key_ == "name")
      needed = "the name of an entry";
    else if (place_ == place::model && key_ == "batch_size")
      needed = "a whole number";
    else if (place_ == place::model)
      needed = "a list or an object";
    return fail(fmt::format("{} is {}, but {} is needed", quote(key_path()),
                            kind, needed));
  }

  const counting_stream& stream_;
  const std::vector<std::string>& entries_;
  place place_ = place::start;
  std::string model_;
  std::set<std::string> model_names_;
  std::size_t model_line_ = 1;
  std::string key_;
  std::string param_;
  std::vector<std::string> seen_;
};

[[noreturn]] void refuse(std::string_view file, std::size_t line,
                         std::string_view what) {
  throw config_error(fmt::format("{}, line {}: {}", file, line, what));
}

std::size_t line_of(std::string_view text, std::size_t offset) {
  auto end = text.begin() + static_cast<std::ptrdiff_t>(offset);
  return 1 + static_cast<std::size_t>(std::count(text.begin(), end, '\n'));
}

} // namespace

std::vector<model_setting>
parse_config(std::string_view text, std::string_view file,
             const std::vector<std::string>& entries) {
  if (text.starts_with("\xEF\xBB\xBF"))
    text.remove_prefix(3);
  if (auto nul = text.find('\0'); nul != text.npos)
    refuse(file, line_of(text, nul), "there is a NUL byte in the text");
  counting_stream stream{text};
  model_reader models{stream, entries};
  constexpr unsigned flags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag
      | rapidjson::kParseCommentsFlag | rapidjson::kParseTrailingCommasFlag
      | rapidjson::kParseFullPrecisionFlag;
  rapidjson::Reader reader;
  auto result = reader.Parse<flags>(stream, models);
  if (!result.IsError())
    return models.models;
  if (result.Code() == rapidjson::kParseErrorTermination)
    refuse(file, models.error_line != 0 ? models.error_line : stream.line(),
           models.error);
  auto offset = std::min(result.Offset(), text.size());
  auto near = models.key_path();
  refuse(file, line_of(text, offset),
         fmt::format("not JSON{}: {}",
                     near.empty() ? "" : " at or after " + quote(near),
                     rapidjson::GetParseError_En(result.Code())));
}

std::vector<model_setting>
read_config_file(const std::filesystem::path& path,
                 const std::vector<std::string>& entries) {
  auto file = path.string();
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw config_error(fmt::format("{} is a folder, not a file", file));
  std::ifstream in{path, std::ios::binary};
  if (!in)
    throw config_error(fmt::format("{} cannot be opened", file));
  std::string text(max_config_bytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad())
    throw config_error(fmt::format("{} cannot be read", file));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > max_config_bytes)
    throw config_error(
        fmt::format("{} is larger than {} bytes", file, max_config_bytes));
  return parse_config(text, file, entries);
}

} // namespace model_server
