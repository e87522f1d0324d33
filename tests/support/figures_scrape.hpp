// What the figures of a front say, without a server around them.
#pragma once

#include "actors/figures.hpp"
#include "tests/support/scrape.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace model_server {

inline scrape scrape_of(const figures& counted) {
  return scrape{prometheus::TextSerializer{}.Serialize(counted.collect())};
}

} // namespace model_server
