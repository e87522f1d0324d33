// A chat template: the part of Jinja that published models use, with budgets.
#pragma once

#include "models/text/prompt_segment.hpp"
#include "models/text/template_value.hpp"

#include <chrono>
#include <cstddef>
#include <ctime>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// A template that is not understood, or that cannot be rendered with the
/// values it was given. The text says where.
class template_error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The template itself refused the conversation (`raise_exception`); the text
/// is the template's.
class template_refusal : public template_error {
  using template_error::template_error;
};

/// What one rendering may use before it is ended with an error.
struct template_limits {
  /// Evaluated nodes and loop rounds.
  std::size_t max_steps = 5'000'000;
  /// Bytes of the result, and of any one string on the way.
  std::size_t max_output_bytes = std::size_t{16} << 20;
  /// Bytes of all strings and lists made on the way, dead ones included.
  std::size_t max_made_bytes = std::size_t{512} << 20;
  /// Nested expressions, blocks and macro calls.
  std::size_t max_depth = 600;
  std::chrono::milliseconds max_time{5000};
};

/// Tells the local time to `strftime_now`.
using template_clock = std::function<std::tm()>;

/// The clock of this machine.
template_clock local_clock();

/// A parsed template. Constant after construction; renderings may overlap.
class chat_template {
public:
  /// Parses; throws `template_error` for what is not understood.
  explicit chat_template(std::string_view source);
  chat_template(chat_template&&) noexcept;
  chat_template& operator=(chat_template&&) noexcept;
  ~chat_template();

  /// Renders with `variables` in scope. The template's own words and trusted
  /// strings come out as trusted segments. Neighbours differ in trust.
  std::vector<prompt_segment>
  render(const template_dict& variables, const template_limits& limits = {},
         const template_clock& clock = local_clock()) const;

private:
  struct parts;
  std::unique_ptr<const parts> parts_;
};

} // namespace model_server
