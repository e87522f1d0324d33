// Fields that are known and not built yet: what asks for nothing is taken, all
// else is refused by name rather than passed over.
#pragma once

#include "http/json_fields.hpp"

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace model_server {

/// Takes nothing but an absent field or null.
void expect_absent(json_fields& body, std::string_view name);

/// Takes a list without items.
void expect_no_items(json_fields& body, std::string_view name);

/// Takes one of these strings; any other value is refused.
void expect_word(json_fields& body, std::string_view name,
                 std::initializer_list<std::string_view> neutral);

/// Takes this number, which is not 0.
void expect_number(json_fields& body, std::string_view name,
                   std::uint64_t neutral);

/// Takes this truth value.
void expect_boolean(json_fields& body, std::string_view name, bool neutral);

/// Takes a `response_format` of type text.
void expect_text_format(json_fields& body);

} // namespace model_server
