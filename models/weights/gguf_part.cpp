// Reads and distrusts the header of a .gguf file.
#include "models/weights/gguf_part.hpp"

#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace model_server {

namespace {

// More keys, or tensors, than any model has.
constexpr std::uint64_t max_entries = 1 << 16;
constexpr std::uint64_t max_name_bytes = 1024;
constexpr std::uint32_t max_dimensions = 4;
constexpr std::uint64_t default_alignment = 32;
constexpr std::uint64_t max_alignment = 1 << 20;

// The least that an entry takes: a length and a type, and an empty string or
// one byte; a length, the number of dimensions, a type and an offset.
constexpr std::uint64_t least_pair_bytes = 8 + 4 + 1;
constexpr std::uint64_t least_tensor_bytes = 8 + 4 + 4 + 8;

// Takes a file to pieces from its front.
class byte_reader {
public:
  byte_reader(std::span<const std::byte> bytes, const std::string& where)
      : bytes_(bytes), where_(where) {
  }

  [[noreturn]] void fail(std::string_view reason) const {
    throw std::runtime_error(fmt::format("{}: {}", where_, reason));
  }

  template <class Number>
  Number take(std::string_view what) {
    Number result;
    std::memcpy(&result, take_bytes(sizeof(Number), what).data(),
                sizeof(Number));
    return result;
  }

  std::span<const std::byte> take_bytes(std::uint64_t count,
                                        std::string_view what) {
    if (count > left())
      fail(fmt::format("{} takes {} bytes at byte {}, but only {} are left",
                       what, count, at_, left()));
    auto result = bytes_.subspan(at_, static_cast<std::size_t>(count));
    at_ += result.size();
    return result;
  }

  std::string_view take_string(std::uint64_t most, std::string_view what) {
    auto size = take<std::uint64_t>(what);
    if (size > most)
      fail(fmt::format("{} has {} bytes at byte {}, more than {}", what, size,
                       at_, most));
    auto text = take_bytes(size, what);
    return {reinterpret_cast<const char*>(text.data()), text.size()};
  }

  // A key, or the name of a tensor.
  std::string_view take_name(std::string_view what) {
    auto result = take_string(max_name_bytes, what);
    if (result.empty() || !is_valid_utf8(result))
      fail(fmt::format("{} at byte {} is empty or not UTF-8", what, at_));
    return result;
  }

  // How many entries there are, which the bytes that are left must hold.
  std::uint64_t take_count(std::uint64_t least_bytes, std::string_view what) {
    auto result = take<std::uint64_t>(what);
    auto most = std::min(max_entries, left() / least_bytes);
    if (result > most)
      fail(fmt::format("{} is {}, more than {}", what, result, most));
    return result;
  }

  std::size_t at() const {
    return at_;
  }
  std::uint64_t left() const {
    return bytes_.size() - at_;
  }

private:
  std::span<const std::byte> bytes_;
  const std::string& where_;
  std::size_t at_ = 0;
};

void check_version(byte_reader& from) {
  auto magic = from.take_bytes(4, "the magic number");
  if (std::memcmp(magic.data(), "GGUF", 4) != 0)
    from.fail("does not begin with `GGUF`");
  auto version = from.take<std::uint32_t>("the version");
  if (version == 0x02000000 || version == 0x03000000)
    from.fail("is big endian, only little endian files are read");
  if (version != 2 && version != 3)
    from.fail(fmt::format("is of version {}, only 2 and 3 are read", version));
}

// The value of the type that stands at the front.
gguf_value take_value(byte_reader& from, std::string_view key) {
  auto what = fmt::format("`{}`", key);
  auto take_type = [&] {
    return static_cast<gguf_type>(from.take<std::uint32_t>(what));
  };
  gguf_value result;
  result.type = take_type();
  if (result.type == gguf_type::array) {
    result.is_array = true;
    result.type = take_type();
    if (result.type == gguf_type::array)
      from.fail(what + " is an array of arrays, which is not read");
    result.count = from.take<std::uint64_t>(what);
  }
  auto size = size_of(result.type);
  if (size == 0 && result.type != gguf_type::string)
    from.fail(fmt::format("{} is of type {}, which is unknown", what,
                          static_cast<std::uint32_t>(result.type)));
  // A string takes at least its length.
  auto least = size == 0 ? sizeof(std::uint64_t) : size;
  if (result.count > from.left() / least)
    from.fail(fmt::format("{} has {} elements, but only {} bytes are left",
                          what, result.count, from.left()));
  auto rest = from;
  if (size == 0)
    for (std::uint64_t i = 0; i < result.count; ++i)
      rest.take_string(std::numeric_limits<std::uint64_t>::max(), what);
  else
    rest.take_bytes(result.count * size, what);
  result.bytes = from.take_bytes(rest.at() - from.at(), what);
  if (result.type == gguf_type::boolean)
    for (auto byte : result.bytes)
      if (byte > std::byte{1})
        from.fail(fmt::format("{} is {}, a bool is 0 or 1", what,
                              std::to_integer<int>(byte)));
  return result;
}

// A tensor as the header says; where its bytes lie follows when all are read.
struct tensor_line {
  std::string_view name;
  std::uint64_t offset;
  std::uint64_t size;
  tensor_view tensor;
};

// Reads one line of the list of tensors.
class tensor_reader {
public:
  tensor_reader(byte_reader& from, std::uint64_t alignment)
      : from_(from),
        alignment_(alignment),
        name_(from.take_name("the name of a tensor")) {
  }

  tensor_line read() {
    tensor_line result;
    result.name = name_;
    read_shape(result.tensor.shape);
    result.tensor.format = read_format();
    result.size = size_of_all(result.tensor);
    result.offset = from_.take<std::uint64_t>(what());
    if (result.offset % alignment_ != 0)
      refuse(fmt::format("its data begin at {}, which is no multiple of {}",
                         result.offset, alignment_));
    return result;
  }

private:
  std::string what() const {
    return fmt::format("tensor `{}`", name_);
  }

  [[noreturn]] void refuse(std::string_view reason) const {
    from_.fail(fmt::format("{}: {}", what(), reason));
  }

  // Files say first how many numbers a row has.
  void read_shape(std::vector<std::uint64_t>& shape) {
    auto dimensions = from_.take<std::uint32_t>(what());
    if (dimensions > max_dimensions)
      refuse(fmt::format("has {} dimensions, more than {}", dimensions,
                         max_dimensions));
    shape.resize(dimensions);
    for (auto i = dimensions; i-- > 0;) {
      shape[i] = from_.take<std::uint64_t>(what());
      if (shape[i] == 0)
        refuse("has a dimension of 0");
    }
  }

  number_format read_format() {
    auto type = from_.take<std::uint32_t>(what());
    auto format = format_of_gguf(type);
    auto name = gguf_type_name(type);
    if (!format)
      refuse(fmt::format("is of type {} ({}), which is not read", type,
                         name.empty() ? "unknown" : name));
    return *format;
  }

  // In bytes.
  std::uint64_t size_of_all(const tensor_view& tensor) const {
    auto block = block_of(tensor.format);
    auto row = tensor.shape.empty() ? 1 : tensor.shape.back();
    if (row % block.numbers != 0)
      refuse(fmt::format("has rows of {} numbers, {} takes multiples of {}",
                         row, to_string(tensor.format), block.numbers));
    std::uint64_t size = block.bytes;
    auto multiply = [&](std::uint64_t factor) {
      if (size > std::numeric_limits<std::uint64_t>::max() / factor)
        refuse("is larger than any memory");
      size *= factor;
    };
    multiply(row / block.numbers);
    for (std::size_t i = 0; i + 1 < tensor.shape.size(); ++i)
      multiply(tensor.shape[i]);
    return size;
  }

  byte_reader& from_;
  std::uint64_t alignment_;
  std::string_view name_;
};

std::uint64_t alignment_of(const gguf_metadata& metadata) {
  constexpr auto key = "general.alignment";
  auto result = static_cast<std::uint64_t>(
      metadata.integer(key, 8, max_alignment).value_or(default_alignment));
  if (!std::has_single_bit(result))
    metadata.refuse(key, "must be a power of two");
  return result;
}

// Gives each its bytes: within the data, and no byte to two of them.
void place(std::vector<tensor_line>& lines, std::span<const std::byte> data,
           const byte_reader& from) {
  std::ranges::sort(lines, {}, &tensor_line::offset);
  std::uint64_t end = 0;
  for (auto& line : lines) {
    auto fail = [&](std::string_view reason) {
      from.fail(fmt::format("tensor `{}`: {}", line.name, reason));
    };
    if (line.offset > data.size() || line.size > data.size() - line.offset)
      fail(fmt::format("its {} bytes begin at {}, but the file has {} bytes of "
                       "data",
                       line.size, line.offset, data.size()));
    if (line.offset < end)
      fail("overlaps the data of the one before it");
    end = line.offset + line.size;
    line.tensor.bytes = data.subspan(static_cast<std::size_t>(line.offset),
                                     static_cast<std::size_t>(line.size));
  }
}

} // namespace

gguf_part read_gguf_part(std::span<const std::byte> bytes,
                         const std::string& where) {
  byte_reader from{bytes, where};
  check_version(from);
  auto tensors = from.take_count(least_tensor_bytes, "the number of tensors");
  auto pairs = from.take_count(least_pair_bytes, "the number of keys");
  gguf_part result;
  std::vector<gguf_metadata::pair> metadata;
  metadata.reserve(static_cast<std::size_t>(pairs));
  for (std::uint64_t i = 0; i < pairs; ++i) {
    auto key = from.take_name("a key");
    metadata.emplace_back(key, take_value(from, key));
  }
  result.metadata = gguf_metadata{std::move(metadata), where};
  auto alignment = alignment_of(result.metadata);
  std::vector<tensor_line> lines;
  for (std::uint64_t i = 0; i < tensors; ++i)
    lines.push_back(tensor_reader{from, alignment}.read());
  // The data begin at the next multiple of the alignment, if there are any.
  auto begin = (from.at() + alignment - 1) / alignment * alignment;
  place(lines, bytes.subspan(std::min<std::size_t>(begin, bytes.size())), from);
  for (auto& line : lines)
    if (!result.tensors.emplace(line.name, std::move(line.tensor)).second)
      from.fail(fmt::format("tensor `{}` is there twice", line.name));
  return result;
}

} // namespace model_server
