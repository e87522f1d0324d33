// Looks at the weights of models that lie in folders.
#include "http/client/local_models.hpp"

#include "http/client/byte_text.hpp"
#include "http/client/model_list.hpp"
#include "models/nets/packed_tensors.hpp"
#include "models/weights/weight_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <map>

namespace model_server {

namespace {

// What most bytes are.
std::string most_of(const weight_folder& weights, std::uint64_t& bytes) {
  std::map<std::string_view, std::uint64_t> sums;
  for (const auto& [name, tensor] : weights.tensors()) {
    auto form = to_string(tensor->format);
    if (tensor->format == number_format::u8)
      if (auto packed = packed_format_named(name.substr(name.rfind('.') + 1)))
        form = to_string(*packed);
    sums[form] += tensor->bytes.size();
    bytes += tensor->bytes.size();
  }
  auto most = std::ranges::max_element(
      sums, {}, [](const auto& each) { return each.second; });
  return most == sums.end() ? "" : std::string{most->first};
}

} // namespace

local_model look_at_model(const model_setting& model) {
  local_model result{model.name, model.entry, {}, 0};
  try {
    auto path = model.params.bind({"path"}).require_string("path");
    weight_folder weights{path};
    auto form = most_of(weights, result.bytes);
    result.form = fmt::format(
        "{} {}", weights.gguf() != nullptr ? "gguf" : "safetensors", form);
  } catch (const std::exception& problem) {
    result.form = fmt::format("cannot be read: {}", problem.what());
  }
  return result;
}

std::string local_table(const std::vector<local_model>& models) {
  std::vector<std::vector<std::string>> rows{
      {"MODEL", "ENTRY", "SIZE", "FORM"}};
  for (const auto& model : models)
    rows.push_back(
        {model.name, model.entry, show_bytes(model.bytes), model.form});
  return text_table(rows);
}

} // namespace model_server
