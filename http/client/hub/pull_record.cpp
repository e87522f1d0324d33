// Writes and reads the record of a fetched folder: a line each.
#include "http/client/hub/pull_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace model_server {

namespace {

constexpr std::string_view first_line = "model_api pull 1";

// Takes off what stands before the separator.
std::string_view take_until(std::string_view& text, char separator) {
  auto end = text.find(separator);
  auto result = text.substr(0, end);
  text.remove_prefix(std::min(result.size() + 1, text.size()));
  return result;
}

std::optional<planned_file> read_file(std::string_view line) {
  planned_file result;
  auto kind = take_until(line, ' ');
  if (kind != "sha256" && kind != "git-sha1")
    return std::nullopt;
  result.id.kind =
      kind == "sha256" ? digest_kind::sha256 : digest_kind::git_sha1;
  result.id.hex = take_until(line, ' ');
  auto size = take_until(line, ' ');
  auto [at, problem] =
      std::from_chars(size.data(), size.data() + size.size(), result.size);
  if (problem != std::errc{} || at != size.data() + size.size()
      || !is_safe_file_name(line))
    return std::nullopt;
  result.local = line;
  return result;
}

} // namespace

const planned_file* pull_record::find(std::string_view local) const {
  auto found = std::ranges::find(files, local, &planned_file::local);
  return found == files.end() ? nullptr : &*found;
}

bool is_same_content(const planned_file& a, const planned_file& b) {
  return a.local == b.local && a.size == b.size && a.id == b.id;
}

std::string to_text(const pull_record& record) {
  auto result = fmt::format("{}\n{}\n{}\n{}\n", first_line, record.model,
                            record.revision, record.commit);
  for (const auto& file : record.files)
    result +=
        fmt::format("{} {} {} {}\n",
                    file.id.kind == digest_kind::sha256 ? "sha256" : "git-sha1",
                    file.id.hex, file.size, file.local);
  return result;
}

std::optional<pull_record> read_pull_record(std::string_view text) {
  if (take_until(text, '\n') != first_line)
    return std::nullopt;
  pull_record result;
  result.model = take_until(text, '\n');
  result.revision = take_until(text, '\n');
  result.commit = take_until(text, '\n');
  while (!text.empty()) {
    auto file = read_file(take_until(text, '\n'));
    if (!file)
      return std::nullopt;
    result.files.push_back(std::move(*file));
  }
  return result;
}

} // namespace model_server
