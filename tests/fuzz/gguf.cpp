// A .gguf file: its values and tensors, and what is made of them.
#include "tests/fuzz/harness.hpp"

#include "models/nets/gguf_decoder.hpp"
#include "models/nets/matrix_reader.hpp"
#include "models/weights/convert.hpp"
#include "models/weights/dequantise.hpp"
#include "models/weights/gguf_config.hpp"
#include "models/weights/gguf_file.hpp"
#include "models/weights/gguf_tokenizer.hpp"
#include "models/weights/gguf_vocabulary.hpp"

#include <string>

namespace model_server::testing {

namespace {

void read_values(const gguf_metadata& metadata) {
  for (auto& [key, value] : metadata.pairs()) {
    touch(value.bytes);
    for (gguf_elements each{value}; !each.done();)
      if (value.type == gguf_type::string)
        touch(std::as_bytes(std::span{each.next_string()}));
      else
        each.next_number();
  }
}

void read_tensors(const gguf_file& opened) {
  for (auto& [name, tensor] : opened.tensors()) {
    touch(tensor.bytes);
    if (can_dequantise(tensor.format))
      to_floats(tensor);
  }
}

void read_text(const gguf_metadata& metadata, std::string_view file) {
  may_refuse([&] { use_tokenizer(read_gguf_tokenizer(metadata), file); });
  may_refuse([&] { gguf_special_tokens(metadata); });
  may_refuse([&] { gguf_end_tokens(metadata); });
  may_refuse([&] {
    if (auto source = gguf_chat_template(metadata))
      use_template(*source);
  });
}

// As a network is loaded: every matrix and every table that it names, until too
// many are not there.
void read_network(const gguf_file& opened, std::string_view file) {
  may_refuse([&] { gguf_config(opened); });
  may_refuse([&] {
    auto spec = read_gguf_decoder(opened);
    weight_folder folder{write_scratch("model.gguf", file)};
    matrix_reader reader{folder, spec.norm_offset};
    int may_be_missing = 16;
    for_each_tensor(
        spec,
        [&](matrix_source& matrix) {
          if (may_be_missing < 0)
            return;
          may_be_missing -= !may_refuse([&] {
            reader.raw(matrix);
            auto plain = reader.plain(matrix, number_format::f32);
            touch(std::as_bytes(
                std::span{static_cast<const float*>(plain.plain.data),
                          plain.plain.rows * plain.plain.columns}));
            reader.stored(matrix, {});
          });
        },
        [&](std::string& name) {
          if (auto tensor = folder.find(name))
            may_refuse([&] { reader.floats(name, tensor->shape); });
        });
  });
}

} // namespace

void try_gguf(std::string_view file) {
  may_refuse([&] {
    gguf_file opened{std::as_bytes(std::span{file}), "a.gguf"};
    read_values(opened.metadata());
    read_tensors(opened);
    read_text(opened.metadata(), file);
    read_network(opened, file);
  });
}

} // namespace model_server::testing
