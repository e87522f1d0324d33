// What agrees with the references, subject by subject.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace model_server::testing {

/// One line of the table: a family, a tokenizer, a template source, a file.
struct subject {
  std::string name;
  /// What it is compared with, and how near it must come.
  std::string reference;
  std::size_t passed = 0;
  std::size_t tried = 0;
  /// The first things that differ, in words.
  std::vector<std::string> problems;

  void check(bool is_right, const std::string& what) {
    ++tried;
    if (is_right)
      ++passed;
    else if (problems.size() < 3)
      problems.push_back(what);
  }
};

/// One table.
struct section {
  std::string title;
  /// A sentence or two for the reader of docs/models.md.
  std::string words;
  std::vector<subject> subjects;
};

// The sections, a file each. `data` is the folder of the shared data.
section check_families();
section check_configs(const std::string& data);
section check_trained_folders(const std::string& data);
section check_gguf_files(const std::string& data);
section check_tokenizers(const std::string& data);
section check_gguf_vocabularies(const std::string& data);
section check_templates(const std::string& data);

/// The files that convert_families.py has made, in their folder.
section check_converted_families(const std::string& folder);

} // namespace model_server::testing
