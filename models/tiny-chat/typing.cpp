// Careless typing: one or two wrong letters, all in lower case, no marks.
#include "models/tiny-chat/typing.hpp"

#include "models/tiny-chat/text_pieces.hpp"

#include <algorithm>
#include <string_view>

namespace model_server::tiny_chat {

namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Returns a letter beside this one on the keyboard.
char neighbour(char c, random_source& random) {
  for (std::string_view row : {"qwertyuiop", "asdfghjkl", "zxcvbnm"}) {
    auto at = row.find(c);
    if (at == row.npos)
      continue;
    if (at == 0 || (at + 1 < row.size() && random.chance(0.5)))
      return row[at + 1];
    return row[at - 1];
  }
  return c;
}

/// Makes one typing error inside a word of five letters or more.
void slip(std::string& text, random_source& random) {
  if (text.empty())
    return;
  auto at = random.below(text.size());
  auto begin = at, end = at;
  while (begin > 0 && is_letter(text[begin - 1]))
    --begin;
  while (end < text.size() && is_letter(text[end]))
    ++end;
  if (end < begin + 5 || at == begin || at + 1 >= end)
    return;
  switch (random.below(4)) {
  case 0:
    std::swap(text[at], text[at + 1]);
    break;
  case 1:
    text.erase(at, 1);
    break;
  case 2:
    text.insert(at, 1, text[at]);
    break;
  default:
    text[at] = neighbour(text[at], random);
  }
}

void change_marks(std::string& text, random_source& random) {
  static const std::vector<std::string> marks = {
      "", "", "", "", "?", "?", "?", ".", "!", " ?", "??", "...", "?!"};
  text = without_end_marks(text) + random.one_of(marks);
}

void change_case(std::string& text, random_source& random) {
  if (random.chance(0.45)) {
    text = lowered(text);
  } else if (random.chance(0.3)) {
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z')
      text[0] = static_cast<char>(text[0] - 'a' + 'A');
  } else if (random.chance(0.03)) {
    for (auto& c : text)
      if (c >= 'a' && c <= 'z')
        c = static_cast<char>(c - 'a' + 'A');
  }
}

} // namespace

std::string type_carelessly(std::string wording, random_source& random) {
  for (auto left = random.chance(0.3) ? 1 + random.below(3) : 0; left > 0;
       --left)
    slip(wording, random);
  if (random.chance(0.6))
    change_marks(wording, random);
  change_case(wording, random);
  return wording;
}

} // namespace model_server::tiny_chat
