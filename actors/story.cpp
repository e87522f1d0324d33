// Names of what happens to a reply.
#include "actors/story.hpp"

namespace model_server {

std::string to_string(story_step step) {
  switch (step) {
  case story_step::queued:
    return "queued";
  case story_step::placed:
    return "placed";
  case story_step::prompt_read:
    return "prompt_read";
  case story_step::left:
    return "left";
  case story_step::moved:
    return "moved";
  case story_step::ended:
    return "ended";
  }
  return "ended";
}

} // namespace model_server
