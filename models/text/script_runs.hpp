// Where one script ends and another begins.
#pragma once

#include "models/text/unicode_pattern.hpp"

namespace model_server {

/// Finds the runs of one script, as SentencePiece tells scripts apart: spaces
/// and unassigned characters belong to the run before them, and what Japanese
/// is written with is one script. What stands before the first run is in none.
unicode_pattern script_runs();

} // namespace model_server
