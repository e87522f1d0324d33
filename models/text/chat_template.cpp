// Parses a template once, renders it often.
#include "models/text/chat_template.hpp"

#include "models/text/template_parser.hpp"
#include "models/text/template_renderer.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <utility>

namespace model_server {

namespace {

/// The largest published template has 30 KB.
constexpr std::size_t max_source_bytes = 1024 * 1024;

template_tree parse(std::string_view source) {
  if (source.size() > max_source_bytes)
    throw template_error{fmt::format("has {} bytes; the limit is {}",
                                     source.size(), max_source_bytes)};
  if (!is_valid_utf8(source))
    throw template_error{"is not UTF-8"};
  return template_parser{source}.parse();
}

} // namespace

struct chat_template::parts {
  template_tree tree;
};

template_clock local_clock() {
  return [] {
    auto now = std::time(nullptr);
    std::tm result{};
    localtime_r(&now, &result);
    return result;
  };
}

chat_template::chat_template(std::string_view source)
    : parts_(std::make_unique<const parts>(parts{parse(source)})) {
  // nop
}

chat_template::chat_template(chat_template&&) noexcept = default;

chat_template& chat_template::operator=(chat_template&&) noexcept = default;

chat_template::~chat_template() = default;

std::vector<prompt_segment>
chat_template::render(const template_dict& variables,
                      const template_limits& limits,
                      const template_clock& clock) const {
  return template_renderer{parts_->tree, limits, clock}.run(variables);
}

} // namespace model_server
