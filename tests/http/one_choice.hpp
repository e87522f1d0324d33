// Answers of one reply, and what is written to them.
#pragma once

#include "http/streamed_answer.hpp"
#include "http/whole_answer.hpp"

#include "recording_answer.hpp"

#include <memory>
#include <utility>

namespace model_server {

template <class Answer>
choice_writer one_choice(recorded_answer& record,
                         std::unique_ptr<reply_format> format) {
  return {std::make_shared<Answer>(std::make_unique<recording_answer>(record),
                                   std::move(format), choice_counts{}),
          0};
}

inline choice_writer streamed_choice(recorded_answer& record,
                                     std::unique_ptr<reply_format> format) {
  return one_choice<streamed_answer>(record, std::move(format));
}

inline choice_writer whole_choice(recorded_answer& record,
                                  std::unique_ptr<reply_format> format) {
  return one_choice<whole_answer>(record, std::move(format));
}

} // namespace model_server
