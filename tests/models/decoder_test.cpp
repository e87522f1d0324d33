// Tests the networks of all families against scores and tokens from
// transformers.
#include "tests/models/compare_scores.hpp"
#include "tests/models/net_reference.hpp"
#include "tests/models/temporary_folder.hpp"
#include "tests/models/weight_forms.hpp"

#include "models/nets/decoder.hpp"
#include "models/nets/families/families.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <span>
#include <tuple>

using namespace model_server;
using namespace model_server::testing;
using ::testing::AllOf;
using ::testing::HasSubstr;

namespace {

constexpr std::size_t block_count = 128;

// The network in one of its forms: `torch`, or kernels by their name. All
// numbers are kept as they are stored, and the arithmetic is f32. The kernels'
// keys and values are `cache`s.
std::unique_ptr<causal_net> load(const std::filesystem::path& folder,
                                 const std::string& form = "torch",
                                 const weight_form& weight = {},
                                 number_format cache = number_format::f32) {
  auto spec = read_decoder_spec(folder);
  auto weights = std::make_shared<weight_folder>(folder);
  std::unique_ptr<causal_net> result;
  if (form == "torch")
    result = load_decoder_torch(spec, weights, "cpu", number_format::f32);
  for (auto kernels : usable_kernels())
    if (kernels->name == form)
      result =
          load_decoder_cpu(spec, weights, weight, *kernels, nullptr, cache);
  result->make_blocks(block_count);
  return result;
}

// What a network has stored of a sequence of at most 128 tokens. The last 16 of
// these have blocks of their own.
struct stored_sequence {
  sequence_id id = ++last_id;
  std::size_t size = 0;
  std::vector<block_id> blocks;

  stored_sequence() {
    // Not in order.
    for (block_id i = 0; i < 8; ++i)
      blocks.push_back((i * 16 + static_cast<block_id>(id * 5)) % block_count);
  }

  // The next tokens, which count as stored from now on.
  net_input input(std::span<const token_id> tokens, std::size_t scores_wanted) {
    size += tokens.size();
    return {.id = id,
            .position = size - tokens.size(),
            .blocks = blocks,
            .tokens = tokens,
            .scores_wanted = scores_wanted};
  }

  static inline sequence_id last_id = 0;
};

std::vector<std::string> forms() {
  std::vector<std::string> result{"torch"};
  for (auto kernels : usable_kernels())
    result.push_back(kernels->name);
  return result;
}

// The scores after `tokens`, which are appended to `stored`.
std::vector<float> read_tokens(causal_net& net, stored_sequence& stored,
                               std::span<const token_id> tokens) {
  std::vector<float> scores(net.vocabulary());
  auto input = stored.input(tokens, 1);
  net.forward({&input, 1}, scores.data());
  return scores;
}

class decoder_test
    : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {
protected:
  net_reference reference{std::get<0>(GetParam())};
  std::unique_ptr<causal_net> net =
      load(network_folder(std::get<0>(GetParam())), std::get<1>(GetParam()));
};

INSTANTIATE_TEST_SUITE_P(
    models, decoder_test,
    ::testing::Combine(::testing::ValuesIn(network_names()),
                       ::testing::ValuesIn(forms())),
    [](auto& of) {
      auto name = std::get<1>(of.param) + "_" + std::get<0>(of.param);
      std::ranges::replace(name, '-', '_');
      return name;
    });

} // namespace

TEST_P(decoder_test, scores_are_those_of_transformers) {
  stored_sequence cache;
  auto scores = read_tokens(*net, cache, reference.prompt);
  EXPECT_LT(distance(scores, reference.scores[0]), 1e-4);
  for (std::size_t i = 1; i < reference.scores.size(); ++i) {
    scores = read_tokens(*net, cache, {&reference.greedy[i - 1], 1});
    EXPECT_LT(distance(scores, reference.scores[i]), 1e-4) << "step " << i;
  }
}

TEST_P(decoder_test, greedy_replies_are_those_of_transformers) {
  stored_sequence cache;
  std::vector<token_id> reply;
  reply.push_back(best_of(read_tokens(*net, cache, reference.prompt)));
  while (reply.size() < reference.greedy.size())
    reply.push_back(best_of(read_tokens(*net, cache, {&reply.back(), 1})));
  EXPECT_EQ(reply, reference.greedy);
}

TEST_P(decoder_test, scores_change_little_with_a_cache_of_halves) {
  if (std::get<1>(GetParam()) == "torch")
    return;
  net = load(network_folder(std::get<0>(GetParam())), std::get<1>(GetParam()),
             {}, number_format::f16);
  stored_sequence cache;
  auto scores = read_tokens(*net, cache, reference.prompt);
  EXPECT_LT(distance(scores, reference.scores[0]), 5e-3);
  for (std::size_t i = 1; i < reference.scores.size(); ++i) {
    scores = read_tokens(*net, cache, {&reference.greedy[i - 1], 1});
    EXPECT_LT(distance(scores, reference.scores[i]), 5e-3) << "step " << i;
  }
}

TEST_P(decoder_test, scores_change_little_with_a_cache_of_8_bits) {
  if (std::get<1>(GetParam()) == "torch")
    return;
  // Where a choice is close, a little change makes it another one.
  auto spec = read_decoder_spec(network_folder(std::get<0>(GetParam())));
  if (spec.layers.back().experts)
    return;
  net = load(network_folder(std::get<0>(GetParam())), std::get<1>(GetParam()),
             {}, number_format::i8);
  stored_sequence cache;
  auto scores = read_tokens(*net, cache, reference.prompt);
  EXPECT_LT(distance(scores, reference.scores[0]), 0.1);
}

TEST_P(decoder_test, a_prompt_may_come_in_pieces) {
  for (std::size_t piece : {1u, 2u, 7u, 20u}) {
    stored_sequence cache;
    std::vector<float> scores;
    std::span<const token_id> left{reference.prompt};
    while (!left.empty()) {
      auto count = std::min(piece, left.size());
      scores = read_tokens(*net, cache, left.first(count));
      left = left.subspan(count);
    }
    EXPECT_LT(distance(scores, reference.scores[0]), 1e-4) << piece;
  }
}

TEST_P(decoder_test, sequences_of_one_pass_do_not_mix) {
  // A piece of a prompt whose scores nobody wants, a decode step, a prompt.
  stored_sequence first, second, third;
  read_tokens(*net, second, reference.prompt);
  std::vector<net_input> inputs{
      first.input(std::span{reference.prompt}.first(5), 0),
      second.input(std::span{reference.greedy}.first(1), 1),
      third.input(reference.prompt, 1)};
  std::vector<float> scores(2 * net->vocabulary());
  net->forward(inputs, scores.data());
  auto middle = scores.begin() + static_cast<std::ptrdiff_t>(net->vocabulary());
  std::vector<float> decoded(scores.begin(), middle);
  std::vector<float> prompted(middle, scores.end());
  EXPECT_LT(distance(decoded, reference.scores[1]), 1e-4);
  EXPECT_LT(distance(prompted, reference.scores[0]), 1e-4);
  scores = read_tokens(*net, first, std::span{reference.prompt}.subspan(5));
  EXPECT_LT(distance(scores, reference.scores[0]), 1e-4);
}

TEST_P(decoder_test, scores_come_for_as_many_of_the_last_tokens_as_wanted) {
  stored_sequence cache;
  read_tokens(*net, cache, reference.prompt);
  // A wrong last token, then the right one in its place.
  auto& right = reference.greedy;
  std::vector wrong{right[0], right[1], (right[2] + 1) % 90};
  auto width = static_cast<std::ptrdiff_t>(net->vocabulary());
  for (auto tokens : {wrong.data(), right.data()}) {
    auto input = cache.input({tokens, 3}, 2);
    std::vector<float> scores(2 * net->vocabulary());
    net->forward({&input, 1}, scores.data());
    cache.size -= 3;
    std::vector<float> second(scores.begin(), scores.begin() + width);
    std::vector<float> third(scores.begin() + width, scores.end());
    EXPECT_LT(distance(second, reference.scores[2]), 1e-4);
    auto is_right = tokens == right.data();
    EXPECT_EQ(distance(third, reference.scores[3]) < 1e-4, is_right);
  }
}

// --- other names -------------------------------------------------------------

TEST(renamed_decoder_test, scores_are_those_of_the_usual_names) {
  for (auto& names : all_other_names()) {
    temporary_folder folder;
    write_renamed_folder(names, folder);
    net_reference reference{names.network};
    for (auto& form : forms()) {
      auto net = load(folder.path(), form);
      stored_sequence cache;
      auto scores = read_tokens(*net, cache, reference.prompt);
      EXPECT_LT(distance(scores, reference.scores[0]), 1e-4)
          << names.network << ' ' << names.here << ' ' << form;
    }
  }
}

// --- equal bits --------------------------------------------------------------

namespace {

class decoder_bits_test
    : public ::testing::TestWithParam<
          std::tuple<std::string, named_form, number_format>> {
protected:
  std::unique_ptr<causal_net> load_form(const kernel_set& kernels) const {
    auto& [name, weight, cache] = GetParam();
    return load(network_folder(name), kernels.name, weight.form, cache);
  }

  // What the network says of `tokens` one by one.
  static std::vector<std::vector<float>>
  decode_alone(causal_net& net, const std::vector<token_id>& tokens) {
    std::vector<std::vector<float>> result;
    stored_sequence cache;
    for (auto& token : tokens)
      result.push_back(read_tokens(net, cache, {&token, 1}));
    return result;
  }

  static std::vector<token_id> random_tokens(std::mt19937& random,
                                             std::size_t count) {
    std::vector<token_id> result(count);
    for (auto& token : result)
      token = static_cast<token_id>(random() % 99);
    return result;
  }
};

std::string
bits_case_name(const ::testing::TestParamInfo<
               std::tuple<std::string, named_form, number_format>>& of) {
  auto name =
      fmt::format("{}_{}_cache_{}", std::get<0>(of.param),
                  std::get<1>(of.param).name, to_string(std::get<2>(of.param)));
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    models, decoder_bits_test,
    ::testing::Combine(
        ::testing::ValuesIn(std::vector<std::string>(std::begin(llama_names),
                                                     std::end(llama_names))),
        ::testing::ValuesIn(weight_forms()),
        ::testing::Values(number_format::f32, number_format::f16,
                          number_format::i8)),
    bits_case_name);

// One rounded form and one that is not: the products are those of a Llama.
INSTANTIATE_TEST_SUITE_P(
    families, decoder_bits_test,
    ::testing::Combine(::testing::ValuesIn(family_names()),
                       ::testing::Values(named_form{"f32", {}},
                                         named_form{"int8",
                                                    {std::nullopt,
                                                     packed_format::int8}}),
                       ::testing::Values(number_format::f16)),
    bits_case_name);

} // namespace

TEST_P(decoder_bits_test, do_not_depend_on_company_pieces_or_threads) {
  std::mt19937 random{5};
  for (auto kernels : usable_kernels()) {
    auto alone = load_form(*kernels);
    auto crowded = load_form(*kernels);
    crowded->use_threads(2);
    // Several sequences that advance by random pieces, some not in each pass.
    struct member {
      std::vector<token_id> tokens;
      std::vector<std::vector<float>> expected;
      stored_sequence cache{};
    };
    std::vector<member> members;
    for (std::size_t length : {100u, 3u, 47u, 64u, 90u, 17u}) {
      auto tokens = random_tokens(random, length);
      auto expected = decode_alone(*alone, tokens);
      members.push_back({tokens, expected});
    }
    for (bool all_read = false; !all_read;) {
      all_read = true;
      std::vector<net_input> inputs;
      std::vector<const std::vector<float>*> expected;
      for (auto& item : members) {
        auto left =
            std::span<const token_id>{item.tokens}.subspan(item.cache.size);
        all_read &= left.empty();
        if (left.empty() || random() % 4 == 0)
          continue;
        auto count = std::min<std::size_t>(
            left.size(), random() % 2 == 0 ? 1 : random() % 40);
        if (count == 0)
          continue;
        auto wanted = random() % 3 == 0 ? 0 : random() % count + 1;
        inputs.push_back(item.cache.input(left.first(count), wanted));
        for (auto i = item.cache.size - wanted; i < item.cache.size; ++i)
          expected.push_back(&item.expected[i]);
      }
      std::vector<float> scores(expected.size() * crowded->vocabulary());
      crowded->forward(inputs, scores.data());
      for (std::size_t i = 0; i < expected.size(); ++i)
        ASSERT_TRUE(std::ranges::equal(
            *expected[i], std::span{scores}.subspan(i * crowded->vocabulary(),
                                                    crowded->vocabulary())))
            << kernels->name;
    }
  }
}

TEST_P(decoder_bits_test, are_the_same_in_every_form_that_fuses) {
  std::mt19937 random{6};
  auto tokens = random_tokens(random, 50);
  std::vector<std::vector<float>> first;
  for (auto kernels : usable_kernels()) {
    if (kernels->name == std::string{"portable"})
      continue;
    auto net = load_form(*kernels);
    auto scores = decode_alone(*net, tokens);
    if (first.empty())
      first = scores;
    EXPECT_EQ(scores, first) << kernels->name;
  }
}

// --- packed weights ----------------------------------------------------------

// Rounded weights give other scores; how far off they may be is a property of
// these networks, whose weights are random and small.
TEST(packed_decoder_test, scores_are_near_those_of_transformers) {
  for (auto name : llama_names) {
    net_reference reference{name};
    auto far = [&](packed_format format) {
      auto net = load(network_folder(name), best_kernels().name,
                      {std::nullopt, format});
      stored_sequence cache;
      return distance(read_tokens(*net, cache, reference.prompt),
                      reference.scores[0]);
    };
    auto bf16 = far(packed_format::bf16);
    auto int8 = far(packed_format::int8);
    auto int4 = far(packed_format::int4);
    EXPECT_LT(bf16, 0.02) << name;
    EXPECT_LT(int8, 0.15) << name;
    EXPECT_LT(int4, 1.0) << name;
    EXPECT_LT(int8, int4 / 4) << name;
  }
}

// --- what does not load ------------------------------------------------------

namespace {

class decoder_load_test : public ::testing::Test {
protected:
  // A model's files with a part of config.json replaced.
  std::string refusal(const std::string& name, const std::string& what,
                      const std::string& by) {
    temporary_folder folder;
    std::filesystem::copy(network_folder(name) / "model.safetensors",
                          folder.path());
    std::ifstream file{network_folder(name) / "config.json"};
    std::string config{std::istreambuf_iterator<char>{file}, {}};
    auto place = config.find(what);
    EXPECT_NE(place, std::string::npos) << what;
    folder.write("config.json", config.replace(place, what.size(), by));
    auto message = error_of([&] { load(folder.path(), "torch"); });
    EXPECT_EQ(error_of([&] { load(folder.path(), "portable"); }), message);
    return message;
  }
};

} // namespace

TEST_F(decoder_load_test, a_tensor_that_is_missing_is_named) {
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

TEST_F(decoder_load_test, a_tensor_of_another_shape_is_named) {
  EXPECT_THAT(refusal("gqa-tied-bf16", "\"intermediate_size\": 56",
                      "\"intermediate_size\": 57"),
              AllOf(HasSubstr("`model.layers.0.mlp.gate_proj.weight`"),
                    HasSubstr("is [56, 40], config.json asks for [57, 40]")));
  EXPECT_THAT(
      refusal("gqa-tied-bf16", "\"vocab_size\": 99", "\"vocab_size\": 100"),
      HasSubstr("`model.embed_tokens.weight` is [99, 40]"));
}
