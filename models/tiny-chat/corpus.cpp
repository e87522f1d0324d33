// Reads the corpus files: items apart by blank lines, a letter for each field.
#include "models/tiny-chat/corpus.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>
#include <stdexcept>

namespace model_server::tiny_chat {

namespace {

std::string_view trimmed(std::string_view text) {
  auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  return text;
}

/// Reads one file line by line and appends its items.
class item_reader {
public:
  item_reader(const std::filesystem::path& file,
              std::vector<corpus_item>& items)
      : file_(file), items_(items) {
  }

  void read() {
    std::ifstream in{file_};
    if (!in)
      fail("cannot be read");
    std::string line;
    while (std::getline(in, line)) {
      ++line_number_;
      take(trimmed(line));
    }
    finish_item();
  }

private:
  void take(std::string_view line) {
    if (line.empty())
      return finish_item();
    if (line.front() == '#')
      return;
    if (line.front() == '[' && line.back() == ']') {
      finish_item();
      item_.key = line.substr(1, line.size() - 2);
      return;
    }
    if (line.size() < 3 || line[1] != ':' || item_.key.empty())
      fail("expected [key], Q:, H: or A:");
    auto text = std::string{trimmed(line.substr(2))};
    switch (line.front()) {
    case 'Q':
      item_.wordings.push_back(std::move(text));
      break;
    case 'H':
      item_.held_out.push_back(std::move(text));
      break;
    case 'A':
      if (!item_.answer.empty())
        fail("a second answer for [" + item_.key + "]");
      item_.answer = std::move(text);
      break;
    default:
      fail("expected Q:, H: or A:");
    }
  }

  void finish_item() {
    if (item_.key.empty())
      return;
    if (item_.wordings.empty() && item_.answer.empty())
      return; // a blank line after the key
    if (item_.wordings.empty() || item_.answer.empty())
      fail("[" + item_.key + "] lacks a wording or an answer");
    items_.push_back(std::move(item_));
    item_ = {};
  }

  [[noreturn]] void fail(const std::string& reason) const {
    throw std::runtime_error{file_.string() + ":" + std::to_string(line_number_)
                             + ": " + reason};
  }

  std::filesystem::path file_;
  std::vector<corpus_item>& items_;
  corpus_item item_;
  int line_number_ = 0;
};

} // namespace

std::vector<corpus_item> read_corpus(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{folder})
    if (entry.path().extension() == ".txt")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<corpus_item> items;
  for (const auto& file : files)
    item_reader{file, items}.read();
  std::set<std::string_view> keys;
  for (const auto& item : items)
    if (!keys.insert(item.key).second)
      throw std::runtime_error{folder.string() + ": [" + item.key
                               + "] is there twice"};
  if (items.empty())
    throw std::runtime_error{folder.string() + ": no items in this folder"};
  return items;
}

std::vector<std::string> read_lines(const std::filesystem::path& file) {
  std::ifstream in{file};
  if (!in)
    throw std::runtime_error{file.string() + ": cannot be read"};
  std::vector<std::string> lines;
  std::string line;
  while (std::getline(in, line))
    if (auto text = trimmed(line); !text.empty() && text.front() != '#')
      lines.emplace_back(text);
  return lines;
}

std::string normal_form(std::string_view wording) {
  std::string result;
  bool is_apart = false;
  for (auto c : wording) {
    auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || byte >= 0x80) {
      if (is_apart && !result.empty())
        result += ' ';
      result += static_cast<char>(std::tolower(byte));
      is_apart = false;
    } else if (c != '\'') {
      is_apart = true;
    }
  }
  return result;
}

} // namespace model_server::tiny_chat
