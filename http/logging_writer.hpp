// Logs what is said in a request, for a server that was told to.
#pragma once

#include "actors/reply_writer.hpp"

#include <memory>
#include <string>

namespace model_server {

/// Passes a reply on to another writer. When it is over, however it ended, logs
/// the message it answers and its own text, as far as a log shows them.
class logging_writer : public reply_writer {
public:
  logging_writer(std::unique_ptr<reply_writer> next, const request_names& names,
                 const generation_request& request);
  ~logging_writer() override;

  void begin(const admitted& facts) override;
  void resume(const admitted& facts) override;
  void text(std::string_view piece, std::uint64_t last,
            std::span<const token> tokens) override;
  void end(const reply_summary& summary) override;
  void fail(const failure& reason) override;
  void ping() override;
  bool reports_progress() const override;

private:
  std::unique_ptr<reply_writer> next_;
  request_names names_;
  std::string prompt_;
  std::string reply_;
};

} // namespace model_server
