// Tells model folders apart.
#include "models/weights/model_digest.hpp"

#include "models/text/tokenizer_folder.hpp"
#include "models/weights/mapped_file.hpp"

#include <algorithm>
#include <cstddef>
#include <span>

namespace model_server {

namespace {

constexpr std::size_t sample_bytes = 64;

constexpr const char* prompt_files[] = {"config.json", "chat_template.jinja",
                                        "generation_config.json"};

class fnv {
public:
  void add(std::span<const std::byte> bytes) {
    for (auto byte : bytes)
      value_ = (value_ ^ std::to_integer<std::uint64_t>(byte)) * prime;
  }

  // With its length, so that two texts are not one.
  void add(std::string_view text) {
    add(text.size());
    add(std::as_bytes(std::span{text}));
  }

  void add(std::uint64_t number) {
    add(std::as_bytes(std::span{&number, 1}));
  }

  std::uint64_t value() const {
    return std::max<std::uint64_t>(value_, 1);
  }

private:
  static constexpr std::uint64_t prime = 0x100000001b3;
  std::uint64_t value_ = 0xcbf29ce484222325;
};

void add_tensor(fnv& digest, const std::string& name,
                const tensor_view& tensor) {
  digest.add(name);
  digest.add(to_string(tensor.format));
  for (auto extent : tensor.shape)
    digest.add(extent);
  auto size = std::min(sample_bytes, tensor.bytes.size());
  digest.add(tensor.bytes.first(size));
  digest.add(tensor.bytes.subspan((tensor.bytes.size() - size) / 2, size));
  digest.add(tensor.bytes.last(size));
}

} // namespace

std::uint64_t model_digest(const std::filesystem::path& folder,
                           const weight_folder& weights,
                           std::string_view form) {
  fnv digest;
  digest.add(form);
  for (const auto* name : prompt_files) {
    auto path = folder / name;
    if (std::filesystem::exists(path))
      digest.add(mapped_file{path}.bytes());
    digest.add(std::string_view{name});
  }
  for (const auto& path : tokenizer_files(folder)) {
    digest.add(mapped_file{path}.bytes());
    digest.add(path.filename().string());
  }
  if (const auto* file = weights.gguf())
    digest.add(
        file->metadata().text("tokenizer.chat_template").value_or(""));
  for (const auto& [name, tensor] : weights.tensors())
    add_tensor(digest, name, *tensor);
  return digest.value();
}

} // namespace model_server
