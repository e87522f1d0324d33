// Reads the status of a server and shows it.
#include "http/client/model_list.hpp"

#include "http/client/terminal_text.hpp"
#include "models/text/json_node.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace model_server {

namespace {

std::string text_or_none(const json_node& object, const char* key) {
  auto found = object.find(key);
  return found ? std::string{found->text()} : "";
}

std::string read_entity(const json_node& entity) {
  auto node = text_or_none(entity, "node");
  auto device = text_or_none(entity, "device");
  auto state = text_or_none(entity, "state");
  auto result = node.empty() || node == "local" ? device : node + "/" + device;
  if (auto progress = entity.find("progress"))
    state += fmt::format(" {:.0f} %", progress->real() * 100);
  if (auto reason = text_or_none(entity, "reason"); !reason.empty())
    state += ": " + reason;
  return state == "ready" ? result : fmt::format("{} ({})", result, state);
}

} // namespace

std::vector<listed_model> read_status(const std::string& body) {
  json_document document{body, "the server's status"};
  auto models = json_node{document.root(), "the server's status"}.get("models");
  if (!models.is_object())
    models.fail("is no object");
  std::vector<listed_model> result;
  for (const auto& member : models.value().GetObject()) {
    json_node model{member.value, std::string{text_of(member.name)}};
    listed_model listed{std::string{text_of(member.name)},
                        text_or_none(model, "state"),
                        text_or_none(model, "entry"),
                        {}};
    if (auto entities = model.find("entities"))
      for (const auto& entity : entities->items())
        listed.devices.push_back(read_entity(entity));
    result.push_back(std::move(listed));
  }
  return result;
}

std::vector<listed_model> read_model_cards(const std::string& body) {
  json_document document{body, "the server's models"};
  auto cards = json_node{document.root(), "the server's models"}.get("data");
  std::vector<listed_model> result;
  for (const auto& card : cards.items())
    result.push_back({std::string{card.get("id").text()},
                      text_or_none(card, "state"),
                      text_or_none(card, "entry"),
                      {}});
  return result;
}

std::string model_table(const std::vector<listed_model>& models) {
  std::vector<std::vector<std::string>> rows{
      {"MODEL", "STATE", "ENTRY", "DEVICES"}};
  for (const auto& model : models)
    rows.push_back({model.name, model.state, model.entry,
                    fmt::format("{}", fmt::join(model.devices, ", "))});
  return text_table(rows);
}

std::string text_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> shown;
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    shown.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      auto text = plain_text(row[i]);
      std::ranges::replace(text, '\n', ' ');
      widths.resize(std::max(widths.size(), i + 1));
      widths[i] = std::max(widths[i], count_utf8(text));
      shown.back().push_back(std::move(text));
    }
  }
  std::string result;
  for (const auto& row : shown) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size())
        line.append(widths[i] - count_utf8(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    result += line + "\n";
  }
  return result;
}

} // namespace model_server
