// The families' readers, a file each, named after the family.
#pragma once

#include "models/nets/decoder_spec.hpp"
#include "models/weights/json_file.hpp"

namespace model_server {

// Each reads a config.json of its family, and throws as family.hpp says.
#define MODEL_SERVER_FAMILY(type, architecture, reader)                        \
  decoder_spec reader(const config_fields& config);
#include "models/nets/families/families.def"
#undef MODEL_SERVER_FAMILY

} // namespace model_server
