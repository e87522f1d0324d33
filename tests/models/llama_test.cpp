// Tests the Llama networks against scores and tokens from transformers.
#include "tests/models/llama_reference.hpp"
#include "tests/models/temporary_folder.hpp"

#include "models/nets/llama.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace model_server;
using namespace model_server::testing;
using ::testing::AllOf;
using ::testing::HasSubstr;

namespace {

std::unique_ptr<causal_net> load(const std::filesystem::path& folder) {
  auto result = load_llama_torch(read_llama_config(folder),
                                 std::make_shared<weight_folder>(folder), "cpu",
                                 number_format::f32);
  result->use_threads(1);
  return result;
}

// The scores after `tokens`, which are appended to `cache`.
std::vector<float> read_tokens(causal_net& net, kv_cache& cache,
                               std::span<const token_id> tokens) {
  std::vector<float> scores(net.vocabulary());
  net_input input{&cache, tokens, scores.data()};
  net.forward({&input, 1});
  return scores;
}

token_id best_of(const std::vector<float>& scores) {
  return static_cast<token_id>(std::ranges::max_element(scores)
                               - scores.begin());
}

// The largest difference, as a part of the largest score.
double distance(const std::vector<float>& scores,
                const std::vector<float>& reference) {
  double most = 0.0, difference = 0.0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    most = std::max(most, std::abs(double{reference[i]}));
    difference =
        std::max(difference, std::abs(double{scores[i]} - reference[i]));
  }
  return difference / most;
}

class llama_test : public ::testing::TestWithParam<const char*> {
protected:
  llama_reference reference{GetParam()};
  std::unique_ptr<causal_net> net = load(llama_folder(GetParam()));
};

INSTANTIATE_TEST_SUITE_P(models, llama_test, ::testing::ValuesIn(llama_names),
                         [](auto& of) {
                           std::string name = of.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

} // namespace

TEST_P(llama_test, scores_are_those_of_transformers) {
  auto cache = net->make_cache();
  auto scores = read_tokens(*net, *cache, reference.prompt);
  EXPECT_LT(distance(scores, reference.scores[0]), 1e-4);
  for (std::size_t i = 1; i < reference.scores.size(); ++i) {
    scores = read_tokens(*net, *cache, {&reference.greedy[i - 1], 1});
    EXPECT_LT(distance(scores, reference.scores[i]), 1e-4) << "step " << i;
  }
  EXPECT_EQ(cache->size(),
            reference.prompt.size() + reference.scores.size() - 1);
}

TEST_P(llama_test, greedy_replies_are_those_of_transformers) {
  auto cache = net->make_cache();
  std::vector<token_id> reply;
  reply.push_back(best_of(read_tokens(*net, *cache, reference.prompt)));
  while (reply.size() < reference.greedy.size())
    reply.push_back(best_of(read_tokens(*net, *cache, {&reply.back(), 1})));
  EXPECT_EQ(reply, reference.greedy);
}

TEST_P(llama_test, a_prompt_may_come_in_pieces) {
  for (std::size_t piece : {1u, 2u, 7u, 20u}) {
    auto cache = net->make_cache();
    std::vector<float> scores;
    std::span<const token_id> left{reference.prompt};
    while (!left.empty()) {
      auto count = std::min(piece, left.size());
      scores = read_tokens(*net, *cache, left.first(count));
      left = left.subspan(count);
    }
    EXPECT_LT(distance(scores, reference.scores[0]), 1e-4) << piece;
  }
}

TEST_P(llama_test, sequences_of_one_pass_do_not_mix) {
  // A piece of a prompt whose scores nobody wants, a decode step, a prompt.
  auto first = net->make_cache();
  auto second = net->make_cache();
  auto third = net->make_cache();
  read_tokens(*net, *second, reference.prompt);
  std::vector<float> decoded(net->vocabulary()), prompted(net->vocabulary());
  std::vector<net_input> inputs{
      {first.get(), std::span{reference.prompt}.first(5), nullptr},
      {second.get(), std::span{reference.greedy}.first(1), decoded.data()},
      {third.get(), reference.prompt, prompted.data()}};
  net->forward(inputs);
  EXPECT_LT(distance(decoded, reference.scores[1]), 1e-4);
  EXPECT_LT(distance(prompted, reference.scores[0]), 1e-4);
  EXPECT_EQ(first->size(), 5u);
  auto scores =
      read_tokens(*net, *first, std::span{reference.prompt}.subspan(5));
  EXPECT_LT(distance(scores, reference.scores[0]), 1e-4);
}

// --- what does not load ------------------------------------------------------

namespace {

class llama_load_test : public ::testing::Test {
protected:
  // A model's files with a part of config.json replaced.
  std::string refusal(const std::string& name, const std::string& what,
                      const std::string& by) {
    temporary_folder folder;
    std::filesystem::copy(llama_folder(name) / "model.safetensors",
                          folder.path());
    std::ifstream file{llama_folder(name) / "config.json"};
    std::string config{std::istreambuf_iterator<char>{file}, {}};
    auto place = config.find(what);
    EXPECT_NE(place, std::string::npos) << what;
    folder.write("config.json", config.replace(place, what.size(), by));
    return error_of([&] { load(folder.path()); });
  }
};

} // namespace

TEST_F(llama_load_test, a_tensor_that_is_missing_is_named) {
  EXPECT_THAT(refusal("gqa-tied-bf16", "\"num_hidden_layers\": 2",
                      "\"num_hidden_layers\": 3"),
              HasSubstr("`model.layers.2.input_layernorm.weight` is missing"));
  EXPECT_THAT(refusal("gqa-tied-bf16", "\"tie_word_embeddings\": true",
                      "\"tie_word_embeddings\": false"),
              HasSubstr("`lm_head.weight` is missing"));
  EXPECT_THAT(refusal("mqa-untied-fp32", "\"attention_bias\": false",
                      "\"attention_bias\": true"),
              HasSubstr("`model.layers.0.self_attn.q_proj.bias` is missing"));
}

TEST_F(llama_load_test, a_tensor_of_another_shape_is_named) {
  EXPECT_THAT(refusal("gqa-tied-bf16", "\"intermediate_size\": 56",
                      "\"intermediate_size\": 57"),
              AllOf(HasSubstr("`model.layers.0.mlp.gate_proj.weight`"),
                    HasSubstr("is [56, 40], config.json asks for [57, 40]")));
  EXPECT_THAT(
      refusal("gqa-tied-bf16", "\"vocab_size\": 99", "\"vocab_size\": 100"),
      HasSubstr("`model.embed_tokens.weight` is [99, 40]"));
}
