// Takes GGUF files apart, broken ones too.
#include "tests/fuzz/programs/gguf_pieces.hpp"

#include "models/weights/gguf_value.hpp"
#include "models/weights/number_format.hpp"

#include <algorithm>
#include <cstring>

namespace model_server::testing {

namespace {

constexpr std::size_t alignment = 32;
constexpr std::uint32_t string_type = 8, array_type = 9;

// Takes what is there; beyond the end all is 0.
class taker {
public:
  explicit taker(std::string_view bytes) : rest_(bytes), size_(bytes.size()) {
  }

  template <class Number>
  Number take() {
    Number result{};
    auto bytes = take_bytes(sizeof result);
    std::memcpy(&result, bytes.data(), bytes.size());
    return result;
  }

  std::string take_bytes(std::uint64_t count) {
    auto result = rest_.substr(0, count);
    rest_.remove_prefix(result.size());
    return std::string{result};
  }

  std::string take_text() {
    return take_bytes(take<std::uint64_t>());
  }

  bool done() const {
    return rest_.empty();
  }
  std::size_t at() const {
    return size_ - rest_.size();
  }

private:
  std::string_view rest_;
  std::size_t size_;
};

template <class Number>
void put(std::string& to, Number number) {
  to.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void put_text(std::string& to, std::string_view text) {
  put<std::uint64_t>(to, text.size());
  to += text;
}

gguf_pieces::value take_value(taker& from) {
  gguf_pieces::value result;
  std::uint64_t count = 1;
  result.type = from.take<std::uint32_t>();
  if (result.type == array_type) {
    result.is_array = true;
    result.type = from.take<std::uint32_t>();
    count = from.take<std::uint64_t>();
  }
  if (result.type == string_type) {
    while (count-- > 0 && !from.done())
      result.texts.push_back(from.take_text());
  } else {
    auto size = size_of(static_cast<gguf_type>(result.type));
    result.bytes =
        from.take_bytes(std::min<std::uint64_t>(count, 1 << 20) * size);
  }
  return result;
}

void put_value(std::string& to, const gguf_pieces::value& value) {
  if (value.is_array)
    put(to, array_type);
  put(to, value.type);
  auto size = size_of(static_cast<gguf_type>(value.type));
  if (value.is_array)
    put<std::uint64_t>(to, value.type == string_type ? value.texts.size()
                           : size == 0               ? 0
                                       : value.bytes.size() / size);
  for (auto& text : value.texts)
    put_text(to, text);
  to += value.bytes;
}

std::size_t size_of_tensor(const gguf_pieces::tensor& tensor) {
  auto format = format_of_gguf(tensor.type);
  auto block = format ? block_of(*format) : number_block{1, 1};
  std::uint64_t numbers = 1;
  for (auto extent : tensor.extents)
    numbers = extent < 1 << 16 && numbers < 1 << 16 ? numbers * extent : 0;
  return numbers / block.numbers * block.bytes;
}

} // namespace

gguf_pieces::gguf_pieces(std::string_view file) {
  taker from{file};
  from.take_bytes(8);
  auto tensor_count = from.take<std::uint64_t>();
  auto pair_count = from.take<std::uint64_t>();
  while (pair_count-- > 0 && !from.done()) {
    auto key = from.take_text();
    pairs.push_back({std::move(key), take_value(from)});
  }
  while (tensor_count-- > 0 && !from.done()) {
    auto& made = tensors.emplace_back();
    made.name = from.take_text();
    made.extents.resize(std::min<std::uint32_t>(from.take<std::uint32_t>(), 8));
    for (auto& extent : made.extents)
      extent = from.take<std::uint64_t>();
    made.type = from.take<std::uint32_t>();
    made.offset = from.take<std::uint64_t>();
  }
  auto padding = (alignment - from.at() % alignment) % alignment;
  from.take_bytes(padding);
  data = from.take_bytes(file.size());
}

void gguf_pieces::place(std::size_t most) {
  std::size_t end = 0;
  for (auto& each : tensors) {
    each.offset = end;
    end += (size_of_tensor(each) + alignment - 1) / alignment * alignment;
  }
  data.resize(std::min(end, most), '\x3c');
}

std::string gguf_pieces::file() const {
  std::string result = "GGUF";
  put<std::uint32_t>(result, 3);
  put<std::uint64_t>(result, tensors.size());
  put<std::uint64_t>(result, pairs.size());
  for (auto& each : pairs) {
    put_text(result, each.key);
    put_value(result, each.value);
  }
  for (auto& each : tensors) {
    put_text(result, each.name);
    put(result, static_cast<std::uint32_t>(each.extents.size()));
    for (auto extent : each.extents)
      put(result, extent);
    put(result, each.type);
    put(result, each.offset);
  }
  result.resize((result.size() + alignment - 1) / alignment * alignment);
  return result + data;
}

} // namespace model_server::testing
