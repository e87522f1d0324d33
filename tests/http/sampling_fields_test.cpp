// The sampling fields of a body: what is taken, and what is said of the rest.
#include "http/sampling_fields.hpp"

#include "http/json.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>

namespace model_server {
namespace {

using testing::HasSubstr;

struct outcome {
  sampling_options taken;
  std::optional<error_reply> refused;
};

outcome read(const std::string& fields) {
  outcome result;
  rapidjson::Document document;
  result.refused = parse_json("{" + fields + "}", document);
  if (result.refused)
    return result;
  json_fields body{document, "", result.refused};
  result.taken = read_sampling(body);
  return result;
}

void expect_refusal(const std::string& fields, const std::string& code,
                    const std::string& param, const std::string& says) {
  auto result = read(fields);
  ASSERT_TRUE(result.refused) << fields;
  EXPECT_EQ(result.refused->status, 400u);
  EXPECT_EQ(result.refused->code, code);
  EXPECT_EQ(result.refused->param, param);
  EXPECT_THAT(result.refused->message, HasSubstr(says));
}

TEST(sampling_fields_test, takes_every_field) {
  auto result = read(R"("typical_p":0.9,"logit_bias":{"70":-100,"5":1.5},)"
                     R"("stop_token_ids":[0,7],"min_tokens":3,)"
                     R"("ignore_eos":true,"logprobs":true,"top_logprobs":20)");
  ASSERT_FALSE(result.refused) << result.refused->message;
  EXPECT_EQ(result.taken.typical_p, 0.9);
  EXPECT_EQ(result.taken.logit_bias,
            (std::vector<token_bias>{{5, 1.5}, {70, -100.0}}));
  EXPECT_EQ(result.taken.stop_tokens, (std::vector<token_id>{0, 7}));
  EXPECT_EQ(result.taken.min_tokens, 3u);
  EXPECT_TRUE(result.taken.ignore_eos);
  EXPECT_EQ(result.taken.top_logprobs, 20u);
}

TEST(sampling_fields_test, null_and_neutral_values_ask_for_nothing) {
  auto result = read(R"("typical_p":null,"logit_bias":{},"stop_token_ids":[],)"
                     R"("min_tokens":0,"ignore_eos":false,"logprobs":false,)"
                     R"("top_logprobs":0)");
  EXPECT_FALSE(result.refused);
  EXPECT_EQ(result.taken, sampling_options{});
  EXPECT_EQ(read(R"("logprobs":true)").taken.top_logprobs, 0u);
}

TEST(sampling_fields_test, names_the_value_and_the_limit) {
  expect_refusal(R"("typical_p":0)", "out_of_range", "typical_p", "above 0");
  expect_refusal(R"("typical_p":1.5)", "out_of_range", "typical_p", "1.5");
  expect_refusal(R"("min_tokens":-1)", "out_of_range", "min_tokens", "-1");
  expect_refusal(R"("ignore_eos":1)", "wrong_type", "ignore_eos", "1");
  expect_refusal(R"("logprobs":true,"top_logprobs":21)", "out_of_range",
                 "top_logprobs", "0 to 20");
  expect_refusal(R"("top_logprobs":3)", "out_of_range", "top_logprobs",
                 "unless logprobs is true");
}

TEST(sampling_fields_test, checks_every_bias) {
  expect_refusal(R"("logit_bias":[])", "wrong_type", "logit_bias", "a list");
  expect_refusal(R"("logit_bias":{"7":101})", "out_of_range", "logit_bias.7",
                 "101");
  expect_refusal(R"("logit_bias":{"7":"x"})", "wrong_type", "logit_bias.7",
                 "a string");
  for (const auto* key : {"a", "-1", "1.0", "01", "+1", " 1", "", "2147483648"})
    expect_refusal(fmt::format(R"("logit_bias":{{"{}":1}})", key),
                   "out_of_range", "logit_bias", key);
}

TEST(sampling_fields_test, takes_no_more_than_1024_biases) {
  std::string biases;
  for (int i = 0; i < 1024; ++i)
    biases += fmt::format("{}\"{}\":1", i == 0 ? "" : ",", i);
  EXPECT_FALSE(read("\"logit_bias\":{" + biases + "}").refused);
  auto more = read("\"logit_bias\":{" + biases + ",\"5000\":1}");
  ASSERT_TRUE(more.refused);
  EXPECT_EQ(more.refused->status, 400u);
  EXPECT_THAT(more.refused->message, HasSubstr("1024"));
}

TEST(sampling_fields_test, checks_every_stop_token) {
  expect_refusal(R"("stop_token_ids":7)", "wrong_type", "stop_token_ids", "7");
  expect_refusal(R"("stop_token_ids":[1,"x"])", "wrong_type",
                 "stop_token_ids[1]", "a string");
  expect_refusal(R"("stop_token_ids":[-1])", "out_of_range",
                 "stop_token_ids[0]", "-1");
  expect_refusal(R"("stop_token_ids":[1.5])", "wrong_type", "stop_token_ids[0]",
                 "1.5");
  expect_refusal(R"("stop_token_ids":[18446744073709551615])", "out_of_range",
                 "stop_token_ids[0]", "18446744073709551615");
  std::string many = "0";
  for (int i = 0; i < 256; ++i)
    many += ",0";
  expect_refusal("\"stop_token_ids\":[" + many + "]", "out_of_range",
                 "stop_token_ids", "257 items, the limit is 256");
}

} // namespace
} // namespace model_server
