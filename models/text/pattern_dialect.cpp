// Spells out, construct by construct, what Oniguruma means.
#include "models/text/pattern_dialect.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <stdexcept>
#include <utility>
#include <vector>

namespace model_server {

namespace {

using name_pair = std::pair<std::string_view, std::string_view>;

/// A word character; PCRE2's `\w` has fewer.
constexpr std::string_view word_class = R"(\p{Alphabetic}\p{M}\p{N}\p{Pc})";

/// POSIX names inside a class.
constexpr std::array<name_pair, 8> posix_classes{{
    {"alpha", R"(\p{Alphabetic})"},
    {"alnum", R"(\p{Alphabetic}\p{Nd})"},
    {"digit", R"(\p{Nd})"},
    {"lower", R"(\p{Lowercase})"},
    {"punct", R"(\p{P}\p{S})"},
    {"space", R"(\p{White_Space})"},
    {"upper", R"(\p{Uppercase})"},
    {"word", word_class},
}};

/// Properties that the two engines name differently.
constexpr std::array<name_pair, 12> property_names{{
    {"Alpha", "Alphabetic"},
    {"Digit", "Nd"},
    {"Letter", "L"},
    {"Lower", "Lowercase"},
    {"Mark", "M"},
    {"Number", "N"},
    {"Punct", "P"},
    {"Punctuation", "P"},
    {"Separator", "Z"},
    {"Space", "White_Space"},
    {"Symbol", "S"},
    {"Upper", "Uppercase"},
}};

/// Far more classes within one another than any pattern has.
constexpr std::size_t max_class_depth = 16;

class translator {
public:
  translator(std::string_view pattern,
             const std::function<bool(const std::string&)>& is_script)
      : in_(pattern), is_script_(is_script) {
    // nop
  }

  std::string run() {
    std::string out;
    while (at_ < in_.size()) {
      if (in_[at_] == '\\')
        out += escape(false);
      else if (in_[at_] == '[')
        out += char_class(1);
      else if (in_[at_] == '(')
        out += group();
      else
        out += in_[at_++];
    }
    return out;
  }

private:
  [[noreturn]] static void fail(const std::string& what) {
    throw std::runtime_error{what + " is not supported"};
  }

  bool follows(std::string_view text) const {
    return in_.substr(at_).starts_with(text);
  }

  /// An option that doesn't stand alone at the very front, or another than
  /// `i`, means something else in each engine.
  std::string group() {
    auto begin = at_++;
    if (!follows("?"))
      return "(";
    auto end = at_ + 1;
    while (end < in_.size()
           && (std::isalpha(static_cast<unsigned char>(in_[end]))
               || in_[end] == '-'))
      ++end;
    auto options = in_.substr(at_ + 1, end - at_ - 1);
    if (options.empty() || end == in_.size()
        || (in_[end] != ')' && in_[end] != ':'))
      return "(";
    if ((options != "i" && options != "-i") || (in_[end] == ')' && begin != 0))
      fail("the group \"(?" + std::string{options} + in_[end] + "\"");
    return "(";
  }

  /// One escape, outside or inside a class.
  std::string escape(bool in_class) {
    if (++at_ == in_.size())
      fail("a backslash at the end");
    auto c = in_[at_++];
    auto either = [&](std::string_view inside) {
      return in_class ? std::string{inside} : "[" + std::string{inside} + "]";
    };
    switch (c) {
    case 's':
      return R"(\p{White_Space})";
    case 'S':
      return R"(\P{White_Space})";
    case 'd':
      return R"(\p{Nd})";
    case 'D':
      return R"(\P{Nd})";
    case 'h':
      return either("0-9A-Fa-f");
    case 'w':
      return either(word_class);
    case 'W':
      if (in_class)
        fail(R"(\W in a class)");
      return "[^" + std::string{word_class} + "]";
    case 'u': {
      auto digits = in_.substr(at_, 4);
      at_ += digits.size();
      return R"(\x{)" + std::string{digits} + "}";
    }
    case 'p':
    case 'P':
      return property(c);
    case 'H':
    case 'Q':
    case 'E':
    case 'C':
      fail(std::string{"\\"} + c);
    default:
      return {'\\', c};
    }
  }

  std::string property(char p) {
    auto end = in_.find('}', at_);
    if (!follows("{") || end == std::string_view::npos)
      fail("a property without braces");
    auto name = in_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    if (name.starts_with('^')) {
      name.remove_prefix(1);
      p = p == 'p' ? 'P' : 'p';
    }
    for (auto [theirs, ours] : property_names)
      if (theirs == name)
        name = ours;
    std::string result{name};
    // A bare script name in PCRE2 means its extensions too.
    if (name.size() > 2 && is_script_(result))
      result = "sc:" + result;
    return std::string{'\\', p, '{'} + result + "}";
  }

  /// A class; one of intersections becomes lookaheads before its last part.
  std::string char_class(std::size_t depth) {
    if (depth > max_class_depth)
      fail(fmt::format("a class more than {} deep", max_class_depth));
    ++at_;
    bool negated = follows("^");
    at_ += negated;
    std::vector<std::string> parts(1);
    bool first = true;
    while (first || !follows("]")) {
      if (at_ >= in_.size())
        fail("a class without an end");
      if (follows("&&")) {
        at_ += 2;
        parts.emplace_back();
      } else if (follows("[:")) {
        parts.back() += posix();
      } else if (follows("[")) {
        // A class of its own as one side of an intersection.
        if (!parts.back().empty())
          fail("a class within a class");
        parts.back() = char_class(depth + 1);
        if (!follows("]") && !follows("&&"))
          fail("a class within a class");
      } else if (follows("\\")) {
        parts.back() += escape(true);
      } else {
        parts.back() += in_[at_++];
      }
      first = false;
    }
    ++at_;
    auto bracketed = [](const std::string& part) {
      auto is_class = part.starts_with('[') || part.starts_with("(?:");
      return is_class ? part : "[" + part + "]";
    };
    if (parts.size() == 1 && !parts[0].starts_with('['))
      return (negated ? "[^" : "[") + parts[0] + "]";
    if (negated)
      fail("a negated class of classes");
    std::string result = "(?:";
    for (std::size_t i = 0; i + 1 < parts.size(); ++i)
      result += "(?=" + bracketed(parts[i]) + ")";
    return result + bracketed(parts.back()) + ")";
  }

  std::string posix() {
    auto end = in_.find(":]", at_);
    if (end == std::string_view::npos)
      fail("a class without an end");
    auto name = in_.substr(at_ + 2, end - at_ - 2);
    at_ = end + 2;
    for (auto [theirs, ours] : posix_classes)
      if (theirs == name)
        return std::string{ours};
    fail("[:" + std::string{name} + ":]");
  }

  std::string_view in_;
  const std::function<bool(const std::string&)>& is_script_;
  std::size_t at_ = 0;
};

} // namespace

std::string to_pcre2(std::string_view pattern,
                     const std::function<bool(const std::string&)>& is_script) {
  return translator{pattern, is_script}.run();
}

} // namespace model_server
