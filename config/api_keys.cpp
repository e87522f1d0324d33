// Reads keys, and lets go of them as soon as their digests are known.
#include "config/api_keys.hpp"

#include "config/counting_stream.hpp"
#include "config/entry_params.hpp"
#include "config/quote.hpp"
#include "config/small_file.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace model_server {

namespace {

/// A shorter one could be guessed.
constexpr std::size_t min_key_bytes = 16;
constexpr std::size_t max_key_bytes = 1024;
constexpr std::uint64_t max_limit = 1'000'000'000'000;

std::string_view text_of(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

/// What is wrong with a key, without showing it; empty if nothing is.
std::string fault_of(std::string_view key) {
  if (key.size() < min_key_bytes || key.size() > max_key_bytes)
    return fmt::format("has {} characters, but {} to {} are needed; `openssl "
                       "rand -hex 32` makes a good one",
                       key.size(), min_key_bytes, max_key_bytes);
  // What a header field carries, and no space at which one may be cut.
  if (!std::ranges::all_of(key, [](char c) { return c > ' ' && c <= '~'; }))
    return "holds a character that is none of the visible ones of ASCII";
  return {};
}

bool is_key_name(std::string_view text) {
  auto is_letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= 64 && is_letter_or_digit(text[0])
         && std::ranges::all_of(text, [&](char c) {
              return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
            });
}

std::optional<key_digest> parse_digest(std::string_view text) {
  key_digest result{};
  if (text.size() != 2 * result.size())
    return std::nullopt;
  auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  for (std::size_t i = 0; i < result.size(); ++i) {
    auto high = digit(text[2 * i]);
    auto low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0)
      return std::nullopt;
    result[i] = static_cast<unsigned char>(16 * high + low);
  }
  return result;
}

/// Reads one element of `keys`. Errors never show what stands in a field, nor
/// the name of an unknown one: it may be a key in the wrong place.
class key_reader {
public:
  key_reader(std::string_view file, std::size_t index, bool is_readable_by_all)
      : file_(file), index_(index), is_readable_by_all_(is_readable_by_all) {
    // nop
  }

  api_key read(const rapidjson::Value& value) {
    if (!value.IsObject())
      refuse("", "is no object with name, key and role");
    for (const auto& member : value.GetObject())
      read_field(text_of(member.name), member.value);
    if (result_.name.empty())
      refuse("", "has no name");
    if (!has_key_)
      refuse("", "has neither key nor sha256");
    if (!seen("role"))
      refuse("", "has no role; it is call or admin");
    return std::move(result_);
  }

private:
  [[noreturn]] void refuse(std::string_view field, std::string_view what) {
    throw config_error(fmt::format("{}: keys[{}]{}{} {}", file_, index_,
                                   field.empty() ? "" : ".", field, what));
  }

  bool seen(std::string_view field) const {
    return std::ranges::find(seen_, field) != seen_.end();
  }

  void read_field(std::string_view field, const rapidjson::Value& value) {
    if (seen(field))
      refuse(field, "is given twice");
    seen_.emplace_back(field);
    if (field == "name")
      read_name(value);
    else if (field == "role")
      read_role(value);
    else if (field == "key")
      read_key(value);
    else if (field == "sha256")
      read_digest(value);
    else if (field == "requests_per_minute")
      result_.limits.requests_per_minute = read_limit(field, value);
    else if (field == "tokens_per_minute")
      result_.limits.tokens_per_minute = read_limit(field, value);
    else if (field == "parallel")
      result_.limits.parallel = read_limit(field, value);
    else
      refuse("", fmt::format("has an unknown field, number {}; known are name, "
                             "key, sha256, role, requests_per_minute, "
                             "tokens_per_minute and parallel",
                             seen_.size()));
  }

  void read_name(const rapidjson::Value& value) {
    if (!value.IsString() || !is_key_name(text_of(value)))
      refuse("name", "is no name: 1 to 64 of A-Z a-z 0-9 . _ - that begin "
                     "with a letter or a digit");
    result_.name = text_of(value);
  }

  void read_role(const rapidjson::Value& value) {
    auto role = value.IsString() ? text_of(value) : std::string_view{};
    if (role != "call" && role != "admin")
      refuse("role", "is neither \"call\" nor \"admin\"");
    result_.role = role == "admin" ? key_role::admin : key_role::call;
  }

  void read_key(const rapidjson::Value& value) {
    if (!value.IsString())
      refuse("key", "is no text");
    if (auto fault = fault_of(text_of(value)); !fault.empty())
      refuse("key", fault);
    if (is_readable_by_all_)
      refuse("key", "is in the clear and everybody on this machine can read "
                    "the file: `chmod 600` it, or give the key's sha256");
    take_digest("key", digest_of(text_of(value)));
  }

  void read_digest(const rapidjson::Value& value) {
    auto digest =
        value.IsString() ? parse_digest(text_of(value)) : std::nullopt;
    if (!digest)
      refuse("sha256", "is no SHA-256: 64 hexadecimal digits are needed");
    take_digest("sha256", *digest);
  }

  void take_digest(std::string_view field, const key_digest& digest) {
    if (has_key_)
      refuse(field, "comes beside another; key or sha256 is needed, not both");
    has_key_ = true;
    result_.digest = digest;
  }

  std::uint64_t read_limit(std::string_view field,
                           const rapidjson::Value& value) {
    if (!value.IsUint64() || value.GetUint64() > max_limit)
      refuse(field, fmt::format("is no whole number from 0 to {}; 0 is no "
                                "limit",
                                max_limit));
    return value.GetUint64();
  }

  std::string_view file_;
  std::size_t index_;
  bool is_readable_by_all_;
  bool has_key_ = false;
  std::vector<std::string> seen_;
  api_key result_;
};

[[noreturn]] void refuse_file(std::string_view file, std::string_view what) {
  throw config_error(fmt::format("{} {}", file, what));
}

/// Refuses two keys with the same name, and the same key under two names.
void check_distinct(const std::vector<api_key>& keys, std::string_view file) {
  for (auto key = keys.begin(); key != keys.end(); ++key)
    for (auto other = keys.begin(); other != key; ++other) {
      if (other->name == key->name)
        refuse_file(file,
                    fmt::format("has two keys of the name {}", key->name));
      if (other->digest == key->digest)
        refuse_file(file, fmt::format("gives {} and {} the same key",
                                      other->name, key->name));
    }
}

std::string read_text(const std::string& file, bool& is_readable_by_all) {
  auto refuse = [&](std::string_view what) {
    refuse_file(quote(file, 128), what);
  };
  struct stat facts {};
  if (::stat(file.c_str(), &facts) != 0)
    refuse(fmt::format("cannot be opened: {}", std::strerror(errno)));
  if (!S_ISREG(facts.st_mode))
    refuse("is no file");
  if ((facts.st_mode & S_IWOTH) != 0)
    refuse("can be written by everybody on this machine: `chmod 600` it");
  is_readable_by_all = (facts.st_mode & S_IROTH) != 0;
  return read_small_file(file, quote(file, 128), max_key_file_bytes);
}

} // namespace

key_digest digest_of(std::string_view key) {
  key_digest result{};
  ::SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(),
           result.data());
  return result;
}

api_key environment_key(std::string_view variable, std::string_view key) {
  if (auto fault = fault_of(key); !fault.empty())
    throw config_error(fmt::format("the key in {} {}", variable, fault));
  return {.name = "environment",
          .role = key_role::admin,
          .digest = digest_of(key),
          .limits = {0, 0, 0}};
}

std::vector<api_key> parse_api_keys(std::string_view text,
                                    std::string_view file,
                                    bool is_readable_by_all) {
  if (text.starts_with("\xEF\xBB\xBF"))
    text.remove_prefix(3);
  if (text.find('\0') != text.npos)
    refuse_file(file, "has a NUL byte in it");
  counting_stream stream{text};
  rapidjson::Document document;
  constexpr unsigned flags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag
      | rapidjson::kParseCommentsFlag | rapidjson::kParseTrailingCommasFlag;
  document.ParseStream<flags>(stream);
  if (document.HasParseError())
    refuse_file(file, fmt::format("is not JSON, line {}: {}", stream.line(),
                                  rapidjson::GetParseError_En(
                                      document.GetParseError())));
  if (!document.IsObject() || document.MemberCount() != 1
      || !document.HasMember("keys") || !document["keys"].IsArray())
    refuse_file(file, "is not of the form {\"keys\": [...]}");
  const auto& list = document["keys"];
  if (list.Empty() || list.Size() > max_api_keys)
    refuse_file(file, fmt::format("has {} keys, but 1 to {} are needed",
                                  list.Size(), max_api_keys));
  std::vector<api_key> result;
  for (const auto& value : list.GetArray())
    result.push_back(
        key_reader{file, result.size(), is_readable_by_all}.read(value));
  check_distinct(result, file);
  return result;
}

std::vector<api_key> read_api_keys(const key_sources& sources) {
  std::vector<api_key> result;
  auto file = quote(sources.file, 128);
  if (!sources.file.empty()) {
    auto is_readable_by_all = false;
    auto text = read_text(sources.file, is_readable_by_all);
    result = parse_api_keys(text, file, is_readable_by_all);
  }
  if (sources.from_environment) {
    result.push_back(*sources.from_environment);
    check_distinct(result, file + ", with that of the environment,");
  }
  return result;
}

} // namespace model_server
