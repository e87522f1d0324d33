// Holds the chances of tokens against transformers' own, stored in tests/data.
#include "models/engine/candidates.hpp"
#include "models/engine/penalties.hpp"
#include "models/weights/json_file.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

using namespace model_server;

namespace {

sampling_params params_of(const rapidjson::Value& stored) {
  sampling_params result;
  const auto& settings = stored["settings"];
  auto number = [&](const char* name, double& target) {
    if (settings.HasMember(name))
      target = settings[name].GetDouble();
  };
  number("temperature", result.temperature);
  number("top_p", result.top_p);
  number("min_p", result.min_p);
  number("typical_p", result.typical_p);
  number("repetition_penalty", result.repetition_penalty);
  if (settings.HasMember("top_k"))
    result.top_k = settings["top_k"].GetInt();
  if (settings.HasMember("logit_bias"))
    for (const auto& pair : settings["logit_bias"].GetArray())
      result.logit_bias.push_back({pair[0].GetInt(), pair[1].GetDouble()});
  if (stored.HasMember("forbidden")) {
    result.min_tokens = 1000;
    for (const auto& token : stored["forbidden"].GetArray())
      result.end_tokens.push_back(token.GetInt());
  }
  return result;
}

void expect_same(const rapidjson::Value& stored) {
  std::vector<float> scores;
  for (const auto& score : stored["scores"].GetArray())
    scores.push_back(score.GetFloat());
  std::vector<token_id> tokens;
  for (const auto& token : stored["tokens"].GetArray())
    tokens.push_back(token.GetInt());
  auto params = params_of(stored);
  penalties{}.apply(scores, params, tokens, 1);
  candidates left;
  left.warp(scores, range_of(scores).best, params);
  std::vector<token_id> kept;
  std::vector<double> chances;
  double total = 0.0;
  for (std::size_t i = 0; i < left.size(); ++i)
    if (left.weight(i) > 0.0f) {
      kept.push_back(left.id(i));
      chances.push_back(left.weight(i));
      total += left.weight(i);
    }
  // A chance below e^-87 is none here, floats have no room for it.
  std::vector<token_id> expected;
  std::vector<double> expected_chances;
  for (rapidjson::SizeType i = 0; i < stored["kept"].Size(); ++i)
    if (auto chance = stored["chances"][i].GetDouble(); chance > 1e-37) {
      expected.push_back(stored["kept"][i].GetInt());
      expected_chances.push_back(chance);
    }
  ASSERT_EQ(kept, expected);
  for (std::size_t i = 0; i < kept.size(); ++i)
    EXPECT_NEAR(chances[i] / total, expected_chances[i], 1e-5)
        << "token " << kept[i];
}

} // namespace

TEST(sampling_reference_test, leaves_what_transformers_leaves) {
  auto document = read_json_file("tests/data/sampling/reference.json");
  const auto& cases = document["cases"];
  ASSERT_GT(cases.Size(), 50u);
  for (rapidjson::SizeType i = 0; i < cases.Size(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    expect_same(cases[i]);
  }
}
