// Reads the file config.json and says where it is wrong.
#include "config/config_file.hpp"

#include "config/config_reader.hpp"
#include "config/json_number.hpp"
#include "config/quote.hpp"
#include "config/small_file.hpp"

#include <fmt/format.h>
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <algorithm>

namespace model_server {

namespace {

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
      | exact_numbers_flag;
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
  auto text = read_small_file(path, file, max_config_bytes);
  return parse_config(text, file, entries);
}

} // namespace model_server
