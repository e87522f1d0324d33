// Published chat templates with all conversations.
#include "tests/conformance/report.hpp"
#include "tests/models/text/template_cases.hpp"
#include "tests/models/text/token_rows.hpp"

#include "models/text/json_document.hpp"

#include <map>

namespace model_server::testing {

namespace {

template_dict variables_of(const template_dict& tokens,
                           const template_dict& conversation) {
  template_dict result;
  result.set("tools", template_value::none());
  result.set("documents", template_value::none());
  result.set("add_generation_prompt", template_value::boolean(true));
  for (auto& [name, spelling] : tokens.entries())
    result.set(name, spelling);
  for (auto& [name, value] : conversation.entries())
    result.set(name, value);
  return result;
}

bool agrees(const std::string& source, const template_dict& given,
            const template_dict& expected) {
  try {
    auto text = expected.find("text");
    auto rendered = render(source, given);
    return text != nullptr && rendered == text->as_text()->bytes();
  } catch (const template_error&) {
    return expected.find("error") != nullptr;
  }
}

} // namespace

section check_templates(const std::string& data) {
  auto folder = std::filesystem::path{data} / "templates";
  auto goldens = template_value_from_json(
      read_text_file(folder / "goldens.json", std::size_t{64} << 20), false);
  auto golden = [&](std::string_view key) -> const template_dict& {
    return *goldens.as_dict()->find(key)->as_dict();
  };
  std::map<std::string, subject> lines;
  for (auto& [file, renders] : golden("renders").entries()) {
    std::string name{file.as_text()->bytes()};
    auto& line = lines[name.substr(0, name.find("__"))];
    auto source = read_text_file(folder / "jinja" / name, 1 << 20);
    for (auto& [chat, expected] : renders.as_dict()->entries()) {
      std::string which{chat.as_text()->bytes()};
      auto given = variables_of(golden("tokens"),
                                *golden("cases").find(which)->as_dict());
      line.check(agrees(source, given, *expected.as_dict()),
                 name + ", " + which);
    }
  }
  section result{"Chat templates",
                 "Templates of 190 models from other projects, for twelve "
                 "conversations each: the same text, or an error where "
                 "transformers raises one.",
                 {}};
  for (auto& [name, line] : lines) {
    line.name = name;
    line.reference = "transformers 5.12, jinja2 3.1";
    result.subjects.push_back(line);
  }
  return result;
}

} // namespace model_server::testing
