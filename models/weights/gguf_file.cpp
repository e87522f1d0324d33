// Opens the files of a model in the GGUF format.
#include "models/weights/gguf_file.hpp"

#include "config/part_name.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

namespace model_server {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t max_parts = 99'999;

// How many files the model has, this one among them.
std::int64_t parts_of(const gguf_metadata& metadata) {
  return metadata.integer("split.count", 0, max_parts).value_or(1);
}

std::int64_t tensors_of_all(const gguf_metadata& metadata,
                            std::int64_t otherwise) {
  return metadata.integer("split.tensors.count", 0, 1 << 30)
      .value_or(otherwise);
}

} // namespace

gguf_file::gguf_file(const fs::path& path) {
  files_.emplace_back(path);
  content_ = read_gguf_part(files_.back().bytes(), path.string());
  auto parts = parts_of(content_.metadata);
  if (parts > 1) {
    auto name = read_part_name(path.filename().string());
    if (!name || name->count != parts)
      throw std::runtime_error(
          fmt::format("{}: is one of {} files of a model, and would have to be "
                      "called NAME-00001-of-{:05}.gguf for the others to be "
                      "found",
                      path.string(), parts, parts));
    files_.clear();
    content_ = {};
    for (std::int64_t i = 0; i < parts; ++i) {
      name->number = static_cast<int>(i) + 1;
      add_part(path.parent_path() / name->file(), i, parts);
    }
    auto found = static_cast<std::int64_t>(content_.tensors.size());
    if (tensors_of_all(content_.metadata, found) != found)
      content_.metadata.refuse(
          "split.tensors.count",
          fmt::format("but the {} files hold {} tensors", parts, found));
  }
  for (auto& file : files_)
    file.read_ahead();
}

gguf_file::gguf_file(std::span<const std::byte> bytes, const std::string& where)
    : content_(read_gguf_part(bytes, where)) {
  if (parts_of(content_.metadata) > 1)
    content_.metadata.refuse("split.count", "but this is one file by itself");
}

void gguf_file::add_part(const fs::path& path, std::int64_t number,
                         std::int64_t count) {
  files_.emplace_back(path);
  auto part = read_gguf_part(files_.back().bytes(), path.string());
  if (parts_of(part.metadata) != count)
    part.metadata.refuse("split.count", fmt::format("must be {}", count));
  if (part.metadata.require_integer("split.no", 0, max_parts) != number)
    part.metadata.refuse("split.no", fmt::format("must be {}", number));
  if (number == 0)
    content_.metadata = std::move(part.metadata);
  for (auto& [name, tensor] : part.tensors)
    if (!content_.tensors.emplace(name, std::move(tensor)).second)
      throw std::runtime_error(fmt::format(
          "{}: tensor `{}` is in another file, too", path.string(), name));
}

const tensor_view* gguf_file::find(std::string_view name) const {
  auto found = content_.tensors.find(name);
  return found == content_.tensors.end() ? nullptr : &found->second;
}

const tensor_view&
gguf_file::require(std::string_view name,
                   std::initializer_list<std::uint64_t> shape) const {
  auto found = find(name);
  auto& where = metadata().where();
  if (found == nullptr)
    throw std::runtime_error(
        fmt::format("{}: tensor `{}` is missing", where, name));
  if (!std::ranges::equal(found->shape, shape))
    throw std::runtime_error(fmt::format(
        "{}: tensor `{}` is [{}], the metadata ask for [{}]", where, name,
        fmt::join(found->shape, ", "), fmt::join(shape, ", ")));
  return *found;
}

} // namespace model_server
