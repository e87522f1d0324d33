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
  return folder.require(source.tensor, shape);
}

tensor_view item_of(const tensor_view& stack, const matrix_source& source) {
  if (source.items == 0)
    return stack;
  auto size = stack.bytes.size() / source.items;
  return {stack.format,
          {stack.shape[1], stack.shape[2]},
          stack.bytes.subspan(source.item * size, size)};
}

// The rows one behind the other, in the format in which they are stored.
std::vector<std::byte> gather(const tensor_view& tensor,
                              const matrix_source& source) {
  auto size = size_of(tensor.format);
  auto inputs = source.inputs;
  auto from = tensor.bytes.data();
  std::vector<std::byte> result(source.outputs * inputs * size);
  auto to = result.data();
  auto stride = stored_rows(source);
  each_row(source, [&](std::size_t row) {
    if (!source.is_transposed) {
      std::memcpy(to, from + row * inputs * size, inputs * size);
    } else {
      for (std::size_t i = 0; i < inputs; ++i)
        std::memcpy(to + i * size, from + (i * stride + row) * size, size);
    }
    to += inputs * size;
  });
  return result;
}

bool is_aligned(std::span<const std::byte> bytes, number_format format) {
  return reinterpret_cast<std::uintptr_t>(bytes.data()) % size_of(format) == 0;
}

} // namespace

linear_weights matrix_reader::plain(const matrix_source& source,
                                    std::optional<number_format> format) const {
  auto tensor = item_of(require(folder_, source), source);
  auto wanted = format.value_or(tensor.format);
  linear_weights result;
  std::vector<std::byte> gathered;
  auto rows = tensor.bytes;
  if (is_one_piece(source)) {
    auto size = source.inputs * size_of(tensor.format);
    auto first = source.rows.empty() ? 0 : source.rows[0].first;
    rows = rows.subspan(first * size, source.outputs * size);
  } else {
    gathered = gather(tensor, source);
    rows = gathered;
  }
  if (wanted != tensor.format || !is_aligned(rows, wanted))
    result.storage = convert({tensor.format, {}, rows}, wanted);
  else
    result.storage = std::move(gathered);
  result.plain = {wanted,
                  result.storage.empty() ? rows.data() : result.storage.data(),
                  source.outputs, source.inputs};
  result.bias = bias(source);
  return result;
}

linear_weights matrix_reader::stored(const matrix_source& source,
                                     const weight_form& form) const {
  auto packed =
      find_packed(folder_, source.name(), source.outputs, source.inputs);
  if (!packed)
    return plain(source, form.format);
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
    for_each_name(spec, change);
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
