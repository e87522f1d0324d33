// A chat model from a Hugging Face folder: tokenizer, template, network.
#include "models/entries/chat_codec.hpp"

#include "config/quote.hpp"
#include "models/devices.hpp"
#include "models/engine/sampler.hpp"
#include "models/model_catalog.hpp"
#include "models/nets/llama.hpp"
#include "models/weights/generation_config.hpp"
#include "models/weights/llama_config.hpp"
#include "models/weights/weight_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <unordered_map>

namespace model_server {

namespace {

// How many tokens of prompts one step reads, all prompts together: the replies
// in progress wait that long for their next token.
constexpr std::size_t prompt_tokens_per_step = 256;

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

struct causal_lm_params {
  std::filesystem::path folder;
  std::optional<number_format> format;
  /// 0 leaves it to the model.
  std::size_t context;
};

causal_lm_params read_params(const entry_params& given) {
  auto params = given.bind({"path", "dtype", "context_length"});
  return {params.require_folder("path"),
          format_of(params.string_or("dtype", "auto")),
          static_cast<std::size_t>(params.integer_or("context_length", 0, 1))};
}

std::unique_ptr<causal_net> load_net(const llama_config& config,
                                     std::shared_ptr<const weight_folder> files,
                                     const std::string& device,
                                     std::optional<number_format> format) {
  auto place = torch_device_name(device);
  if (place == "cpu")
    return load_llama_cpu(config, std::move(files), format);
  if (!format)
    format = files->find("model.norm.weight") != nullptr
                 ? files->find("model.norm.weight")->format
                 : config.format.value_or(number_format::f32);
  return load_llama_torch(config, std::move(files), place, *format);
}

class causal_lm : public model_entry {
public:
  causal_lm(const causal_lm_params& params, const std::string& device)
      : codec_(params.folder) {
    const auto& [folder, format, context] = params;
    auto config = read_llama_config(folder);
    auto generation = read_generation_config(folder);
    if (codec_.vocabulary() > config.vocabulary)
      throw std::runtime_error(
          fmt::format("{}: tokenizer.json has {} tokens, the network only {}",
                      folder.string(), codec_.vocabulary(), config.vocabulary));
    net_ = load_net(config, std::make_shared<weight_folder>(folder), device,
                    format);
    info_.context_length =
        context == 0 ? config.context : std::min(context, config.context);
    info_.defaults = generation.defaults;
    info_.default_max_tokens = generation.default_max_tokens;
    info_.vocabulary = config.vocabulary;
    info_.end_tokens = !generation.end_tokens.empty() ? generation.end_tokens
                                                      : config.end_tokens;
    if (info_.end_tokens.empty() && codec_.end_token())
      info_.end_tokens.push_back(*codec_.end_token());
  }

  model_info info() const override {
    return info_;
  }

  std::vector<token_id> encode(const chat& conversation) const override {
    return codec_.encode(conversation);
  }

  std::string decode(token_id token, bool at_start) const override {
    return codec_.decode(token, at_start);
  }

  void step(std::span<sequence* const> batch) override {
    inputs_.clear();
    drawing_.clear();
    scores_.resize(batch.size() * net_->vocabulary());
    auto budget = prompt_tokens_per_step;
    for (auto item : batch) {
      auto& cache = cache_of(*item);
      auto ahead =
          std::span<const token_id>{item->tokens}.subspan(cache.size());
      if (ahead.size() > 1) {
        auto count = std::min(ahead.size(), budget);
        budget -= count;
        ahead = ahead.first(count);
      }
      if (ahead.empty())
        continue;
      auto is_read = cache.size() + ahead.size() == item->tokens.size();
      if (is_read)
        drawing_.push_back(item);
      inputs_.push_back({&cache, ahead, is_read});
    }
    net_->forward(inputs_, scores_.data());
    for (std::size_t i = 0; i < drawing_.size(); ++i)
      sampler_.extend(*drawing_[i], {scores_.data() + i * net_->vocabulary(),
                                     net_->vocabulary()});
  }

  void release(sequence_id id) override {
    caches_.erase(id);
  }

  void use_threads(int count) override {
    net_->use_threads(count);
  }

private:
  // The cache of a sequence, which always lacks at least its last token.
  kv_cache& cache_of(const sequence& item) {
    auto& cache = caches_[item.id];
    if (cache == nullptr || cache->size() >= item.tokens.size())
      cache = net_->make_cache();
    return *cache;
  }

  chat_codec codec_;
  std::unique_ptr<causal_net> net_;
  model_info info_;
  sampler sampler_;
  std::unordered_map<sequence_id, std::unique_ptr<kv_cache>> caches_;
  // Of the step in progress; kept for their memory.
  std::vector<net_input> inputs_;
  std::vector<sequence*> drawing_;
  std::vector<float> scores_;
};

} // namespace

std::unique_ptr<model_entry> make_causal_lm(const entry_spec& spec) {
  return std::make_unique<causal_lm>(read_params(spec.params), spec.device);
}

void check_causal_lm(const entry_params& params) {
  read_params(params);
}

} // namespace model_server
