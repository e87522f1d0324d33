// Reads generation_config.json.
#include "models/weights/generation_config.hpp"

#include "models/weights/json_file.hpp"
#include "models/weights/token_list.hpp"

namespace model_server {

generation_config read_generation_config(const std::filesystem::path& folder) {
  auto path = folder / "generation_config.json";
  generation_config result;
  if (!std::filesystem::exists(path))
    return result;
  auto document = read_json_file(path);
  config_fields fields{document, path.string()};
  auto& defaults = result.defaults;
  defaults.temperature = fields.number("temperature", 0.0, 100.0);
  if (fields.boolean("do_sample") == false)
    defaults.temperature = 0.0;
  defaults.top_p = fields.number("top_p", 0.0, 1.0);
  if (defaults.top_p == 0.0)
    fields.refuse("top_p", "must be above 0 and at most 1");
  defaults.top_k = fields.integer("top_k", 0, 1 << 30);
  defaults.min_p = fields.number("min_p", 0.0, 1.0);
  defaults.typical_p = fields.number("typical_p", 0.0, 1.0);
  if (defaults.typical_p == 0.0)
    fields.refuse("typical_p", "must be above 0 and at most 1");
  defaults.repetition_penalty = fields.number("repetition_penalty", 0.0, 100.0);
  if (defaults.repetition_penalty == 0.0)
    fields.refuse("repetition_penalty", "must be above 0");
  result.end_tokens = read_token_list(fields, "eos_token_id");
  result.default_max_tokens = static_cast<std::size_t>(
      fields.integer("max_new_tokens", 1, 1 << 30).value_or(0));
  return result;
}

} // namespace model_server
