// Parses JSON after the checks that RapidJSON itself doesn't make.
#include "models/text/json_document.hpp"

#include "config/exact_json.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>

#include <fstream>
#include <stdexcept>

namespace model_server {

namespace {

/// How deep arrays and objects are nested, strings left out.
std::size_t nesting_depth(std::string_view json) {
  std::size_t depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    auto c = json[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

} // namespace

json_document::json_document(std::string_view text, const std::string& origin,
                             std::size_t max_depth) {
  auto fail = [&](const std::string& why) {
    throw std::runtime_error{origin + ": " + why};
  };
  if (!is_valid_utf8(text))
    fail("is not UTF-8");
  if (auto nul = text.find('\0'); nul != std::string::npos)
    fail(fmt::format("is not JSON: a zero byte at offset {}", nul));
  if (auto depth = nesting_depth(text); depth > max_depth)
    fail(fmt::format("is nested {} levels deep; the limit is {}", depth,
                     max_depth));
  rapidjson::MemoryStream stream{text.data(), text.size()};
  auto parsed =
      parse_exactly<rapidjson::kParseIterativeFlag>(document_, stream);
  if (parsed.IsError())
    fail(fmt::format("is not JSON: {} (at offset {})",
                     rapidjson::GetParseError_En(parsed.Code()),
                     parsed.Offset()));
}

const rapidjson::Value* find_member(const rapidjson::Value& object,
                                    const char* key) {
  if (!object.IsObject())
    return nullptr;
  auto found = object.FindMember(key);
  return found == object.MemberEnd() ? nullptr : &found->value;
}

std::string read_text_file(const std::filesystem::path& path,
                           std::size_t max_bytes) {
  auto fail = [&](const std::string& why) {
    throw std::runtime_error{path.string() + ": " + why};
  };
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    fail(error ? error.message() : "is not a file");
  auto size = std::filesystem::file_size(path, error);
  if (error)
    fail(error.message());
  if (size > max_bytes)
    fail(fmt::format("has {} bytes; the limit is {}", size, max_bytes));
  std::string text(size, '\0');
  std::ifstream file{path, std::ios::binary};
  if (!file.read(text.data(), static_cast<std::streamsize>(size)))
    fail("cannot be read");
  return text;
}

} // namespace model_server
