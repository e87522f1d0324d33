// Logs what is said in a request, for a server that was told to.
#pragma once

#include "http/passing_writer.hpp"

#include <memory>
#include <string>

namespace model_server {

/// Passes a reply on to another writer. When it is over, however it ended, logs
/// the message it answers and its own text, as far as a log shows them.
class logging_writer : public passing_writer {
public:
  logging_writer(std::unique_ptr<reply_writer> next, const request_names& names,
                 const generation_request& request);
  ~logging_writer() override;

  void text(std::string_view piece, std::uint64_t last,
            std::span<const token> tokens) override;

private:
  request_names names_;
  std::string prompt_;
  std::string reply_;
};

} // namespace model_server
