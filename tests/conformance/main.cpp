// Compares everything in the shared data with its reference, and prints a table:
// passed of tried.
//
//   conformance [--write docs/models.md | --check docs/models.md]
//   conformance --gguf FOLDER   the files of convert_families.py alone
//
// Runs in the root of the project, with MODEL_SERVER_TEST_DATA set. Exit status 1
// if something differs, or if the file does not say what was found; 77 without
// the data.
#include "tests/conformance/report.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <string_view>

using namespace model_server::testing;

namespace {

std::string markdown_of(const std::vector<section>& sections) {
  std::string result =
      "# Models\n\n"
      "What loads, and what was seen to agree with which reference. This page is "
      "written by the test `conformance`\n(`tests/conformance`), which fails when "
      "it finds something else.\n";
  for (auto& section : sections) {
    result += fmt::format("\n## {}\n\n{}\n\n| | reference | passed of tried |\n"
                          "| --- | --- | --- |\n",
                          section.title, section.words);
    for (auto& item : section.subjects)
      result += fmt::format("| {} | {} | {} of {} |\n", item.name,
                            item.reference, item.passed, item.tried);
  }
  return result;
}

void print(const section& section) {
  fmt::print("\n{}\n", section.title);
  for (auto& item : section.subjects) {
    fmt::print("  {:<44} {:>5} of {:<5}{}\n", item.name, item.passed,
               item.tried, item.passed == item.tried ? "" : "  <--");
    for (auto& problem : item.problems)
      fmt::print("      {}\n", problem);
  }
}

// The page without what its rows say of references: distances may differ in
// their last digit on another processor.
std::string without_references(const std::string& page) {
  std::string result;
  std::istringstream lines{page};
  for (std::string line; std::getline(lines, line); result += line + "\n") {
    auto first = line.find(" | "), last = line.rfind(" | ");
    if (line.starts_with("| ") && first < last)
      line.erase(first, last - first);
  }
  return result;
}

std::string read_file(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

} // namespace

int main(int argc, char** argv) {
  std::string_view mode = argc > 2 ? argv[1] : "";
  if (mode == "--gguf") {
    print(check_converted_families(argv[2]));
    return 0;
  }
  auto data = std::getenv("MODEL_SERVER_TEST_DATA");
  if (data == nullptr) {
    fmt::print("MODEL_SERVER_TEST_DATA is not set: nothing is compared\n");
    return 77;
  }
  std::vector<section> sections;
  auto is_right = true;
  for (auto& check : std::vector<std::function<section()>>{
           check_families, [&] { return check_configs(data); },
           [&] { return check_trained_folders(data); },
           [&] { return check_gguf_files(data); },
           [&] { return check_tokenizers(data); },
           [&] { return check_gguf_vocabularies(data); },
           [&] { return check_templates(data); }}) {
    sections.push_back(check());
    print(sections.back());
    for (auto& item : sections.back().subjects)
      is_right = is_right && item.tried > 0 && item.passed == item.tried;
  }
  auto page = markdown_of(sections);
  if (mode == "--write")
    std::ofstream{argv[2]} << page;
  if (mode == "--check"
      && without_references(read_file(argv[2])) != without_references(page)) {
    fmt::print("\n{} says something else: run conformance --write {}\n",
               argv[2], argv[2]);
    is_right = false;
  }
  return is_right ? 0 : 1;
}
