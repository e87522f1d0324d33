// Finds filters by name.
#include "models/text/template_filters.hpp"

#include <fmt/format.h>

namespace model_server {

template_value template_renderer::apply_filter(const std::string& name,
                                               const template_value& input,
                                               const call_arguments& given) {
  spend(1);
  for (auto* table :
       {&value_filters(), &number_filters(), &list_filters(), &order_filters()})
    if (auto found = table->find(name); found != table->end())
      return found->second(*this, input, given);
  throw template_error{fmt::format("the filter \"{}\" is not supported", name)};
}

} // namespace model_server
