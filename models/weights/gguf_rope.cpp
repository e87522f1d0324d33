// What GGUF files say of rope, in the words of config.json.
#include "models/weights/gguf_config_writer.hpp"

#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

namespace model_server {

namespace {

// What transformers' `llama3` parameters make of the frequencies: by how much
// they are divided.
float llama3_factor(double frequency, double factor, double low, double high,
                    double context) {
  auto length = 2 * std::numbers::pi / frequency;
  if (length < context / high)
    return 1;
  if (length > context / low)
    return static_cast<float>(factor);
  auto smooth = (context / length - low) / (high - low);
  return static_cast<float>(1 / ((1 - smooth) / factor + smooth));
}

// The context from which these factors follow, with the bounds that all
// published models have.
std::optional<std::int64_t> llama3_context(const std::vector<float>& factors,
                                           double theta) {
  auto dimensions = static_cast<double>(2 * factors.size());
  auto fits = [&](double context) {
    for (std::size_t i = 0; i < factors.size(); ++i) {
      auto frequency =
          std::pow(theta, -2.0 * static_cast<double>(i) / dimensions);
      auto expected = llama3_factor(
          frequency, static_cast<double>(factors.back()), 1, 4, context);
      if (std::abs(expected - factors[i]) > 1e-3f * expected)
        return false;
    }
    return true;
  };
  for (std::int64_t context = 1024; context <= 1 << 20; context *= 2)
    if (fits(static_cast<double>(context)))
      return context;
  return std::nullopt;
}

class rope_writer {
public:
  rope_writer(gguf_config_writer& to, std::int64_t head)
      : to_(to),
        scaling_(rapidjson::kObjectType),
        theta_(to.number("rope.freq_base", 1, 1e15).value_or(10000.0)),
        dimensions_(to.integer("rope.dimension_count", 2, head).value_or(head)),
        head_(head) {
  }

  void write() {
    to_.set("rope_theta", theta_);
    if (dimensions_ != head_)
      to_.set(to_.traits().architecture == "gptneox" ? "rotary_pct"
                                                     : "partial_rotary_factor",
              static_cast<double>(dimensions_) / static_cast<double>(head_));
    auto type = to_.file().metadata().text(to_.key("rope.scaling.type"));
    auto count = static_cast<std::size_t>(dimensions_) / 2;
    auto shared = to_.factors("rope_freqs.weight", count);
    auto longer = to_.factors("rope_factors_long.weight", count);
    auto shorter = to_.factors("rope_factors_short.weight", count);
    if (!longer.empty() && !shorter.empty())
      write_longrope(longer, shorter);
    else if (!shared.empty())
      write_shared(shared);
    else if (type == "linear")
      write_linear();
    else if (type == "yarn")
      write_yarn();
    else if (type && *type != "none")
      to_.file().metadata().refuse(to_.key("rope.scaling.type"),
                                   "only none, linear, yarn and longrope with "
                                   "its tensors are built in");
    if (!scaling_.ObjectEmpty())
      to_.set("rope_scaling", std::move(scaling_));
  }

private:
  template <class Value>
  void add(const char* name, Value value) {
    scaling_.AddMember(rapidjson::StringRef(name), std::move(value),
                       to_.memory());
  }

  void add_number(const char* from, const char* name) {
    if (auto value = to_.number(from))
      add(name, *value);
  }

  void add_type(const char* type) {
    add("rope_type", rapidjson::StringRef(type));
    add("type", rapidjson::StringRef(type)); // as transformers 4 has it
  }

  void add_factor() {
    if (auto factor = to_.number("rope.scaling.factor", 1, 1e6))
      add("factor", *factor);
    else
      to_.file().metadata().refuse(to_.key("rope.scaling.factor"),
                                   "but the scaling of rope needs it");
  }

  void add_context() {
    if (auto context = to_.integer("rope.scaling.original_context_length", 1,
                                   gguf_config_writer::max_context))
      add("original_max_position_embeddings", *context);
  }

  void write_linear() {
    add_type("linear");
    add_factor();
  }

  void write_yarn() {
    add_type("yarn");
    add_factor();
    add_context();
    add_number("rope.scaling.yarn_attn_factor", "attention_factor");
    add_number("rope.scaling.yarn_beta_fast", "beta_fast");
    add_number("rope.scaling.yarn_beta_slow", "beta_slow");
    add_number("attention.temperature_scale", "llama_4_scaling_beta");
    auto truncates =
        to_.file().metadata().boolean(to_.key("rope.scaling.yarn_truncate"));
    if (truncates)
      add("truncate", *truncates);
    if (auto tenth = to_.number("rope.scaling.yarn_log_multiplier")) {
      add("mscale", *tenth * 10);
      add("mscale_all_dim", *tenth * 10);
    }
  }

  void write_longrope(const std::vector<float>& longer,
                      const std::vector<float>& shorter) {
    add_type("longrope");
    add("long_factor", to_.list(longer));
    add("short_factor", to_.list(shorter));
    add_context();
    add_number("rope.scaling.attn_factor", "attention_factor");
    if (auto context = to_.integer("rope.scaling.original_context_length", 1,
                                   gguf_config_writer::max_context))
      to_.set("original_max_position_embeddings", *context);
  }

  void write_shared(const std::vector<float>& factors) {
    if (auto context = llama3_context(factors, theta_)) {
      add_type("llama3");
      add("factor", static_cast<double>(factors.back()));
      add("low_freq_factor", 1.0);
      add("high_freq_factor", 4.0);
      add("original_max_position_embeddings", *context);
      return;
    }
    add_type("longrope");
    add("long_factor", to_.list(factors));
    add("short_factor", to_.list(factors));
    add("attention_factor", 1.0);
  }

  gguf_config_writer& to_;
  rapidjson::Value scaling_;
  double theta_;
  std::int64_t dimensions_;
  std::int64_t head_;
};

} // namespace

void write_gguf_rope(gguf_config_writer& to, std::int64_t head) {
  rope_writer{to, head}.write();
}

} // namespace model_server
