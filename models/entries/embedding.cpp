// Embeddings of texts, from a Hugging Face folder: an encoder, or a decoder
// whose states are read.
#include "config/quote.hpp"
#include "models/devices.hpp"
#include "models/entries/net_loading.hpp"
#include "models/kernels/attention.hpp"
#include "models/model_catalog.hpp"
#include "models/nets/embedder.hpp"
#include "models/nets/families/families.hpp"
#include "models/text/tokenizer.hpp"
#include "models/text/unicode_pattern.hpp"
#include "models/weights/embedding_config.hpp"
#include "models/weights/json_file.hpp"
#include "models/weights/model_digest.hpp"
#include "models/weights/weight_folder.hpp"
#include "models/weights/weight_size.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace model_server {

namespace {

namespace fs = std::filesystem;

// Keys and values of a decoder live for a few steps only; two texts of the full
// context may be under way.
constexpr std::size_t most_contexts = 2;

/// What config.json says of a model.
struct embedding_params {
  fs::path folder;
  weight_form form;
  std::size_t context;        // 0 leaves it to the model
  std::optional<pooling> how; // nothing leaves it to the model
  bool is_normalized;
};

std::optional<pooling> pooling_of(const std::string& name) {
  if (name == "auto")
    return std::nullopt;
  if (auto result = pooling_named(name))
    return result;
  throw config_error(fmt::format("parameter \"pooling\" is {}, but auto, mean, "
                                 "cls or last is needed",
                                 quote(name)));
}

embedding_params read_params(const entry_params& given) {
  auto params = given.bind(
      {"path", "dtype", "context_length", "pooling", "normalize", "quantize"});
  return {params.require_folder("path"), read_weight_form(params),
          static_cast<std::size_t>(params.integer_or("context_length", 0, 1)),
          pooling_of(params.string_or("pooling", "auto")),
          params.bool_or("normalize", true)};
}

// A folder saved without its head names the bare network, which is the same.
void name_with_head(rapidjson::Document& config) {
  auto found = config.FindMember("architectures");
  if (found == config.MemberEnd() || !found->value.IsArray()
      || found->value.Size() != 1 || !found->value[0].IsString())
    return;
  std::string name = found->value[0].GetString();
  constexpr std::string_view bare = "Model";
  if (!name.ends_with(bare))
    return;
  name.replace(name.size() - bare.size(), bare.size(), "ForCausalLM");
  found->value[0].SetString(name.c_str(), config.GetAllocator());
}

// Networks that look like decoders and let their tokens see all of a text.
void refuse_two_ways(const rapidjson::Document& config,
                     const std::string& where) {
  config_fields fields{config, where};
  if (!fields.boolean("is_causal").value_or(true))
    fields.refuse("is_causal", "only true is built in");
  if (fields.boolean("use_bidirectional_attention").value_or(false))
    fields.refuse("use_bidirectional_attention", "only false is built in");
}

decoder_spec read_decoder(rapidjson::Document& config,
                          const std::string& where) {
  refuse_two_ways(config, where);
  name_with_head(config);
  try {
    auto result = read_decoder_spec(config, where);
    result.scores = {}; // nobody asks for any
    result.other_prefixes.emplace_back(); // of a bare network
    return result;
  } catch (const std::runtime_error& problem) {
    throw std::runtime_error(
        fmt::format("{}; of encoders the model types {} are built in",
                    problem.what(), fmt::join(encoder_families(), ", ")));
  }
}

class embedding : public model_entry {
public:
  embedding(const embedding_params& params, const std::string& device,
            const load_watch& watch)
      : tokenizer_(tokenizer::from_folder(params.folder)) {
    auto said = read_embedding_config(params.folder);
    auto files = std::make_shared<weight_folder>(params.folder);
    auto path = params.folder / "config.json";
    auto config = read_json_file(path);
    auto spec = read_encoder_spec(config, path.string());
    auto usual = said.how.value_or(spec ? pooling::mean : pooling::last);
    embedding_form form{params.how.value_or(usual), params.is_normalized};
    if (spec)
      load_encoder(std::move(*spec), files, form, said, params, device, watch);
    else
      load_decoder(read_decoder(config, path.string()), files, form, said,
                   params, device, watch);
    if (tokenizer_.vocab_size() > info_.vocabulary)
      throw std::runtime_error(fmt::format(
          "{}: the tokenizer has {} tokens, the network only {}",
          params.folder.string(), tokenizer_.vocab_size(), info_.vocabulary));
    info_.embedding_width = embedder_->width();
    info_.is_exact = embedder_->is_exact();
    info_.identity = model_digest(
        params.folder, *files,
        fmt::format("{}, {} pooling, {}normalized", name_of(params.form),
                    to_string(form.how), form.is_normalized ? "" : "not "));
  }

  model_info info() const override {
    return info_;
  }

  std::vector<token_id> encode(const chat&) const override {
    throw bad_chat("this model takes texts and tokens, no chats");
  }

  std::vector<token_id> encode_text(std::string_view text) const override {
    std::vector<token_id> result;
    try {
      result = tokenizer_.encode(text, false, {.add_special = true});
    } catch (const pattern_gave_up& problem) {
      throw bad_chat(fmt::format(
          "the model's tokenizer cannot cut the text into words: {}",
          problem.what()));
    }
    if (result.empty())
      throw bad_chat("the text comes to no tokens at all");
    return result;
  }

  std::string decode(token_id token, bool at_start) const override {
    return std::string{tokenizer_.piece(token, at_start)};
  }

  void step(std::span<sequence* const> batch) override {
    embedder_->step(batch);
  }

  void release(sequence_id id) override {
    embedder_->release(id);
  }

  void use_threads(int count) override {
    embedder_->use_threads(count);
  }

private:
  using files_pointer = std::shared_ptr<const weight_folder>;

  // What is asked for; else what the model was trained for; never more than
  // `most`.
  static std::size_t context_of(std::size_t most, const embedding_config& said,
                                const embedding_params& params) {
    auto wanted =
        params.context != 0 ? params.context : said.context.value_or(most);
    return std::min(wanted, most);
  }

  void load_encoder(encoder_spec spec, files_pointer files, embedding_form form,
                    const embedding_config& said,
                    const embedding_params& params, const std::string& device,
                    const load_watch& watch) {
    if (auto place = torch_device_name(device); place != "cpu")
      throw std::runtime_error(
          fmt::format("encoders compute on the CPU, and this is {}", place));
    info_.context_length = context_of(spec.context, said, params);
    info_.vocabulary = spec.vocabulary;
    embedder_ = std::make_unique<encoder_embedder>(
        std::make_unique<encoder>(std::move(spec), std::move(files),
                                  params.form, best_kernels(), watch),
        form);
  }

  void load_decoder(decoder_spec spec, files_pointer files, embedding_form form,
                    const embedding_config& said,
                    const embedding_params& params, const std::string& device,
                    const load_watch& watch) {
    spec.longest =
        context_of(choose_context(spec, params.context), said, params);
    info_.context_length = spec.longest;
    info_.vocabulary = spec.vocabulary;
    auto net =
        model_server::load_decoder(std::move(spec), std::move(files), device,
                                   params.form, number_format::f32, watch);
    auto blocks = choose_blocks(*net, info_.context_length, 0, most_contexts);
    // One text alone always fits.
    info_.context_length =
        std::min(info_.context_length, blocks * kv_block_tokens);
    embedder_ =
        std::make_unique<decoder_embedder>(std::move(net), form, blocks);
  }

  tokenizer tokenizer_;
  model_info info_;
  std::unique_ptr<embedder> embedder_;
};

} // namespace

std::unique_ptr<model_entry> make_embedding(const entry_spec& spec) {
  return std::make_unique<embedding>(read_params(spec.params), spec.device,
                                     spec.watch);
}

void check_embedding(const entry_params& params) {
  read_params(params);
}

std::uint64_t estimate_embedding(const entry_params& params) {
  return weight_bytes(read_params(params).folder);
}

} // namespace model_server
