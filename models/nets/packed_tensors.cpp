// Packed matrices in a model folder.
#include "models/nets/packed_tensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

namespace model_server {

namespace {

constexpr std::array<std::pair<packed_format, std::string_view>, 10> names{
    {{packed_format::int8, "int8"},
     {packed_format::int4, "int4"},
     {packed_format::bf16, "bf16"},
     {packed_format::q4_k, "q4_k"},
     {packed_format::q6_k, "q6_k"},
     {packed_format::q5_k, "q5_k"},
     {packed_format::q5_0, "q5_0"},
     {packed_format::q4_1, "q4_1"},
     {packed_format::q5_1, "q5_1"},
     {packed_format::iq4_nl, "iq4_nl"}}};

} // namespace

std::string_view to_string(packed_format format) {
  for (const auto& [known, name] : names)
    if (known == format)
      return name;
  return "unknown";
}

std::optional<packed_format> packed_format_named(std::string_view name) {
  for (const auto& [format, known] : names)
    if (known == name && can_pack(format))
      return format;
  return std::nullopt;
}

packed_format format_of_matrix(const matrix_source& matrix,
                               packed_format wanted) {
  return matrix.is_of_tokens && wanted == packed_format::int4
             ? packed_format::int8
             : wanted;
}

std::string packed_name(std::string_view matrix, packed_format format) {
  return fmt::format("{}.{}", matrix, to_string(format));
}

std::optional<packed_view> find_packed(const weight_folder& folder,
                                       std::string_view matrix,
                                       std::size_t rows, std::size_t columns) {
  for (const auto& [format, _] : names) {
    auto name = packed_name(matrix, format);
    const auto* tensor = folder.find(name);
    if (tensor == nullptr)
      continue;
    std::vector<std::uint64_t> shape{packed_blocks(rows),
                                     packed_block_bytes(format, columns)};
    if (tensor->format != number_format::u8 || tensor->shape != shape)
      throw std::runtime_error(fmt::format(
          "tensor `{}` is {} [{}], a packed matrix of [{}, {}] is U8 [{}]",
          name, model_server::to_string(tensor->format),
          fmt::join(tensor->shape, ", "), rows, columns,
          fmt::join(shape, ", ")));
    const auto* data = tensor->bytes.data();
    if (reinterpret_cast<std::uintptr_t>(data) % packed_alignment != 0)
      throw std::runtime_error(fmt::format(
          "tensor `{}` does not begin at a multiple of {} bytes of its file",
          name, packed_alignment));
    return packed_view{format, data, rows, columns};
  }
  return std::nullopt;
}

bool has_matrix(const weight_folder& folder, std::string_view matrix) {
  if (folder.find(matrix) != nullptr)
    return true;
  for (const auto& [format, _] : names)
    if (folder.find(packed_name(matrix, format)) != nullptr)
      return true;
  return false;
}

} // namespace model_server
