// Reads the tensors of a network as its description names them.
#include "models/nets/matrix_reader.hpp"

#include "models/nets/packed_tensors.hpp"
#include "models/weights/convert.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace model_server {

namespace {

std::size_t stored_rows(const matrix_source& source) {
  return source.stored_rows != 0 ? source.stored_rows : source.outputs;
}

// Calls f with the number of each stored row that the matrix has.
template <class F>
void each_row(const matrix_source& source, F f) {
  if (source.rows.empty())
    for (std::size_t i = 0; i < source.outputs; ++i)
      f(i);
  for (auto& run : source.rows)
    for (std::size_t i = 0; i < run.count; ++i)
      f(run.first + i * run.step);
}

bool is_one_piece(const matrix_source& source) {
  return !source.is_transposed && source.rows.size() <= 1
         && (source.rows.empty() || source.rows[0].step == 1);
}

// Of the tensor, the matrix of the stack that is meant.
const tensor_view& require(const weight_folder& folder,
                           const matrix_source& source) {
  std::vector<std::uint64_t> shape{stored_rows(source), source.inputs};
  if (source.is_transposed)
    std::swap(shape[0], shape[1]);
  if (source.items != 0)
    shape.insert(shape.begin(), source.items);
  const auto& result = folder.require(source.tensor, shape);
  if (source.items != 0 && source.item >= source.items)
    throw std::runtime_error(fmt::format(
        "{}: tensor `{}` is a stack of {}, number {} is asked for",
        folder.path().string(), source.tensor, source.items, source.item));
  return result;
}

tensor_view item_of(const tensor_view& stack, const matrix_source& source) {
  if (source.items == 0)
    return stack;
  auto size = stack.bytes.size() / source.items;
  return {stack.format,
          {stack.shape[1], stack.shape[2]},
          stack.bytes.subspan(source.item * size, size)};
}

std::size_t bytes_of_row(number_format format, std::size_t inputs) {
  auto block = block_of(format);
  return inputs / block.numbers * block.bytes;
}

// The rows one behind the other, in the format in which they are stored.
std::vector<std::byte> gather(const tensor_view& tensor,
                              const matrix_source& source) {
  auto size = bytes_of_row(tensor.format, source.inputs);
  auto from = tensor.bytes.data();
  std::vector<std::byte> result(source.outputs * size);
  auto to = result.data();
  each_row(source, [&](std::size_t row) {
    std::memcpy(to, from + row * size, size);
    to += size;
  });
  return result;
}

// The same of a matrix whose columns were stored one behind the other.
std::vector<std::byte> gather_columns(const tensor_view& tensor,
                                      const matrix_source& source) {
  auto size = size_of(tensor.format);
  auto stride = stored_rows(source);
  auto from = tensor.bytes.data();
  std::vector<std::byte> result(source.outputs * source.inputs * size);
  auto to = result.data();
  each_row(source, [&](std::size_t row) {
    for (std::size_t i = 0; i < source.inputs; ++i, to += size)
      std::memcpy(to, from + (i * stride + row) * size, size);
  });
  return result;
}

bool is_aligned(std::span<const std::byte> bytes, number_format format) {
  return is_blocked(format)
         || reinterpret_cast<std::uintptr_t>(bytes.data()) % size_of(format)
                == 0;
}

// Numbers that the kernels read one by one.
bool is_plain(number_format format) {
  return format == number_format::f32 || format == number_format::f16
         || format == number_format::bf16;
}

} // namespace

linear_weights matrix_reader::raw(const matrix_source& source) const {
  linear_weights result;
  if (!source.exponents.empty())
    return four_bits(source);
  if (!source.pieces.empty()) {
    join_pieces(source, result);
    return result;
  }
  auto tensor = item_of(require(folder_, source), source);
  auto rows = tensor.bytes;
  if (source.is_transposed) {
    std::vector<std::byte> numbers;
    if (is_blocked(tensor.format)) {
      numbers = convert(tensor, number_format::f32);
      tensor = {number_format::f32, tensor.shape, numbers};
    }
    result.storage = gather_columns(tensor, source);
  } else if (is_one_piece(source)) {
    auto size = bytes_of_row(tensor.format, source.inputs);
    auto first = source.rows.empty() ? 0 : source.rows[0].first;
    rows = rows.subspan(first * size, source.outputs * size);
  } else {
    result.storage = gather(tensor, source);
  }
  result.plain = {tensor.format,
                  result.storage.empty() ? rows.data() : result.storage.data(),
                  source.outputs, source.inputs};
  result.bias = bias(source);
  return result;
}

// As blocks of a GGUF file, in which a byte has the numbers i and i + 16 of its
// group instead of 2 i and 2 i + 1.
linear_weights matrix_reader::four_bits(const matrix_source& source) const {
  constexpr std::size_t group = 32, half = group / 2;
  auto rows = stored_rows(source);
  auto groups = source.inputs / group;
  if (source.inputs % group != 0)
    throw std::runtime_error(fmt::format(
        "tensor `{}`: {} numbers in a row, must be a multiple of {}",
        source.tensor, source.inputs, group));
  auto& numbers =
      folder_.require_bytes(source.tensor, {source.items, rows, groups, half});
  auto& exponents =
      folder_.require_bytes(source.exponents, {source.items, rows, groups});
  linear_weights result;
  auto block = block_of(number_format::mxfp4).bytes;
  result.storage.resize(source.outputs * groups * block);
  auto to = result.storage.data();
  each_row(source, [&](std::size_t row) {
    auto first = (source.item * rows + row) * groups;
    for (std::size_t g = 0; g < groups; ++g, to += block) {
      auto from = numbers.bytes.data() + (first + g) * half;
      to[0] = exponents.bytes[first + g];
      auto number = [&](std::size_t i) {
        return i % 2 == 0 ? from[i / 2] & std::byte{15} : from[i / 2] >> 4;
      };
      for (std::size_t i = 0; i < half; ++i)
        to[1 + i] = number(i) | number(i + half) << 4;
    }
  });
  result.plain = {number_format::mxfp4, result.storage.data(), source.outputs,
                  source.inputs};
  result.bias = bias(source);
  return result;
}

// As floats: the pieces may be stored in different formats.
void matrix_reader::join_pieces(const matrix_source& source,
                                linear_weights& to) const {
  for (auto& piece : source.pieces) {
    auto part = plain(piece, number_format::f32);
    auto begin = static_cast<const std::byte*>(part.plain.data);
    to.storage.insert(to.storage.end(), begin,
                      begin + piece.outputs * piece.inputs * sizeof(float));
  }
  to.plain = {number_format::f32, to.storage.data(), source.outputs,
              source.inputs};
}

linear_weights matrix_reader::plain(linear_weights result,
                                    std::optional<number_format> format) {
  auto [stored, data, outputs, inputs] = result.plain;
  auto wanted = format.value_or(is_plain(stored) ? stored : number_format::f32);
  std::span rows{static_cast<const std::byte*>(data),
                 outputs * bytes_of_row(stored, inputs)};
  if (wanted != stored || !is_aligned(rows, wanted)) {
    auto converted = convert({stored, {}, rows}, wanted);
    result.storage = std::move(converted);
    result.plain.data = result.storage.data();
    result.plain.format = wanted;
  }
  return result;
}

linear_weights matrix_reader::stored(const matrix_source& source,
                                     const weight_form& form) const {
  auto packed =
      find_packed(folder_, source.name(), source.outputs, source.inputs);
  if (!packed) {
    // Blocks stay as they are until they are packed.
    auto result = raw(source);
    return is_blocked(result.plain.format) && !form.format
               ? std::move(result)
               : plain(std::move(result), form.format);
  }
  // What is packed in the file stays as it is.
  if (form.format
      || (form.packed
          && format_of_matrix(source, *form.packed) != packed->format))
    throw std::runtime_error(fmt::format(
        "`{}` lies packed as {} in its file, and is not kept in another form",
        source.name(), to_string(packed->format)));
  linear_weights result;
  result.packed = packed;
  result.plain = {number_format::u8, nullptr, source.outputs, source.inputs};
  result.bias = bias(source);
  return result;
}

std::vector<float> matrix_reader::bias(const matrix_source& source) const {
  if (source.bias.empty())
    return {};
  std::vector<std::uint64_t> shape{stored_rows(source)};
  if (source.items != 0)
    shape.insert(shape.begin(), source.items);
  auto all = to_floats(folder_.require(source.bias, shape));
  auto first = source.item * stored_rows(source);
  std::vector<float> result;
  each_row(source,
           [&](std::size_t row) { result.push_back(all[first + row]); });
  return result;
}

std::vector<float>
matrix_reader::floats(const std::string& name,
                      std::vector<std::uint64_t> shape) const {
  return to_floats(folder_.require(name, shape));
}

matrix_reader::norm_weights
matrix_reader::norm(const norm_spec& norm, std::size_t size,
                    std::vector<std::uint64_t> shape) const {
  norm_weights result;
  auto place = norm.weight.find("{}");
  if (place == std::string::npos) {
    result.weight = floats(norm.weight, shape);
  } else {
    for (std::uint64_t part = 0; part < shape[0]; ++part) {
      auto name = norm.weight;
      name.replace(place, 2, std::to_string(part));
      auto one = floats(name, {shape[1]});
      result.weight.insert(result.weight.end(), one.begin(), one.end());
    }
  }
  for (auto& weight : result.weight)
    weight += norm_offset_;
  if (!norm.bias.empty())
    result.bias = floats(norm.bias, {size});
  return result;
}

void resolve_names(decoder_spec& spec, const weight_folder& folder) {
  auto& embedding = spec.embedding.tensor;
  auto& head = spec.scores.tensor;
  // Some tied models store only the head.
  if (!spec.scores.is_there() && !has_matrix(folder, embedding)
      && has_matrix(folder, "lm_head.weight"))
    embedding = "lm_head.weight";
  if (has_matrix(folder, embedding))
    return;
  auto renamed = [&](std::string name, const std::string& beginning) {
    if (name.starts_with(spec.prefix))
      name.replace(0, spec.prefix.size(), beginning);
    return name;
  };
  for (auto& beginning : spec.other_prefixes) {
    if (!has_matrix(folder, renamed(embedding, beginning)))
      continue;
    auto change = [&](std::string& name) { name = renamed(name, beginning); };
    for_each_tensor(
        spec,
        [&](matrix_source& matrix) {
          change(matrix.tensor);
          change(matrix.bias);
        },
        change);
    // The head stands beside what has the prefix, and moves with it.
    if (spec.scores.is_there() && !has_matrix(folder, head)) {
      auto outer = beginning.substr(0, beginning.find('.') + 1) + head;
      if (has_matrix(folder, outer))
        head = outer;
    }
    return;
  }
}

} // namespace model_server
