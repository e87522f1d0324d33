// Reads token ids from settings.
#include "models/weights/token_list.hpp"

namespace model_server {

std::vector<token_id> read_token_list(const config_fields& fields,
                                      const char* key) {
  std::vector<token_id> result;
  auto value = fields.find(key);
  if (value == nullptr)
    return result;
  auto add = [&](const rapidjson::Value& item) {
    if (!item.IsInt() || item.GetInt() < 0)
      fields.refuse(key, "must be a token id or a list of them");
    result.push_back(item.GetInt());
  };
  if (value->IsArray())
    for (auto& item : value->GetArray())
      add(item);
  else
    add(*value);
  return result;
}

} // namespace model_server
