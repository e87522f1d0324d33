// Figures as Prometheus reads them.
#pragma once

#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace model_server {

/// What a text in Prometheus' format says. Series are named as they stand
/// there, `model_server_resumes_total{model="m"}`; labels are in the order of
/// their names.
class scrape {
public:
  explicit scrape(const std::string& text) {
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);)
      read(line);
  }

  bool has(const std::string& series) const {
    return values_.contains(series);
  }

  /// Throws, which fails the test, if there is no such series.
  double value(const std::string& series) const {
    auto found = values_.find(series);
    if (found == values_.end())
      throw std::runtime_error("no series " + series);
    return found->second;
  }

  /// Of every family its type; `counter`, `gauge` or `histogram`.
  const std::map<std::string, std::string>& types() const {
    return types_;
  }

  const std::map<std::string, double>& values() const {
    return values_;
  }

  /// The names of all labels of a family, but for `le`, with a blank between
  /// them.
  std::string labels(const std::string& family) const {
    std::set<std::string> names;
    for (const auto& [series, value] : values_) {
      auto brace = series.find('{');
      if (family_of(series.substr(0, brace)) != family)
        continue;
      // No value of ours holds a quotation mark.
      for (auto rest = brace; rest != std::string::npos;) {
        auto equals = series.find("=\"", rest);
        if (equals == std::string::npos)
          break;
        names.insert(series.substr(rest + 1, equals - rest - 1));
        rest = series.find(',', series.find('"', equals + 2));
      }
    }
    names.erase("le");
    std::string result;
    for (const auto& name : names)
      result += (result.empty() ? "" : " ") + name;
    return result;
  }

  /// That a series of this name belongs to: histograms have several.
  std::string family_of(const std::string& name) const {
    for (std::string_view suffix : {"_bucket", "_sum", "_count"})
      if (name.ends_with(suffix)) {
        auto family = name.substr(0, name.size() - suffix.size());
        if (types_.contains(family))
          return family;
      }
    return types_.contains(name) ? name : "";
  }

private:
  void read(const std::string& line) {
    std::istringstream words{line};
    std::string first, kind, name, type;
    if (line.starts_with("#")) {
      words >> first >> kind >> name >> type;
      if (kind == "TYPE")
        types_[name] = type;
      return;
    }
    if (auto end = line.rfind(' '); end != std::string::npos)
      values_[line.substr(0, end)] = std::stod(line.substr(end + 1));
  }

  std::map<std::string, std::string> types_;
  std::map<std::string, double> values_;
};

} // namespace model_server
