// The forms in which the tests keep the weights of a network.
#pragma once

#include "models/nets/linear_weights.hpp"

#include <string>
#include <vector>

namespace model_server::testing {

struct named_form {
  std::string name;
  weight_form form;
};

inline std::vector<named_form> weight_forms() {
  return {{"f32", {number_format::f32, std::nullopt}},
          {"bf16", {number_format::bf16, std::nullopt}},
          {"packed_bf16", {std::nullopt, packed_format::bf16}},
          {"int8", {std::nullopt, packed_format::int8}},
          {"int4", {std::nullopt, packed_format::int4}}};
}

} // namespace model_server::testing
