// A chat model from a Hugging Face folder: tokenizer, template, network.
#include "config/quote.hpp"
#include "models/entries/net_loading.hpp"
#include "models/memory_usage.hpp"
#include "models/model_catalog.hpp"
#include "models/nets/batch_engine.hpp"
#include "models/nets/gguf_decoder.hpp"
#include "models/text/json_document.hpp"
#include "models/weights/folder_entry.hpp"
#include "models/weights/model_digest.hpp"
#include "models/weights/weight_folder.hpp"
#include "models/weights/weight_size.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

// Keys and values take at most what this many sequences of the full context
// would.
constexpr std::size_t most_contexts = 64;

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
// is not the model's own: with another one they are another model.
std::string name_of(const causal_lm_params& params) {
  auto source = params.chat_template.empty()
                    ? std::string{}
                    : read_text_file(params.chat_template, 16 << 20);
  return fmt::format("{}, {} cache{}", name_of(params.form),
                     to_string(params.cache), source);
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

std::filesystem::path read_template(const named_params& params) {
  if (params.string_or("chat_template", "").empty())
    return {};
  return params.require_file("chat_template");
}

causal_lm_params read_params(const entry_params& given) {
  auto params =
      given.bind({"path", "dtype", "context_length", "kv_cache_memory",
                  "speculation", "quantize", "kv_cache", "chat_template"});
  return {read_path(params),
          read_template(params),
          read_weight_form(params),
          static_cast<std::size_t>(params.integer_or("context_length", 0, 1)),
          params.bytes_or("kv_cache_memory", 0),
          speculates(params.string_or("speculation", "auto")),
          cache_of(params.string_or("kv_cache", "fp16"))};
}

class causal_lm : public folder_entry, public memory_user {
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
    auto net = load_decoder(std::move(spec), std::move(files), device,
                            params.form, params.cache, watch);
    info_.is_exact = net->is_exact();
    net_memory_ = dynamic_cast<const memory_user*>(net.get());
    blocks_ =
        choose_blocks(*net, info_.context_length, params.memory, most_contexts);
    info_.cache_tokens = blocks_ * kv_block_tokens;
    // One sequence alone always fits.
    info_.context_length = std::min(info_.context_length, info_.cache_tokens);
    engine_ = std::make_unique<batch_engine>(
        std::move(net), engine_options{.blocks = blocks_,
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

  memory_usage usage() const override {
    return {blocks_, engine_->planner().cache().used(),
            net_memory_ ? net_memory_->usage().device_bytes : 0};
  }

private:
  std::size_t blocks_ = 0;
  std::unique_ptr<batch_engine> engine_;
  // The engine's network, if it can tell.
  const memory_user* net_memory_ = nullptr;
};

} // namespace

std::unique_ptr<model_entry> make_causal_lm(const entry_spec& spec) {
  return std::make_unique<causal_lm>(read_params(spec.params), spec.device,
                                     spec.watch);
}

void check_causal_lm(const entry_params& params) {
  read_params(params);
}

std::uint64_t estimate_causal_lm(const entry_params& params) {
  auto read = read_params(params);
  return weight_bytes(read.folder) + read.memory;
}

} // namespace model_server
