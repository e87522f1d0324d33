// Rewrites the patterns of tokenizer files for the engine that runs them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace model_server {

/// `pattern`, written for Oniguruma, in PCRE2's words: what the two spell alike
/// but mean differently is spelled out. `is_script` says if PCRE2 knows a
/// script of that name. Throws `std::runtime_error` for what has no
/// counterpart.
std::string to_pcre2(std::string_view pattern,
                     const std::function<bool(const std::string&)>& is_script);

} // namespace model_server
