// Published tokenizers on hard strings.
#include "tests/conformance/report.hpp"
#include "tests/models/temporary_folder.hpp"
#include "tests/models/text/token_rows.hpp"

#include "models/text/tokenizer.hpp"
#include "models/weights/gguf_file.hpp"
#include "models/weights/gguf_tokenizer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace model_server::testing {

namespace fs = std::filesystem;

namespace {

std::string read_all(const fs::path& path) {
  return read_text_file(path, std::size_t{64} << 20);
}

/// llama.cpp's test of a vocabulary.
void check_vocabulary(const fs::path& vocabulary, const tokenizer& tokens,
                      subject& line) {
  auto rows = read_llama_cpp_rows(vocabulary);
  if (rows.empty())
    line.check(false, vocabulary.string() + " has no texts");
  for (auto& row : rows)
    line.check(tokens.encode(row.text, true) == row.ids, row.text);
}

/// Whether these are the tokens that a library left which may have cut off and
/// padded with 0: only the last one of a text that was cut is its own.
bool agrees(const std::vector<token_id>& ids, std::vector<token_id> expected) {
  if (ids == expected)
    return true;
  auto has_pads = !expected.empty() && expected.back() == 0;
  while (!expected.empty() && expected.back() == 0)
    expected.pop_back();
  if (has_pads)
    return ids == expected;
  auto is_cut = expected.size() == 256 && ids.size() > expected.size();
  return is_cut
         && std::equal(expected.begin(), expected.end() - 1, ids.begin());
}

template <class Load>
subject check_goldens(const std::string& name, const fs::path& path,
                      Load load) {
  subject line{name, "tokenizers 0.23", 0, 0, {}};
  auto rows = read_token_rows(path);
  try {
    tokenizer tokens = load();
    for (auto& row : rows) {
      auto special = row.with_special.value_or(row.ids);
      auto text = row.decoded.value_or(row.text);
      line.check(
          agrees(tokens.encode(row.text, true), row.ids)
              && agrees(tokens.encode(row.text, true, {.add_special = true}),
                        special)
              && tokens.decode(row.ids, false) == text,
          row.text);
    }
  } catch (const std::exception& problem) {
    line.check(false, problem.what());
  }
  return line;
}

// llama.cpp's strings where the vocabulary itself is not among the data.
subject check_llama_cpp(const fs::path& folder) {
  subject line{"llama-3, llama-2, phi-3-mini, qwen3, bert-base-uncased",
               "llama.cpp's own tests", 0, 0, {}};
  const std::pair<const char*, const char*> pairs[] = {
      {"llama-bpe", "llama-3"},
      {"llama-spm", "llama-2"},
      {"phi-3", "phi-3-mini"},
      {"qwen2", "qwen3"},
      {"bert-bge", "bert-base-uncased"}};
  for (auto [vocabulary, name] : pairs)
    check_vocabulary(folder / "gguf-vocab"
                         / fmt::format("ggml-vocab-{}.gguf", vocabulary),
                     tokenizer::from_file(folder / name / "tokenizer.json"),
                     line);
  return line;
}

subject check_swift(const fs::path& folder) {
  subject line{"llama-2, llama-3, gpt2, bert-base-uncased",
               "swift-transformers' own tests", 0, 0, {}};
  auto pairs = folder / "pairs/swift-transformers";
  auto load = [&](const char* name) {
    return tokenizer::from_folder(folder / name);
  };
  auto one = [&](const char* file, const tokenizer& tokens, bool special) {
    json_document document{read_all(pairs / file), file};
    auto& json = document.root();
    line.check(tokens.encode(text_of(json["text"]), false,
                             {.add_special = special})
                   == read_ids(json["token_ids"]),
               file);
  };
  one("llama_encoded.json", load("llama-2"), true);
  one("llama_3.2_encoded.json", load("llama-3"), true);
  one("gpt2_encoded_tokens.json", load("gpt2"), false);
  one("bert_uncased_encoded.json", load("bert-base-uncased"), true);
  json_document document{read_all(pairs / "tokenizer_tests.json"), "tests"};
  auto all = [&](const char* key, const tokenizer& tokens) {
    for (auto& each : document.root()[key].GetArray())
      line.check(tokens.encode(text_of(each["input"]), true,
                               {.add_special = true})
                     == read_ids(each["encoded"]["input_ids"]),
                 fmt::format("{}: {}", key, text_of(each["input"])));
  };
  all("coreml-projects/Llama-2-7b-chat-coreml", load("llama-2"));
  all("pcuenq/Llama-3.2-1B-Instruct-tokenizer", load("llama-3"));
  all("distilgpt2", load("gpt2"));
  return line;
}

subject check_dotnet(const fs::path& folder) {
  subject line{"gpt-oss, gpt2", "a source file in dotnet's own tests", 0, 0,
               {}};
  auto text = read_all(folder / "pairs/dotnet/lib.rs.txt");
  auto one = [&](const char* file, const char* name) {
    json_document document{read_all(folder / "pairs/dotnet" / file), file};
    auto tokens = tokenizer::from_folder(folder / name);
    auto ids = read_ids(document.root());
    line.check(tokens.encode(text, false) == ids && tokens.decode(ids) == text,
               file);
  };
  one("tokens_gpt4o.json", "gpt-oss");
  one("tokens_gpt2.json", "gpt2");
  return line;
}

void replace_all(std::string& text, std::string_view what,
                 std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

// The prompt as mistral-common writes it, without the spaces that its own
// notation puts behind control tokens.
subject check_mistral(const fs::path& folder) {
  subject line{"mistral-7b-v0.2", "mistral-common's own tests", 0, 0, {}};
  auto pairs = folder / "pairs/mistral-common/no_tools";
  auto text = read_all(pairs / "text_v1.txt");
  replace_all(text, "\u2581", " ");
  replace_all(text, "s> ", "s>");
  while (text.ends_with('\n'))
    text.pop_back();
  json_document document{read_all(pairs / "tokens_v1.json"), "tokens_v1.json"};
  auto tokens =
      tokenizer::from_file(folder / "mistral-7b-v0.2/tokenizer.json");
  line.check(tokens.encode(text, true)
                 == read_ids(document.root()["tokens"]),
             "no_tools");
  return line;
}

// Prompts of gpt-oss: their tokens are their text again.
subject check_harmony(const std::string& data) {
  subject line{"gpt-oss", "openai/harmony's prompts, to tokens and back", 0, 0,
               {}};
  auto tokens = tokenizer::from_folder(fs::path{data} / "tokenizers/gpt-oss");
  for (auto& item :
       fs::directory_iterator{fs::path{data} / "templates/harmony-text"}) {
    auto text = read_all(item.path());
    line.check(tokens.decode(tokens.encode(text, true), false) == text,
               item.path().filename().string());
  }
  return line;
}

} // namespace

section check_tokenizers(const std::string& data) {
  auto folder = fs::path{data} / "tokenizers";
  section result{
      "Tokenizers",
      "596 hard strings each: tokens, tokens with those that the file adds, and "
      "text again. A server neither pads nor cuts off, so of a file that asks "
      "for that the pads are left out and the beginnings compared. Some were "
      "published in other files beside tokenizer.json, which must say the same. "
      "Of the conversations of mistral-common those for its first tokenizer are "
      "compared; the vocabularies of the later ones are not among the data.",
      {}};
  std::vector<fs::path> goldens;
  for (auto& item : fs::directory_iterator{folder / "goldens"})
    goldens.push_back(item.path());
  std::ranges::sort(goldens);
  for (auto& path : goldens)
    result.subjects.push_back(check_goldens(
        path.stem().string() + " (tokenizer.json)", path, [&] {
          return tokenizer::from_file(folder / path.stem() / "tokenizer.json");
        }));
  for (auto& [name, files] : other_tokenizer_files)
    result.subjects.push_back(
        check_goldens(fmt::format("{} ({})", name, fmt::join(files, ", ")),
                      folder / "goldens" / (name + ".jsonl"), [&] {
                        temporary_folder copy;
                        for (auto& file : files)
                          fs::create_symlink(folder / name / file,
                                             copy.path() / file);
                        return tokenizer::from_folder(copy.path());
                      }));
  result.subjects.push_back(check_llama_cpp(folder));
  result.subjects.push_back(check_swift(folder));
  result.subjects.push_back(check_dotnet(folder));
  result.subjects.push_back(check_mistral(folder));
  result.subjects.push_back(check_harmony(data));
  return result;
}

section check_gguf_vocabularies(const std::string& data) {
  section result{"Vocabularies inside GGUF files",
                 "46 strings each, with the ids that llama.cpp's own tests "
                 "have for them.",
                 {}};
  auto folder = fs::path{data} / "tokenizers/gguf-vocab";
  std::vector<fs::path> files;
  for (auto& item : fs::directory_iterator{folder})
    if (item.path().extension() == ".gguf")
      files.push_back(item.path());
  std::ranges::sort(files);
  for (auto& path : files) {
    subject line{path.filename().string(), "llama.cpp", 0, 0, {}};
    try {
      gguf_file file{path};
      check_vocabulary(path, read_gguf_tokenizer(file.metadata()), line);
    } catch (const std::exception& problem) {
      line.check(false, problem.what());
    }
    result.subjects.push_back(line);
  }
  return result;
}

} // namespace model_server::testing
