// A chat model from a Hugging Face folder: tokenizer, template, network.
#include "config/quote.hpp"
#include "models/devices.hpp"
#include "models/free_memory.hpp"
#include "models/model_catalog.hpp"
#include "models/nets/batch_engine.hpp"
#include "models/nets/decoder.hpp"
#include "models/nets/gguf_decoder.hpp"
#include "models/nets/packed_tensors.hpp"
#include "models/text/json_document.hpp"
#include "models/weights/folder_entry.hpp"
#include "models/weights/model_digest.hpp"
#include "models/weights/weight_folder.hpp"

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

// And at most what this many sequences of the full context would take.
constexpr std::size_t most_contexts = 64;

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

weight_form form_of(const std::string& dtype, const std::string& quantize) {
  weight_form result{format_of(dtype), packed_of(quantize)};
  if (result.format && result.packed)
    throw config_error(
        fmt::format("parameters \"dtype\" {} and \"quantize\" {} "
                    "exclude each other",
                    quote(dtype), quote(quantize)));
  return result;
}

number_format cache_of(const std::string& kv_cache) {
  if (kv_cache == "fp16")
    return number_format::f16;
  if (kv_cache == "fp32")
    return number_format::f32;
  if (kv_cache == "int8")
    return number_format::i8;
  throw config_error(fmt::format("parameter \"kv_cache\" is {}, but fp16, fp32 "
                                 "or int8 is needed",
                                 quote(kv_cache)));
}

/// What config.json says of a model.
struct causal_lm_params {
  std::filesystem::path folder;
  std::filesystem::path chat_template; // empty: the model's own
  weight_form form;
  std::size_t context; // 0 leaves it to the model
  std::size_t memory;  // 0 leaves it to what is free
  bool speculates;
  number_format cache;
};

// How weights, keys and values are kept, in a few words, and the template if it
// is not the model's own.
std::string name_of(const causal_lm_params& params) {
  const auto& form = params.form;
  // The same weights with another template are another model.
  auto source = params.chat_template.empty()
                    ? std::string{}
                    : read_text_file(params.chat_template, 16 << 20);
  auto weights = form.packed   ? to_string(*form.packed)
                 : form.format ? to_string(*form.format)
                               : "stored";
  return fmt::format("{} weights, {}packed, {} cache{}", weights,
                     form.packed ? "" : "not ", to_string(params.cache),
                     source);
}

bool speculates(const std::string& speculation) {
  if (speculation != "auto" && speculation != "off")
    throw config_error(fmt::format("parameter \"speculation\" is {}, but auto "
                                   "or off is needed",
                                   quote(speculation)));
  return speculation == "auto";
}

// A model folder, or a .gguf file.
std::filesystem::path read_path(const named_params& params) {
  auto is_file = params.string_or("path", "").ends_with(".gguf");
  return is_file ? params.require_file("path") : params.require_folder("path");
}

causal_lm_params read_params(const entry_params& given) {
  auto params =
      given.bind({"path", "dtype", "context_length", "kv_cache_memory",
                  "speculation", "quantize", "kv_cache", "chat_template"});
  return {read_path(params),
          params.string_or("chat_template", "").empty()
              ? std::filesystem::path{}
              : std::filesystem::path{params.require_file("chat_template")},
          form_of(params.string_or("dtype", "auto"),
                  params.string_or("quantize", "none")),
          static_cast<std::size_t>(params.integer_or("context_length", 0, 1)),
          params.bytes_or("kv_cache_memory", 0),
          speculates(params.string_or("speculation", "auto")),
          cache_of(params.string_or("kv_cache", "fp16"))};
}

// How long sequences may be at most. Where positions are scaled by how long
// they are, it is the original context unless more is asked for.
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

std::unique_ptr<causal_net> load_net(decoder_spec spec,
                                     std::shared_ptr<const weight_folder> files,
                                     const std::string& device,
                                     const causal_lm_params& params,
                                     const load_watch& watch) {
  const auto& form = params.form;
  auto place = torch_device_name(device);
  if (place == "cpu")
    return load_decoder_cpu(std::move(spec), std::move(files), form,
                            best_kernels(), watch, params.cache);
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

std::size_t blocks_of(std::size_t tokens) {
  return (tokens + kv_block_tokens - 1) / kv_block_tokens;
}

// How many blocks the keys and values get; `memory` is 0 for no setting.
std::size_t choose_blocks(const causal_net& net, std::size_t context,
                          std::size_t memory) {
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

class causal_lm : public folder_entry {
public:
  causal_lm(const causal_lm_params& params, const std::string& device,
            const load_watch& watch)
      : folder_entry(params.folder, params.chat_template) {
    auto files = std::make_shared<weight_folder>(params.folder);
    auto spec = read_decoder_spec(*files);
    if (codec_.vocabulary() > spec.vocabulary)
      throw std::runtime_error(fmt::format(
          "{}: the tokenizer has {} tokens, the network only {}",
          params.folder.string(), codec_.vocabulary(), spec.vocabulary));
    spec.longest = choose_context(spec, params.context);
    set_info(read_generation_config(params.folder), spec.longest,
             spec.vocabulary, spec.end_tokens);
    info_.identity = model_digest(params.folder, *files, name_of(params));
    auto net =
        load_net(std::move(spec), std::move(files), device, params, watch);
    info_.is_exact = net->is_exact();
    auto blocks = choose_blocks(*net, info_.context_length, params.memory);
    // One sequence alone always fits.
    info_.context_length =
        std::min(info_.context_length, blocks * kv_block_tokens);
    engine_ = std::make_unique<batch_engine>(
        std::move(net), engine_options{.blocks = blocks,
                                       .context_length = info_.context_length,
                                       .speculates = params.speculates});
  }

  void step(std::span<sequence* const> batch) override {
    engine_->step(batch);
  }

  void release(sequence_id id) override {
    engine_->release(id);
  }

  void use_threads(int count) override {
    engine_->use_threads(count);
  }

private:
  std::unique_ptr<batch_engine> engine_;
};

} // namespace

std::unique_ptr<model_entry> make_causal_lm(const entry_spec& spec) {
  return std::make_unique<causal_lm>(read_params(spec.params), spec.device,
                                     spec.watch);
}

void check_causal_lm(const entry_params& params) {
  read_params(params);
}

} // namespace model_server
