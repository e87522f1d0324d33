// Any scripted module that gives scores to the next token.
#include "models/torch/module.hpp"

#include "models/engine/sampler.hpp"
#include "models/torch/torch_threads.hpp"
#include "models/weights/folder_entry.hpp"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>
#include <torch/script.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace model_server {

namespace {

/// The module takes token ids, int64 [1, n], and returns scores, [1, n, size of
/// the vocabulary] or without the 1, of any floating type; of a tuple the first
/// element counts. It keeps nothing between calls: every token reads the whole
/// sequence again.
class script_entry : public folder_entry {
public:
  script_entry(const script_params& params, const std::string& device)
      : folder_entry(params.tokenizer), device_(device) {
    const auto& [path, tokenizer, context] = params;
    c10::InferenceMode guard;
    try {
      module_ = torch::jit::load(path, device_);
    } catch (const c10::Error& error) {
      throw std::runtime_error(fmt::format("{}: not a TorchScript file: {}",
                                           path,
                                           error.what_without_backtrace()));
    }
    module_.eval();
    // One pass shows whether the module is of the right kind.
    try {
      vocabulary_ = scores_after(std::array<token_id, 1>{0}).size();
    } catch (const std::exception& error) {
      throw std::runtime_error(fmt::format("{}: does not read tokens: {}", path,
                                           first_line(error.what())));
    }
    if (vocabulary_ < codec_.vocabulary())
      throw std::runtime_error(
          fmt::format("{}: gives {} scores, the tokenizer has {} tokens", path,
                      vocabulary_, codec_.vocabulary()));
    set_info(read_generation_config(tokenizer), context, vocabulary_);
  }

  void step(std::span<sequence* const> batch) override {
    c10::InferenceMode guard;
    for (auto item : batch) {
      auto scores = scores_after(item->tokens);
      if (scores.size() != vocabulary_)
        throw std::runtime_error(
            fmt::format("the module gave {} scores, and {} before",
                        scores.size(), vocabulary_));
      sampler_.extend(*item, scores);
    }
  }

  void use_threads(int count) override {
    set_torch_threads(count);
  }

private:
  // The errors of libtorch go on with a stack trace.
  static std::string first_line(std::string_view text) {
    return std::string{text.substr(0, text.find('\n'))};
  }

  std::vector<float> scores_after(std::span<const token_id> tokens) {
    auto count = static_cast<std::int64_t>(tokens.size());
    auto ids = at::empty({1, count}, at::kLong);
    std::ranges::copy(tokens, ids.data_ptr<std::int64_t>());
    auto answer = module_.forward({ids.to(device_)});
    if (answer.isTuple() && !answer.toTupleRef().elements().empty())
      answer = answer.toTupleRef().elements()[0];
    if (!answer.isTensor())
      throw std::runtime_error("the module returns no tensor");
    auto scores = answer.toTensor();
    if (scores.dim() == 3 && scores.size(0) == 1)
      scores = scores.squeeze(0);
    if (scores.dim() != 2 || scores.size(0) != count || scores.size(1) < 1
        || !scores.is_floating_point())
      throw std::runtime_error(fmt::format(
          "the module returns {} numbers of type {} for {} tokens, not a row "
          "of "
          "scores for each",
          scores.numel(), c10::toString(scores.scalar_type()), count));
    auto row = scores[count - 1].to(at::kCPU, at::kFloat).contiguous();
    auto data = row.data_ptr<float>();
    return {data, data + row.numel()};
  }

  c10::Device device_;
  torch::jit::Module module_;
  std::size_t vocabulary_ = 0;
  sampler sampler_;
};

} // namespace

std::unique_ptr<model_entry> make_script_entry(const script_params& params,
                                               const std::string& device) {
  return std::make_unique<script_entry>(params, device);
}

} // namespace model_server
