// Reads and distrusts the header of a .safetensors file.
#include "models/weights/safetensors.hpp"

#include "models/weights/json_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace model_server {

namespace {

// More dimensions than any weight has.
constexpr rapidjson::SizeType max_dimensions = 8;

std::runtime_error bad_file(const std::string& file, std::string_view reason) {
  return std::runtime_error(fmt::format("{}: {}", file, reason));
}

// Where the data begins, after the header's length and the header itself.
std::size_t header_end(std::span<const std::byte> bytes,
                       const std::string& file) {
  constexpr std::size_t prefix = 8;
  if (bytes.size() < prefix)
    throw bad_file(file, "shorter than the 8 bytes of a header's length");
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < prefix; ++i)
    length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  if (length > safetensors_file::max_header_bytes)
    throw bad_file(file,
                   fmt::format("the header's length is {}, more than {}",
                               length, safetensors_file::max_header_bytes));
  if (length > bytes.size() - prefix)
    throw bad_file(file, fmt::format("the header's length is {}, but the file "
                                     "has {} bytes in all",
                                     length, bytes.size()));
  return prefix + static_cast<std::size_t>(length);
}

// Reads one line of the header.
class tensor_reader {
public:
  tensor_reader(const rapidjson::Value& value, const std::string& file,
                std::string_view name, std::span<const std::byte> data)
      : value_(value), file_(file), name_(name), data_(data) {
  }

  tensor_view read() const {
    if (!value_.IsObject() || value_.MemberCount() != 3)
      refuse("must hold `dtype`, `shape` and `data_offsets`, nothing else");
    tensor_view result;
    result.format = read_format();
    auto size = read_shape(result.shape, size_of(result.format));
    result.bytes = read_extent(size);
    return result;
  }

private:
  [[noreturn]] void refuse(std::string_view reason) const {
    throw bad_file(file_, fmt::format("tensor `{}`: {}", name_, reason));
  }

  const rapidjson::Value& field(const char* key) const {
    auto found = value_.FindMember(key);
    if (found == value_.MemberEnd())
      refuse(fmt::format("`{}` is missing", key));
    return found->value;
  }

  number_format read_format() const {
    auto& dtype = field("dtype");
    if (!dtype.IsString())
      refuse("`dtype` is not a string");
    auto format = format_named(dtype.GetString());
    if (!format)
      refuse(fmt::format("unknown dtype `{}`", dtype.GetString()));
    return *format;
  }

  // Returns the size in bytes.
  std::uint64_t read_shape(std::vector<std::uint64_t>& shape,
                           std::uint64_t size) const {
    auto& list = field("shape");
    if (!list.IsArray() || list.Size() > max_dimensions)
      refuse(fmt::format("`shape` is not a list of at most {} numbers",
                         max_dimensions));
    for (auto& item : list.GetArray()) {
      if (!item.IsUint64())
        refuse("`shape` holds something other than whole numbers");
      auto extent = item.GetUint64();
      if (extent != 0
          && size > std::numeric_limits<std::uint64_t>::max() / extent)
        refuse("`shape` is larger than any memory");
      size *= extent;
      shape.push_back(extent);
    }
    return size;
  }

  std::span<const std::byte> read_extent(std::uint64_t size) const {
    auto& list = field("data_offsets");
    if (!list.IsArray() || list.Size() != 2 || !list[0].IsUint64()
        || !list[1].IsUint64())
      refuse("`data_offsets` is not a list of two whole numbers");
    auto begin = list[0].GetUint64();
    auto end = list[1].GetUint64();
    if (begin > end || end > data_.size())
      refuse(fmt::format("its data are said to lie from {} to {}, but the file "
                         "has {} bytes of data",
                         begin, end, data_.size()));
    if (end - begin != size)
      refuse(fmt::format("its shape needs {} bytes, its data have {}", size,
                         end - begin));
    return data_.subspan(begin, size);
  }

  const rapidjson::Value& value_;
  const std::string& file_;
  std::string_view name_;
  std::span<const std::byte> data_;
};

// The tensors must cover the data: no byte twice, none left over.
void check_cover(const tensor_map& tensors, std::span<const std::byte> data,
                 const std::string& file) {
  std::vector<const tensor_map::value_type*> order;
  for (auto& item : tensors)
    if (!item.second.bytes.empty())
      order.push_back(&item);
  std::ranges::sort(order, {},
                    [](auto item) { return item->second.bytes.data(); });
  auto expected = data.data();
  for (auto item : order) {
    auto& [name, tensor] = *item;
    if (tensor.bytes.data() != expected)
      throw bad_file(
          file,
          fmt::format("tensor `{}` {} the data of the one before it", name,
                      tensor.bytes.data() < expected ? "overlaps"
                                                     : "leaves a gap after"));
    expected += tensor.bytes.size();
  }
  if (expected != data.data() + data.size())
    throw bad_file(file, fmt::format("{} bytes at the end belong to no tensor",
                                     data.data() + data.size() - expected));
}

} // namespace

safetensors_file::safetensors_file(const std::filesystem::path& path)
    : file_(path) {
  auto file = path.string();
  auto bytes = file_.bytes();
  auto data_begin = header_end(bytes, file);
  auto data = bytes.subspan(data_begin);
  auto header = parse_json_object(
      {reinterpret_cast<const char*>(bytes.data()) + 8, data_begin - 8},
      file + ": header");
  for (auto& [key, value] : header.GetObject()) {
    std::string name{key.GetString(), key.GetStringLength()};
    if (name == "__metadata__")
      continue;
    auto tensor = tensor_reader{value, file, name, data}.read();
    if (!tensors_.emplace(name, std::move(tensor)).second)
      throw bad_file(file, fmt::format("tensor `{}` is there twice", name));
  }
  check_cover(tensors_, data, file);
  file_.read_ahead();
}

const tensor_view* safetensors_file::find(std::string_view name) const {
  auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

} // namespace model_server
