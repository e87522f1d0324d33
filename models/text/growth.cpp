// Says when a text grows too much.
#include "models/text/growth.hpp"

#include "models/text/unicode_pattern.hpp"

#include <fmt/format.h>

namespace model_server {

void check_growth(std::size_t made, std::size_t from) {
  constexpr std::size_t times = 64;
  constexpr std::size_t always = 64 * 1024;
  if (made > always && made - always > times * from)
    throw pattern_gave_up{
        fmt::format("{} bytes of text become {}, more than {} times as many",
                    from, made, times)};
}

} // namespace model_server
