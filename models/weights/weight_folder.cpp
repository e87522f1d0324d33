// Opens the weight files of a folder and finds tensors in them.
#include "models/weights/weight_folder.hpp"

#include "config/part_name.hpp"

#include "models/weights/json_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace model_server {

namespace fs = std::filesystem;

namespace {

// A file of the folder itself: an index must not lead out of it.
bool is_plain_file_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".."
         && name.find_first_of(std::string_view{"/\\\0", 3})
                == std::string::npos;
}

bool has_safetensors(const fs::path& folder) {
  return fs::exists(folder / "model.safetensors")
         || fs::exists(folder / "model.safetensors.index.json");
}

// It belongs to a first part.
bool is_later_part(const std::string& name) {
  auto part = read_part_name(name);
  return part && part->number > 1;
}

} // namespace

std::optional<fs::path> find_gguf(const fs::path& path) {
  if (path.extension() == ".gguf" && fs::is_regular_file(path))
    return path;
  if (!fs::is_directory(path) || has_safetensors(path))
    return std::nullopt;
  std::optional<fs::path> result;
  for (auto& item : fs::directory_iterator{path}) {
    auto name = item.path().filename().string();
    if (item.path().extension() != ".gguf" || is_later_part(name))
      continue;
    if (result)
      throw std::runtime_error(fmt::format(
          "{}: holds several models, `{}` and `{}` among them; name one of "
          "these files instead",
          path.string(), result->filename().string(), name));
    result = item.path();
  }
  return result;
}

weight_folder::weight_folder(const fs::path& folder) : folder_(folder) {
  if (auto file = find_gguf(folder)) {
    gguf_.emplace(*file);
    for (auto& [name, tensor] : gguf_->tensors())
      tensors_.emplace(name, &tensor);
    return;
  }
  auto single = folder / "model.safetensors";
  auto index = folder / "model.safetensors.index.json";
  if (fs::exists(single)) {
    files_.emplace_back(single);
    for (auto& [name, tensor] : files_.back().tensors())
      tensors_.emplace(name, &tensor);
  } else if (fs::exists(index)) {
    read_index(index);
  } else {
    throw std::runtime_error(
        fmt::format("{}: holds neither model.safetensors nor "
                    "model.safetensors.index.json nor a .gguf file; other "
                    "weight files are not read",
                    folder.string()));
  }
}

void weight_folder::read_index(const fs::path& index) {
  auto document = read_json_file(index, safetensors_file::max_header_bytes);
  auto where = index.string();
  auto map = document.FindMember("weight_map");
  if (map == document.MemberEnd() || !map->value.IsObject())
    throw std::runtime_error(where + ": `weight_map` is not an object");
  // Which files there are.
  std::map<std::string, std::string> file_of;
  std::set<std::string> names;
  for (auto& [key, value] : map->value.GetObject()) {
    std::string tensor{key.GetString(), key.GetStringLength()};
    std::string file;
    if (value.IsString())
      file.assign(value.GetString(), value.GetStringLength());
    if (!is_plain_file_name(file))
      throw std::runtime_error(fmt::format(
          "{}: tensor `{}` lies in `{}`, which is no file name in this folder",
          where, tensor, file));
    if (!file_of.emplace(tensor, file).second)
      throw std::runtime_error(
          fmt::format("{}: tensor `{}` is there twice", where, tensor));
    names.insert(file);
  }
  // Opens them all before pointers into them are taken.
  std::map<std::string, std::size_t> position;
  for (auto& name : names) {
    position.emplace(name, files_.size());
    files_.emplace_back(folder_ / name);
  }
  for (auto& [tensor, file] : file_of) {
    auto found = files_[position[file]].find(tensor);
    if (found == nullptr)
      throw std::runtime_error(
          fmt::format("{}: tensor `{}` is not in `{}`", where, tensor, file));
    tensors_.emplace(tensor, found);
  }
}

const tensor_view* weight_folder::find(std::string_view name) const {
  auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : found->second;
}

const tensor_view&
weight_folder::require_shape(std::string_view name,
                             const std::vector<std::uint64_t>& shape) const {
  auto found = find(name);
  if (found == nullptr)
    throw std::runtime_error(
        fmt::format("{}: tensor `{}` is missing", folder_.string(), name));
  if (!std::ranges::equal(found->shape, shape))
    throw std::runtime_error(fmt::format(
        "{}: tensor `{}` is [{}], config.json asks for [{}]", folder_.string(),
        name, fmt::join(found->shape, ", "), fmt::join(shape, ", ")));
  return *found;
}

const tensor_view&
weight_folder::require_bytes(std::string_view name,
                             const std::vector<std::uint64_t>& shape) const {
  auto& found = require_shape(name, shape);
  if (found.format != number_format::u8)
    throw std::runtime_error(
        fmt::format("{}: tensor `{}` holds {}, U8 is needed", folder_.string(),
                    name, to_string(found.format)));
  return found;
}

const tensor_view&
weight_folder::require(std::string_view name,
                       const std::vector<std::uint64_t>& shape) const {
  const auto* found = &require_shape(name, shape);
  if (found->format != number_format::f32 && found->format != number_format::f16
      && found->format != number_format::bf16 && !is_blocked(found->format))
    throw std::runtime_error(
        fmt::format("{}: tensor `{}` holds {}, only F32, F16, BF16 and blocks "
                    "of GGUF files are read",
                    folder_.string(), name, to_string(found->format)));
  return *found;
}

} // namespace model_server
