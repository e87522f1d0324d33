// Chooses weight formats, context and memory, and loads networks.
#include "models/entries/net_loading.hpp"

#include "config/quote.hpp"
#include "models/devices.hpp"
#include "models/free_memory.hpp"
#include "models/kernels/attention.hpp"
#include "models/nets/decoder.hpp"
#include "models/nets/packed_tensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

// Without a setting, keys and values take at most this part of the memory that
// is free. Other models may come, and mapped weights need a place too.
constexpr std::size_t part_of_free_memory = 4;

// A network that keeps its tensors elsewhere is not bounded here unless the
// user does.
constexpr std::size_t any_number_of_contexts = 1024;

// Nothing leaves each tensor in the format it is stored in.
std::optional<number_format> format_of(const std::string& dtype) {
  if (dtype == "auto")
    return std::nullopt;
  if (dtype == "bf16")
    return number_format::bf16;
  if (dtype == "fp16")
    return number_format::f16;
  if (dtype == "fp32")
    return number_format::f32;
  throw config_error(fmt::format("parameter \"dtype\" is {}, but auto, bf16, "
                                 "fp16 or fp32 is needed",
                                 quote(dtype)));
}

std::optional<packed_format> packed_of(const std::string& quantize) {
  if (quantize == "none")
    return std::nullopt;
  if (auto format = packed_format_named(quantize))
    return format;
  throw config_error(
      fmt::format("parameter \"quantize\" is {}, but none, int8, "
                  "int4 or bf16 is needed",
                  quote(quantize)));
}

std::size_t blocks_of(std::size_t tokens) {
  return (tokens + kv_block_tokens - 1) / kv_block_tokens;
}

} // namespace

weight_form read_weight_form(const named_params& params) {
  auto dtype = params.string_or("dtype", "auto");
  auto quantize = params.string_or("quantize", "none");
  weight_form result{format_of(dtype), packed_of(quantize)};
  if (result.format && result.packed)
    throw config_error(
        fmt::format("parameters \"dtype\" {} and \"quantize\" {} "
                    "exclude each other",
                    quote(dtype), quote(quantize)));
  return result;
}

std::string name_of(const weight_form& form) {
  auto weights = form.packed   ? to_string(*form.packed)
                 : form.format ? to_string(*form.format)
                               : "stored";
  return fmt::format("{} weights, {}packed", weights,
                     form.packed ? "" : "not ");
}

std::size_t choose_context(const decoder_spec& spec, std::size_t wanted) {
  auto usual = spec.context;
  auto most = spec.context;
  for (auto& rope : spec.ropes) {
    auto original = static_cast<std::size_t>(rope.original_context);
    if (rope.scaling == rope_spec::kind::longrope
        && rope.short_factors != rope.long_factors)
      usual = std::min(usual, original);
    if (rope.scaling == rope_spec::kind::dynamic)
      most = static_cast<std::size_t>(static_cast<double>(spec.context)
                                      * rope.factor);
  }
  return wanted == 0 ? usual : std::min(wanted, most);
}

std::unique_ptr<causal_net>
load_decoder(decoder_spec spec, std::shared_ptr<const weight_folder> files,
             const std::string& device, const weight_form& form,
             number_format cache, const load_watch& watch) {
  auto place = torch_device_name(device);
  if (place == "cpu")
    return load_decoder_cpu(std::move(spec), std::move(files), form,
                            best_kernels(), watch, cache);
  if (form.packed)
    throw std::runtime_error(
        fmt::format("`quantize` is for the CPU, and this is {}", place));
  auto format = form.format;
  if (!format) {
    const auto* norm = files->find(spec.norm.weight);
    format = norm != nullptr ? norm->format
                             : spec.format.value_or(number_format::f32);
  }
  return load_decoder_torch(std::move(spec), std::move(files), place, *format,
                            watch);
}

std::size_t choose_blocks(const causal_net& net, std::size_t context,
                          std::size_t memory, std::size_t most_contexts) {
  auto bytes = net.bytes_of_block();
  if (memory != 0 && memory < bytes)
    throw std::runtime_error(
        fmt::format("`kv_cache_memory` is {} bytes, the smallest block of keys "
                    "and values, for {} tokens, takes {}",
                    memory, kv_block_tokens, bytes));
  if (memory != 0)
    return memory / bytes;
  if (!net.shares_blocks())
    return any_number_of_contexts * blocks_of(context);
  auto most = most_contexts * blocks_of(context);
  auto free = free_memory().value_or(most * bytes * part_of_free_memory);
  return std::clamp<std::size_t>(free / part_of_free_memory / bytes, 1, most);
}

} // namespace model_server
