// What has been said to a model and by it, as the next request tells it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

class conversation {
public:
  /// What the model is told before everything else; empty for nothing.
  void set_system(std::string text);

  /// A field of the request. The value is JSON, or text where it is none.
  /// Throws `config_error` for a field that is not the user's to set; whether
  /// the server knows it is for the server to say.
  void set_field(const std::string& name, std::string_view value);

  /// As if it had never been set; false if it was not.
  bool unset_field(const std::string& name);

  /// The fields that are set, their values as JSON.
  const std::map<std::string, std::string>& fields() const {
    return fields_;
  }

  void say(std::string_view text);
  void hear(std::string_view text);
  /// Forgets what was said last.
  void take_back();
  /// Forgets all that was said; the system's text and the fields stay.
  void begin_anew();

  /// The body of a streamed call.
  std::string body() const;

private:
  struct turn {
    const char* role;
    std::string content;
  };

  std::string system_;
  std::map<std::string, std::string> fields_;
  std::vector<turn> turns_;
};

} // namespace model_server
