// Checks the tokenizers of GGUF files against ids of llama.cpp's tests and of
// the Hugging Face library.
#include "tests/models/weights/gguf_bytes.hpp"

#include "models/weights/gguf_file.hpp"
#include "models/weights/gguf_tokenizer.hpp"
#include "models/weights/gguf_vocabulary.hpp"

#include "tests/models/temporary_folder.hpp"
#include "tests/models/text/token_rows.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

using namespace model_server;
using namespace model_server::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

namespace {

class gguf_tokenizer_test : public ::testing::Test {
protected:
  void SetUp() override {
    if (!shared_data())
      GTEST_SKIP() << "MODEL_SERVER_TEST_DATA is not set";
  }

  static fs::path folder() {
    return *shared_data() / "tokenizers";
  }

  static fs::path vocabulary(const std::string& name) {
    return folder() / "gguf-vocab" / ("ggml-vocab-" + name + ".gguf");
  }
};

void expect_ids(const tokenizer& pieces, const fs::path& gguf) {
  auto rows = read_llama_cpp_rows(gguf);
  ASSERT_EQ(rows.size(), 46u);
  for (auto& row : rows)
    EXPECT_EQ(pieces.encode(row.text, true), row.ids)
        << gguf << ": " << row.text;
}

void expect_goldens(const tokenizer& pieces, const fs::path& path) {
  auto rows = read_token_rows(path);
  ASSERT_EQ(rows.size(), 596u);
  for (auto& row : rows) {
    EXPECT_EQ(pieces.encode(row.text, true), row.ids)
        << path << ": " << row.text;
    EXPECT_EQ(pieces.encode(row.text, true, {.add_special = true}),
              row.with_special.value_or(row.ids))
        << path << ": " << row.text;
    EXPECT_EQ(pieces.decode(row.ids, false), row.decoded.value_or(row.text))
        << path;
  }
}

// The metadata that a byte-level tokenizer.json becomes when it is converted.
std::string converted(const fs::path& path, const char* words) {
  json_document document{read_text_file(path, 64 << 20), path.string()};
  auto& model = document.root()["model"];
  std::vector<std::string> tokens, merges;
  std::vector<std::int32_t> kinds;
  auto put = [&](std::size_t id, std::string_view text, std::int32_t kind) {
    for (; tokens.size() <= id; kinds.push_back(5))
      tokens.push_back(fmt::format("[PAD{}]", tokens.size()));
    tokens[id] = text;
    kinds[id] = kind;
  };
  for (auto& member : model["vocab"].GetObject())
    put(member.value.GetUint(), text_of(member.name), 1);
  for (auto& token : document.root()["added_tokens"].GetArray())
    put(token["id"].GetUint(), text_of(token["content"]),
        token["special"].GetBool() ? 3 : 4);
  for (auto& merge : model["merges"].GetArray())
    merges.push_back(merge.IsString() ? std::string{text_of(merge)}
                                      : std::string{text_of(merge[0])} + " "
                                            + std::string{text_of(merge[1])});
  gguf_bytes made;
  made.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", words);
  made.texts("tokenizer.ggml.tokens", tokens);
  made.integers("tokenizer.ggml.token_type", kinds);
  made.texts("tokenizer.ggml.merges", merges);
  made.integer("tokenizer.ggml.bos_token_id", 128000);
  return made.bytes();
}

tokenizer read(const std::string& content) {
  gguf_file file{bytes_of(content), "made.gguf"};
  return read_gguf_tokenizer(file.metadata());
}

// A small SentencePiece vocabulary.
gguf_bytes small_pieces() {
  gguf_bytes made;
  made.text("tokenizer.ggml.model", "llama");
  made.texts("tokenizer.ggml.tokens",
             {"<unk>", "<s>", "</s>", "<0x0A>", "\u2581", "a", "b", "ab", "<",
              "s>", "\u2581a", "<|end|>", "<user>", "s", ">"});
  made.numbers("tokenizer.ggml.scores",
               {0, 0, 0, 0, -9, -9, -9, -1, -9, -9, -2, 0, 0, -9, -9});
  made.integers("tokenizer.ggml.token_type",
                {2, 3, 3, 6, 1, 1, 1, 1, 1, 1, 1, 3, 4, 1, 1});
  made.integer("tokenizer.ggml.bos_token_id", 1);
  made.integer("tokenizer.ggml.eos_token_id", 2);
  return made;
}

} // namespace

TEST_F(gguf_tokenizer_test, published_vocabularies_give_the_ids_of_llama_cpp) {
  for (auto name : {"deepseek-llm", "gpt-2", "llama-spm", "phi-3"}) {
    auto path = vocabulary(name);
    gguf_file file{path};
    expect_ids(read_gguf_tokenizer(file.metadata()), path);
  }
}

TEST_F(gguf_tokenizer_test, the_vocabulary_of_bert_gives_the_ids_of_llama_cpp) {
  auto path = vocabulary("bert-bge");
  gguf_file file{path};
  auto json = gguf_tokenizer_json(file.metadata());
  EXPECT_THAT(json, HasSubstr("\"##ing\""));
  auto pieces = read_gguf_tokenizer(file.metadata());
  expect_ids(pieces, path);
  expect_goldens(pieces, folder() / "goldens/bert-base-uncased.jsonl");
}

// The files of llama.cpp find control tokens in the text itself; those two
// tokenizer.json look for them behind the normalizer and overlook one. Phi-3's
// puts no token before a text, its GGUF file does.
TEST_F(gguf_tokenizer_test, published_vocabularies_are_those_of_their_models) {
  for (auto [gguf, json] :
       {std::pair{"llama-spm", "llama-2"}, std::pair{"phi-3", "phi-3-mini"}}) {
    gguf_file file{vocabulary(gguf)};
    auto pieces = read_gguf_tokenizer(file.metadata());
    auto path = folder() / "goldens" / (std::string{json} + ".jsonl");
    std::size_t equal = 0;
    for (auto& row : read_token_rows(path))
      if (row.text != "<s>[INST] a [/INST] b</s>") {
        EXPECT_EQ(pieces.encode(row.text, true), row.ids)
            << json << ": " << row.text;
        EXPECT_EQ(pieces.decode(row.ids, false), row.decoded.value_or(row.text))
            << json;
        ++equal;
      }
    EXPECT_EQ(equal, 595u);
  }
}

TEST_F(gguf_tokenizer_test, words_are_cut_as_the_tokenizers_of_the_models_do) {
  for (auto [name, words] :
       {std::pair{"llama-3", "llama-bpe"}, std::pair{"qwen3", "qwen2"},
        std::pair{"gpt-oss", "gpt-4o"}, std::pair{"phi-2", "phi-2"},
        std::pair{"minimind", "gpt-2"}})
    expect_goldens(read(converted(folder() / name / "tokenizer.json", words)),
                   folder() / "goldens" / (std::string{name} + ".jsonl"));
}

TEST_F(gguf_tokenizer_test, trained_models_give_the_prompts_of_llama_cpp) {
  std::size_t prompts = 0;
  for (auto name : {"stories260K/gguf", "tinystories-656k/gguf",
                    "tinystories-656k/gguf-arch"}) {
    auto models = *shared_data() / "models";
    auto path = models / (std::string{name} + ".expected.json");
    json_document document{read_text_file(path, 64 << 20), path.string()};
    auto nested = find_member(document.root(), "llama_cpp");
    auto& runs = (nested ? *nested : document.root())["runs"];
    for (auto& run : runs.GetObject()) {
      gguf_file file{(models / name).parent_path() / "gguf"
                     / std::string{text_of(run.name)}};
      auto pieces = read_gguf_tokenizer(file.metadata());
      for (auto& row : run.value.GetArray()) {
        EXPECT_EQ(
            pieces.encode(text_of(row["prompt"]), true, {.add_special = true}),
            read_ids(row["prompt_ids"]))
            << text_of(run.name);
        ++prompts;
      }
    }
  }
  EXPECT_GT(prompts, 40u);
}

TEST(gguf_small_tokenizer_test, merges_follow_from_scores) {
  auto pieces = read(small_pieces().bytes());
  // `ab` has the better score than `▁a`.
  EXPECT_THAT(pieces.encode("ab", false), ElementsAre(4, 7));
  EXPECT_THAT(pieces.encode("a\n", false), ElementsAre(10, 3));
  EXPECT_EQ(pieces.decode(std::vector<token_id>{10, 6}), "ab");
  EXPECT_THAT(pieces.encode("a", false, {.add_special = true}),
              ElementsAre(1, 10));
}

TEST(gguf_small_tokenizer_test, no_control_token_is_put_together_from_text) {
  auto pieces = read(small_pieces().bytes());
  EXPECT_THAT(pieces.encode("<s>", false), ElementsAre(4, 8, 9));
  EXPECT_THAT(pieces.encode("<s>", true), ElementsAre(1));
  EXPECT_THAT(pieces.encode("<user>", false), ElementsAre(12));
}

TEST(gguf_small_tokenizer_test, what_stands_around_a_text_is_as_the_file_says) {
  auto made = small_pieces();
  made.boolean("tokenizer.ggml.add_bos_token", false)
      .boolean("tokenizer.ggml.add_eos_token", true)
      .boolean("tokenizer.ggml.add_space_prefix", false);
  auto pieces = read(made.bytes());
  EXPECT_THAT(pieces.encode("a", false, {.add_special = true}),
              ElementsAre(5, 2));
  EXPECT_EQ(pieces.decode(std::vector<token_id>{10}), " a");
}

TEST(gguf_small_tokenizer_test, end_tokens_are_named_or_spelled_so) {
  auto made = small_pieces();
  made.text("tokenizer.chat_template", "{{ x }}")
      .text("tokenizer.chat_template.tool_use", "{{ y }}");
  auto content = made.bytes();
  gguf_file file{bytes_of(content), "made.gguf"};
  auto& metadata = file.metadata();
  EXPECT_THAT(gguf_end_tokens(metadata), ElementsAre(2, 11));
  EXPECT_EQ(gguf_chat_template(metadata), "{{ x }}");
  EXPECT_EQ(gguf_chat_template(metadata, "tool_use"), "{{ y }}");
  EXPECT_EQ(gguf_chat_template(metadata, "rag"), std::nullopt);
  EXPECT_THAT(gguf_special_tokens(metadata),
              ElementsAre(std::pair{"bos_token", "<s>"},
                          std::pair{"eos_token", "</s>"}));
}

TEST(gguf_small_tokenizer_test, broken_vocabularies_are_refused_by_name) {
  auto refusal = [](auto change) {
    gguf_bytes made;
    made.text("tokenizer.ggml.model", "llama");
    made.boolean("tokenizer.ggml.add_bos_token", false);
    change(made);
    return error_of([&] { read(made.bytes()); });
  };
  using bytes = gguf_bytes;
  constexpr auto tokens = "tokenizer.ggml.tokens";
  EXPECT_THAT(refusal([](bytes&) {}),
              AllOf(HasSubstr("made.gguf"),
                    HasSubstr("`tokenizer.ggml.tokens` is missing")));
  EXPECT_THAT(refusal([](bytes& x) { x.texts(tokens, {}); }),
              HasSubstr("from 1 to"));
  EXPECT_THAT(refusal([](bytes& x) { x.texts(tokens, {"\xff"}); }),
              HasSubstr("token 0 is not UTF-8"));
  EXPECT_THAT(refusal([](bytes& x) {
                x.texts(tokens, {"a", "b"});
                x.numbers("tokenizer.ggml.scores", {1});
              }),
              HasSubstr("`tokenizer.ggml.scores` is an array of 1 float32, but "
                        "there are 2 tokens"));
  EXPECT_THAT(refusal([](bytes& x) {
                x.texts(tokens, {"a"});
                x.numbers("tokenizer.ggml.scores", {0.0f / 0.0f});
              }),
              HasSubstr("that of 0 is no number"));
  EXPECT_THAT(refusal([](bytes& x) {
                x.texts(tokens, {"a"});
                x.integers("tokenizer.ggml.token_type", {7});
              }),
              HasSubstr("that of 0 is 7"));
  EXPECT_THAT(
      refusal([](bytes& x) {
        x.texts(tokens, {"a"});
        x.integer("tokenizer.ggml.unknown_token_id", 1);
      }),
      HasSubstr("`tokenizer.ggml.unknown_token_id` is 1, must be a whole "
                "number from -1 to 0"));
  EXPECT_THAT(
      refusal([](bytes& x) { x.texts(tokens, {std::string(2000, 'a')}); }),
      HasSubstr("token 0 has 2000 bytes, more than 1024"));
  EXPECT_THAT(refusal([](bytes& x) {
                std::vector<std::string> all;
                for (std::size_t i = 1; i <= 200; ++i)
                  all.emplace_back(i, 'a');
                x.texts(tokens, all);
              }),
              HasSubstr("more than 3200 pairs"));
}

TEST(gguf_small_tokenizer_test, other_models_and_words_are_refused_by_name) {
  auto of = [](const char* model, const char* words) {
    gguf_bytes made;
    made.text("tokenizer.ggml.model", model).text("tokenizer.ggml.pre", words);
    made.texts("tokenizer.ggml.tokens", {"a", "b", "ab"});
    made.texts("tokenizer.ggml.merges", {"a b"});
    return error_of([&] { read(made.bytes()); });
  };
  EXPECT_EQ(of("gpt2", "gpt-2"), "");
  EXPECT_THAT(of("gpt2", "nobody-knows"),
              HasSubstr("`tokenizer.ggml.pre` is \"nobody-knows\""));
  EXPECT_THAT(of("rwkv", "gpt-2"),
              HasSubstr("`tokenizer.ggml.model` is \"rwkv\""));
}
