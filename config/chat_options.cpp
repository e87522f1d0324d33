// The command line of `model_api chat`.
#include "config/chat_options.hpp"

#include "config/entry_params.hpp"

namespace model_server {

namespace {

constexpr auto notes =
    "Without a MESSAGE every line of stdin is one; on a terminal lines can be\n"
    "edited, one that ends with \\ goes on in the next, Ctrl-C stops a reply, "
    "and\n/help tells the commands. Exit status: 0; 1 if a reply failed; 2 for "
    "unusable\narguments; 130 after Ctrl-C.\n";

} // namespace

std::variant<chat_options, early_exit>
read_chat_options(int argc, const char* const* argv,
                  const surroundings& around) {
  chat_options result;
  subcommand what;
  what.name = "chat";
  what.purpose = "Talks to a model of a running server.\n";
  what.usage = "NAME [MESSAGE] [options]";
  what.notes = notes;
  what.arguments = {
      model_argument(result.model),
      {"MESSAGE", "", "say this and print the reply; - is all of stdin", "",
       [&](auto& given) { result.message = given.text; }},
      {"--system", "TEXT", "what the model is told before everything else", "",
       [&](auto& given) { result.system = given.text; }},
      {"--set", "FIELD=VALUE",
       "a field of the request, such as temperature=0.2 or\n"
       "max_tokens=100; may be repeated",
       "",
       [&](auto& given) {
         auto end = given.text.find('=');
         if (end == 0 || end == given.text.npos)
           refuse_value(given, "a field and its value, FIELD=VALUE,");
         result.fields.emplace_back(given.text.substr(0, end),
                                    given.text.substr(end + 1));
       },
       true},
  };
  for (auto& each : access_arguments(result.server))
    what.arguments.push_back(std::move(each));
  if (auto early = read_subcommand(what, argc, argv, around))
    return *early;
  if (result.model.empty())
    throw config_error("chat needs the name of a model; model_api list tells "
                       "those of the server");
  return result;
}

} // namespace model_server
