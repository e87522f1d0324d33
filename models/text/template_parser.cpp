// Walks the tokens for all of the parser.
#include "models/text/template_parser.hpp"

#include "models/text/chat_template.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace model_server {

namespace {

using kind = template_token_kind;

constexpr std::size_t max_depth = 200;

} // namespace

template_parser::level::level(template_parser& parser) : parser_(parser) {
  if (++parser_.depth_ > max_depth) {
    --parser_.depth_;
    parser_.fail(fmt::format("is nested deeper than {}", max_depth));
  }
}

template_parser::template_parser(std::string_view source)
    : tokens_(lex_template(source)) {
  // nop
}

template_tree template_parser::parse() {
  auto body = parse_body({});
  return {std::move(body), std::move(names_)};
}

const template_token& template_parser::ahead() const {
  return tokens_[std::min(at_ + 1, tokens_.size() - 1)];
}

template_token template_parser::take() {
  auto& token = tokens_[at_];
  if (token.kind != kind::end)
    ++at_;
  return token;
}

bool template_parser::skip_op(std::string_view spelling) {
  auto found = current().is_op(spelling);
  at_ += found;
  return found;
}

bool template_parser::skip_name(std::string_view spelling) {
  auto found = current().is_name(spelling);
  at_ += found;
  return found;
}

void template_parser::expect_op(std::string_view spelling) {
  if (!skip_op(spelling))
    fail_unexpected();
}

std::string template_parser::expect_name() {
  if (current().kind != kind::name)
    fail_unexpected();
  return take().text;
}

void template_parser::expect_block_end() {
  if (current().kind != kind::block_end)
    fail_unexpected();
  take();
}

void template_parser::fail(const std::string& why) const {
  throw template_error{fmt::format("line {}: {}", current().line, why)};
}

void template_parser::fail_unexpected() const {
  switch (current().kind) {
  case kind::end:
    fail("unexpected end of the template");
  case kind::variable_end:
    fail("unexpected \"}}\"");
  case kind::block_end:
    fail("unexpected \"%}\"");
  default:
    fail(fmt::format("unexpected \"{:.80}\"", current().text));
  }
}

std::size_t template_parser::slot_of(const std::string& name) {
  auto [place, is_new] = slots_.try_emplace(name, names_.size());
  if (is_new)
    names_.push_back(name);
  return place->second;
}

} // namespace model_server
