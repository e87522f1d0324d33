// Tests the embeddings of the entry against those from transformers, and what
// it promises of them.
#include "tests/models/embedding_reference.hpp"
#include "tests/models/weight_forms.hpp"

#include "models/model_catalog.hpp"
#include "models/nets/embedder.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <memory>
#include <numeric>

using namespace model_server;
using namespace model_server::testing;
using ::testing::HasSubstr;
using ::testing::SizeIs;

namespace {

using numbers = std::vector<float>;
using named_values = std::vector<std::pair<std::string, param_value>>;

// A text on its way through an entry.
struct text {
  sequence state;
  chat no_chat;

  explicit text(std::vector<token_id> tokens, sequence_id id = 1) {
    state.id = id;
    state.conversation = &no_chat;
    state.prompt_size = tokens.size();
    state.tokens = std::move(tokens);
  }
};

// A network of tests/data/embeddings in a folder.
class served {
public:
  explicit served(const std::string& name) {
    write_embedding_folder(name, folder);
  }

  std::unique_ptr<model_entry> make(named_values params = {},
                                    const std::string& device = "cpu") const {
    params.emplace_back("path", folder.path().string());
    auto result = make_entry("embedding", {{false, params}, device});
    result->use_threads(1);
    return result;
  }

  std::string error(named_values params = {},
                    const std::string& device = "cpu") const {
    return error_of([&] { make(params, device); });
  }

  temporary_folder folder;
};

// Steps until all have their embeddings.
void finish(model_entry& entry, const std::vector<text*>& texts) {
  for (int steps = 0; steps < 100; ++steps) {
    std::vector<sequence*> batch;
    for (auto* item : texts)
      if (item->state.embedding.empty() && item->state.failure.empty())
        batch.push_back(&item->state);
    if (batch.empty())
      break;
    entry.step(batch);
  }
  for (auto* item : texts) {
    EXPECT_EQ(item->state.failure, "");
    EXPECT_FALSE(item->state.embedding.empty());
    entry.release(item->state.id);
  }
}

numbers embed(model_entry& entry, std::vector<token_id> tokens,
              std::size_t dimensions = 0) {
  text item{std::move(tokens)};
  item.state.dimensions = dimensions;
  finish(entry, {&item});
  return item.state.embedding;
}

double length_of(const numbers& x) {
  return std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0));
}

void expect_near(const numbers& found, const numbers& expected,
                 double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], tolerance) << "number " << i;
}

std::vector<token_id> tokens_of_length(std::size_t length, int seed) {
  std::vector<token_id> result;
  for (std::size_t i = 0; i < length; ++i)
    result.push_back(static_cast<token_id>(
        3 + (i * 7 + i * i % 11 + static_cast<std::size_t>(seed) * 13) % 96));
  return result;
}

class embedding_test : public ::testing::TestWithParam<std::string> {};

TEST_P(embedding_test, agrees_with_transformers) {
  served model{GetParam()};
  for (auto* how : {"mean", "cls", "last"}) {
    auto entry =
        model.make({{"pooling", std::string{how}}, {"normalize", false}});
    for (auto& item : embedded_texts(GetParam())) {
      SCOPED_TRACE(fmt::format("{} of {} tokens", how, item.tokens.size()));
      expect_near(embed(*entry, item.tokens), item.pooled.at(how), 1e-4);
    }
  }
}

TEST_P(embedding_test, company_changes_no_bit) {
  served model{GetParam()};
  for (auto* quantize : {"none", "int8", "int4", "bf16"}) {
    SCOPED_TRACE(quantize);
    auto entry = model.make({{"quantize", std::string{quantize}}});
    std::vector<numbers> alone;
    std::vector<std::unique_ptr<text>> texts;
    std::vector<text*> batch;
    // More than a step reads, one of them longer than a piece of attention.
    for (auto length : {1, 17, 100, 48, 49, 3, 100, 96, 5, 100, 64, 16}) {
      auto tokens = tokens_of_length(static_cast<std::size_t>(length),
                                     static_cast<int>(texts.size()));
      alone.push_back(embed(*entry, tokens));
      texts.push_back(std::make_unique<text>(tokens, texts.size() + 10));
      batch.push_back(texts.back().get());
    }
    entry->use_threads(2);
    finish(*entry, batch);
    for (std::size_t i = 0; i < batch.size(); ++i)
      EXPECT_EQ(batch[i]->state.embedding, alone[i]) << "text " << i;
  }
}

TEST_P(embedding_test, packed_weights_are_near) {
  served model{GetParam()};
  auto tokens = tokens_of_length(40, 1);
  auto exact = embed(*model.make(), tokens);
  for (auto [quantize, least] :
       {std::pair{"int8", 0.99}, {"bf16", 0.999}, {"int4", 0.9}}) {
    auto found =
        embed(*model.make({{"quantize", std::string{quantize}}}), tokens);
    EXPECT_GT(
        std::inner_product(found.begin(), found.end(), exact.begin(), 0.0),
        least)
        << quantize;
  }
}

INSTANTIATE_TEST_SUITE_P(networks, embedding_test,
                         ::testing::Values("bert", "bert-masked", "roberta",
                                           "xlm-roberta", "distilbert", "llama",
                                           "llama-bare"),
                         [](const auto& name) {
                           auto result = name.param;
                           std::ranges::replace(result, '-', '_');
                           return result;
                         });

TEST(embedding_entry_test, every_form_of_the_kernels_gives_the_same_bits) {
  served model{"bert"};
  auto config = read_json_file(model.folder.path() / "config.json");
  auto files = std::make_shared<weight_folder>(model.folder.path());
  auto tokens = tokens_of_length(100, 2);
  for (auto& form : weight_forms()) {
    if (form.name != "int8")
      continue; // others may round twice where nothing fuses
    std::vector<numbers> found;
    for (auto* kernels : usable_kernels()) {
      encoder net{*read_encoder_spec(config, "config.json"), files, form.form,
                  *kernels};
      numbers states(tokens.size() * net.spec().hidden);
      encoder_input input{.tokens = tokens, .states = states.data()};
      net.forward({&input, 1});
      found.push_back(states);
    }
    for (auto& states : found)
      EXPECT_EQ(states, found.front()) << form.name;
  }
}

TEST(embedding_entry_test, states_what_it_is) {
  served model{"bert"};
  auto info = model.make()->info();
  EXPECT_EQ(info.embedding_width, 48u);
  EXPECT_EQ(info.context_length, 128u);
  EXPECT_EQ(info.vocabulary, 99u);
  EXPECT_TRUE(info.is_exact);
  auto other = model.make({{"pooling", "cls"}})->info();
  EXPECT_NE(other.identity, info.identity);
  // Positions begin behind that of the padding.
  EXPECT_EQ(served{"roberta"}.make()->info().context_length, 126u);
}

TEST(embedding_entry_test, embeddings_have_length_1_unless_told_otherwise) {
  served model{"llama"};
  auto tokens = tokens_of_length(20, 3);
  auto plain = embed(*model.make({{"normalize", false}}), tokens);
  auto normalized = embed(*model.make(), tokens);
  EXPECT_NEAR(length_of(normalized), 1.0, 1e-6);
  for (std::size_t i = 0; i < plain.size(); ++i)
    EXPECT_NEAR(normalized[i], plain[i] / length_of(plain), 1e-6);
}

TEST(embedding_entry_test, fewer_dimensions_are_the_first_ones) {
  served model{"distilbert"};
  auto entry = model.make();
  auto whole = embed(*entry, {5, 6, 7});
  auto part = embed(*entry, {5, 6, 7}, 10);
  ASSERT_THAT(part, SizeIs(10));
  EXPECT_NEAR(length_of(part), 1.0, 1e-6);
  for (std::size_t i = 1; i < part.size(); ++i)
    EXPECT_NEAR(part[i] / part[0], whole[i] / whole[0], 1e-4);
  EXPECT_EQ(embed(*entry, {5, 6, 7}, 48), whole);
}

TEST(embedding_entry_test, a_long_text_that_is_released_begins_again) {
  served model{"llama"};
  auto entry = model.make();
  auto tokens = tokens_of_length(100, 4);
  auto expected = embed(*entry, tokens);
  // Six others leave it a part of the step only.
  std::vector<std::unique_ptr<text>> all;
  std::vector<sequence*> batch;
  for (int i = 0; i < 6; ++i) {
    all.push_back(std::make_unique<text>(tokens_of_length(100, i), 20u + i));
    batch.push_back(&all.back()->state);
  }
  all.back()->state.tokens = tokens;
  entry->step(batch);
  EXPECT_TRUE(batch.back()->embedding.empty());
  for (auto* item : batch)
    entry->release(item->id);
  finish(*entry, {all.back().get()});
  EXPECT_EQ(all.back()->state.embedding, expected);
}

TEST(embedding_entry_test, encodes_texts_and_no_chats) {
  auto entry = served{"bert"}.make();
  EXPECT_EQ(entry->encode_text("ab"), (std::vector<token_id>{4, 5}));
  EXPECT_THROW(entry->encode({{{chat_role::user, "a"}}}), bad_chat);
  EXPECT_THROW(entry->encode_text(""), bad_chat);
  EXPECT_EQ(entry->decode(4, true), "a");
}

TEST(embedding_entry_test, the_folder_says_how_and_how_long) {
  served model{"bert"};
  model.folder.write("modules.json", R"([
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])");
  std::filesystem::create_directory(model.folder.path() / "1_Pooling");
  auto pooling = [&](const char* text) {
    model.folder.write("1_Pooling/config.json", text);
  };
  pooling(R"({"word_embedding_dimension": 48, "pooling_mode_cls_token": true,
              "pooling_mode_mean_tokens": false})");
  model.folder.write("sentence_bert_config.json", R"({"max_seq_length": 64})");
  auto text = embedded_texts("bert")[0];
  auto entry = model.make({{"normalize", false}});
  expect_near(embed(*entry, text.tokens), text.pooled.at("cls"), 1e-4);
  EXPECT_EQ(entry->info().context_length, 64u);
  // Params go before it.
  entry = model.make({{"normalize", false},
                      {"pooling", "last"},
                      {"context_length", std::int64_t{100}}});
  expect_near(embed(*entry, text.tokens), text.pooled.at("last"), 1e-4);
  EXPECT_EQ(entry->info().context_length, 100u);
  // Newer files have a name.
  pooling(R"({"pooling_mode": "mean"})");
  entry = model.make({{"normalize", false}});
  expect_near(embed(*entry, text.tokens), text.pooled.at("mean"), 1e-4);
  pooling(R"({"pooling_mode_max_tokens": true})");
  EXPECT_THAT(model.error(), HasSubstr("pooling_mode_max_tokens"));
  pooling(
      R"({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true})");
  EXPECT_THAT(model.error(), HasSubstr("pooling_mode_cls_token"));
  pooling("{}");
  EXPECT_THAT(model.error(), HasSubstr("names no pooling"));
  model.folder.write("modules.json", R"([{"path": "2_Dense",
    "type": "sentence_transformers.models.Dense"}])");
  EXPECT_THAT(model.error(), HasSubstr("Dense is not built in"));
  model.folder.write("modules.json", R"([{"path": "../..",
    "type": "sentence_transformers.models.Pooling"}])");
  EXPECT_THAT(model.error(), HasSubstr("the pooling has no folder"));
}

TEST(embedding_entry_test, refuses_what_is_not_built_in) {
  served bert{"bert"};
  EXPECT_THAT(bert.error({}, "cuda:0"), HasSubstr("cuda:0"));
  EXPECT_THAT(bert.error({{"pooling", "max"}}),
              HasSubstr("auto, mean, cls or last is needed"));
  auto with = [&](const char* key, const char* value) {
    auto config = embedding_file("bert");
    rapidjson::Document text;
    text.Parse(value);
    auto& fields = config["config"];
    fields.RemoveMember(key);
    fields.AddMember(rapidjson::StringRef(key), text, config.GetAllocator());
    bert.folder.write("config.json", json_text(fields));
    return bert.error();
  };
  EXPECT_THAT(with("model_type", R"("mpnet")"),
              HasSubstr("of encoders the model types bert, roberta, "
                        "xlm-roberta, distilbert are built in"));
  EXPECT_THAT(with("position_embedding_type", R"("relative_key")"),
              HasSubstr("only absolute is built in"));
  EXPECT_THAT(with("is_decoder", "true"), HasSubstr("is_decoder"));
  EXPECT_THAT(with("num_attention_heads", "5"),
              HasSubstr("a multiple of the 5 heads"));
  EXPECT_THAT(with("num_attention_heads", "100000"), HasSubstr("100000"));
  EXPECT_THAT(with("max_position_embeddings", "10000000"),
              HasSubstr("max_position_embeddings"));
  EXPECT_THAT(with("intermediate_size", "57"),
              HasSubstr("encoder.layer.0.intermediate.dense.weight"));
  EXPECT_THAT(with("vocab_size", "98"), HasSubstr("word_embeddings"));
}

TEST(embedding_entry_test, refuses_decoders_that_look_both_ways) {
  served model{"llama"};
  auto config = embedding_file("llama");
  config["config"].AddMember("is_causal", false, config.GetAllocator());
  model.folder.write("config.json", json_text(config["config"]));
  EXPECT_THAT(model.error(), HasSubstr("is_causal"));
}

} // namespace
