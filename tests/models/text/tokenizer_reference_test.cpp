// Checks published tokenizers against stored values of the Hugging Face
// library and of other projects.
#include "models/text/tokenizer.hpp"

#include "models/text/utf8.hpp"

#include "tests/models/temporary_folder.hpp"
#include "tests/models/text/token_rows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace model_server {
namespace {

namespace fs = std::filesystem;

std::string read_all(const fs::path& path) {
  return read_text_file(path, std::size_t{64} << 20);
}

class tokenizer_reference_test : public ::testing::Test {
protected:
  void SetUp() override {
    if (!shared_data())
      GTEST_SKIP() << "MODEL_SERVER_TEST_DATA is not set";
  }

  static fs::path folder() {
    return *shared_data() / "tokenizers";
  }

  static tokenizer load(const std::string& name) {
    return tokenizer::from_file(folder() / name / "tokenizer.json");
  }
};

/// GPT-2 was published as a vocabulary and a list of merges.
tokenizer gpt2() {
  return tokenizer::from_folder(*shared_data() / "tokenizers/gpt2");
}

const char* const all_tokenizers[] = {
    "bert-base-uncased", "gpt-oss", "llama-2",    "llama-3", "minimind",
    "mistral-7b-v0.2",   "phi-2",   "phi-3-mini", "qwen3"};

TEST_F(tokenizer_reference_test, agrees_on_every_hard_string) {
  for (std::string name : all_tokenizers) {
    SCOPED_TRACE(name);
    auto tokens = load(name);
    auto rows = read_token_rows(folder() / "goldens" / (name + ".jsonl"));
    ASSERT_EQ(rows.size(), 596u);
    for (auto& row : rows) {
      EXPECT_EQ(tokens.encode(row.text, true), row.ids) << row.text;
      EXPECT_EQ(tokens.encode(row.text, true, {.add_special = true}),
                row.with_special.value_or(row.ids));
      EXPECT_EQ(tokens.decode(row.ids, false), row.decoded.value_or(row.text));
      utf8_assembler assembler;
      std::string streamed;
      for (std::size_t i = 0; i < row.ids.size(); ++i)
        streamed += assembler.feed(tokens.piece(row.ids[i], i == 0, false));
      EXPECT_EQ(streamed + assembler.flush(), tokens.decode(row.ids, false));
    }
  }
}

/// The file of this one asks for at most 256 tokens and for padding, which the
/// library did when the values were made, and `encode` does not.
TEST_F(tokenizer_reference_test, neither_cuts_off_nor_pads) {
  constexpr std::size_t most = 256;
  constexpr token_id end = 102, padding = 0;
  std::string name = "all-MiniLM-L6-v2";
  auto tokens = load(name);
  std::size_t cut = 0;
  auto rows = read_token_rows(folder() / "goldens" / (name + ".jsonl"));
  ASSERT_EQ(rows.size(), 596u);
  auto stripped = [&](std::vector<token_id> ids) {
    while (!ids.empty() && ids.back() == padding)
      ids.pop_back();
    return ids;
  };
  for (auto& row : rows) {
    auto ids = tokens.encode(row.text, true);
    auto whole = tokens.encode(row.text, true, {.add_special = true});
    EXPECT_EQ(whole.size(), ids.size() + 2);
    cut += whole.size() > most;
    if (ids.size() > most)
      ids.resize(most);
    EXPECT_EQ(ids, stripped(row.ids)) << row.text;
    if (whole.size() > most) {
      whole.resize(most);
      whole.back() = end;
    }
    EXPECT_EQ(whole, stripped(row.with_special.value_or(row.ids))) << row.text;
  }
  EXPECT_GT(cut, 0u);
}

/// What those tokenizers were published as beside tokenizer.json.
TEST_F(tokenizer_reference_test, other_files_say_the_same) {
  for (auto& [name, files] : other_tokenizer_files) {
    SCOPED_TRACE(name);
    testing::temporary_folder copy;
    for (auto& file : files)
      fs::create_symlink(folder() / name / file, copy.path() / file);
    auto tokens = tokenizer::from_folder(copy.path());
    EXPECT_EQ(tokens.vocab_size(), load(name).vocab_size());
    for (auto& row :
         read_token_rows(folder() / "goldens" / (name + ".jsonl"))) {
      EXPECT_EQ(tokens.encode(row.text, true), row.ids) << row.text;
      EXPECT_EQ(tokens.encode(row.text, true, {.add_special = true}),
                row.with_special.value_or(row.ids));
      EXPECT_EQ(tokens.decode(row.ids, false), row.decoded.value_or(row.text));
    }
  }
}

TEST_F(tokenizer_reference_test, user_text_never_becomes_a_control_token) {
  for (std::string name : all_tokenizers) {
    SCOPED_TRACE(name);
    auto tokens = load(name);
    for (token_id id = 0; id < static_cast<token_id>(tokens.vocab_size()); ++id)
      if (tokens.is_special(id)) {
        auto spelling = tokens.piece(id, false, false);
        for (auto made : tokens.encode(spelling, false))
          ASSERT_FALSE(tokens.is_special(made)) << spelling;
      }
  }
}

TEST_F(tokenizer_reference_test, agrees_with_llama_cpp) {
  constexpr std::pair<const char*, const char*> pairs[] = {
      {"bert-bge", "bert-base-uncased"},
      {"llama-bpe", "llama-3"},
      {"llama-spm", "llama-2"},
      {"phi-3", "phi-3-mini"},
      {"qwen2", "qwen3"}};
  for (auto [vocabulary, name] : pairs) {
    SCOPED_TRACE(vocabulary);
    auto tokens = load(name);
    auto rows = read_llama_cpp_rows(
        folder() / "gguf-vocab"
        / ("ggml-vocab-" + std::string{vocabulary} + ".gguf"));
    for (auto& row : rows)
      EXPECT_EQ(tokens.encode(row.text, true), row.ids) << row.text;
    EXPECT_EQ(rows.size(), 46u);
  }
}

TEST_F(tokenizer_reference_test, agrees_with_swift_transformers) {
  auto pairs = folder() / "pairs/swift-transformers";
  auto encoded = [&](const char* file, const tokenizer& tokens, bool special) {
    json_document document{read_all(pairs / file), file};
    auto& json = document.root();
    EXPECT_EQ(
        tokens.encode(text_of(json["text"]), false, {.add_special = special}),
        read_ids(json["token_ids"]))
        << file;
  };
  encoded("llama_encoded.json", load("llama-2"), true);
  encoded("llama_3.2_encoded.json", load("llama-3"), true);
  encoded("gpt2_encoded_tokens.json", gpt2(), false);
  encoded("bert_uncased_encoded.json", load("bert-base-uncased"), true);
  json_document document{read_all(pairs / "tokenizer_tests.json"), "tests"};
  auto all = [&](const char* key, const tokenizer& tokens) {
    auto& cases = document.root()[key];
    ASSERT_GT(cases.Size(), 10u);
    for (auto& each : cases.GetArray())
      EXPECT_EQ(
          tokens.encode(text_of(each["input"]), true, {.add_special = true}),
          read_ids(each["encoded"]["input_ids"]))
          << key << ": " << text_of(each["input"]);
  };
  all("coreml-projects/Llama-2-7b-chat-coreml", load("llama-2"));
  all("pcuenq/Llama-3.2-1B-Instruct-tokenizer", load("llama-3"));
  all("distilgpt2", gpt2());
  all("bert-base-uncased", load("bert-base-uncased"));
}

/// Its texts are written with SentencePiece's letter for the space, and the
/// turns of a chat, which end in control tokens, are encoded each for itself.
TEST_F(tokenizer_reference_test, agrees_with_mistral_common) {
  auto pair = folder() / "pairs/mistral-common/no_tools";
  auto text = read_all(pair / "text_v1.txt");
  for (auto [from, to] :
       {std::pair{"\u2581", " "}, {"<s> ", "<s>"}, {"</s> ", "</s>"}})
    for (auto at = text.find(from); at != text.npos; at = text.find(from, at))
      text.replace(at, std::string_view{from}.size(), to);
  while (text.ends_with('\n'))
    text.pop_back();
  json_document document{read_all(pair / "tokens_v1.json"), "tokens_v1.json"};
  EXPECT_EQ(load("mistral-7b-v0.2").encode(text, true),
            read_ids(document.root()["tokens"]));
}

TEST_F(tokenizer_reference_test, agrees_with_dotnet_on_a_source_file) {
  auto text = read_all(folder() / "pairs/dotnet/lib.rs.txt");
  auto check = [&](const char* file, const tokenizer& tokens) {
    json_document document{read_all(folder() / "pairs/dotnet" / file), file};
    auto ids = read_ids(document.root());
    EXPECT_EQ(tokens.encode(text, false), ids) << file;
    EXPECT_EQ(tokens.decode(ids), text) << file;
  };
  check("tokens_gpt4o.json", load("gpt-oss"));
  check("tokens_gpt2.json", gpt2());
}

TEST_F(tokenizer_reference_test, long_runs_of_anything_take_seconds_at_most) {
  std::vector<std::string> units{"a",      " ",  "\n", " \n", "A",
                                 "aB",     "1",  "!",  "'s",  "'",
                                 "\u732B", "<|", " a", "ab-", "<|im_start|"};
  units.push_back("\u0323\u0301"); // marks in the wrong order
  for (std::string name : all_tokenizers) {
    auto tokens = load(name);
    for (auto& unit : units) {
      std::string text;
      while (text.size() < 250'000)
        text += unit;
      auto start = std::chrono::steady_clock::now();
      tokens.decode(tokens.encode(text, true));
      EXPECT_LT(std::chrono::steady_clock::now() - start,
                std::chrono::seconds{20})
          << name << " " << unit;
    }
  }
}

} // namespace
} // namespace model_server
