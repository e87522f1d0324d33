// Weight files of Hugging Face folders.
#include "tests/fuzz/harness.hpp"

#include "models/weights/convert.hpp"
#include "models/weights/dequantise.hpp"
#include "models/weights/safetensors.hpp"
#include "models/weights/weight_folder.hpp"

#include <cstdint>
#include <string>

namespace model_server::testing {

namespace {

// A file with one tensor `name` of one number.
std::string one_number(std::string_view name) {
  std::string header = "{\"";
  header += name;
  header += R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string result(8, '\0');
  result[0] = static_cast<char>(header.size());
  return result + header + "\1\2\3\4";
}

} // namespace

void try_safetensors(std::string_view file) {
  auto path = write_scratch("safetensors/model.safetensors", file);
  may_refuse([&] {
    safetensors_file opened{path};
    std::uint64_t bytes = 0;
    for (auto& [name, tensor] : opened.tensors()) {
      touch(tensor.bytes);
      bytes += tensor.bytes.size();
      require(tensor.bytes.size()
                  == count_numbers(tensor) * size_of(tensor.format),
              "a tensor has as many bytes as its numbers take");
      if (can_dequantise(tensor.format))
        to_floats(tensor);
    }
    require(bytes <= file.size(), "no byte belongs to two tensors");
  });
}

void try_weight_index(std::string_view file) {
  static const auto folder = [] {
    write_scratch("index/a.safetensors", one_number("x"));
    return write_scratch("index/b.safetensors", one_number("y")).parent_path();
  }();
  write_scratch("index/model.safetensors.index.json", file);
  may_refuse([&] {
    weight_folder opened{folder};
    for (auto& [name, tensor] : opened.tensors())
      touch(tensor->bytes);
  });
}

} // namespace model_server::testing
