// One answer to the client, written by one reply or by several.
#pragma once

#include "actors/reply_writer.hpp"
#include "http/exchange.hpp"
#include "http/reply_format.hpp"
#include "http/reply_group.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

namespace model_server {

/// How many choices an answer has: some for each prompt, which follow each
/// other.
struct choice_counts {
  std::size_t prompts = 1;
  std::size_t per_prompt = 1;

  std::size_t all() const {
    return prompts * per_prompt;
  }
};

/// Joins the choices of a request, each made by a reply actor of its own: it is
/// what their writers write to. The answer begins when all of them are
/// admitted, ends with the last, and fails as a whole with the first that
/// fails; then the others are stopped. Calls come from any thread; what the two
/// kinds of answers do happens one after the other.
class joint_answer {
public:
  joint_answer(std::unique_ptr<http_answer> answer,
               std::unique_ptr<reply_format> format, choice_counts counts);
  joint_answer(const joint_answer&) = delete;
  joint_answer& operator=(const joint_answer&) = delete;
  virtual ~joint_answer() = default;

  /// Whom the client's fate is told; to be given each reply once it exists.
  reply_group& replies() {
    return *replies_;
  }

  /// What to do when so many choices are admitted as there are prompts. To be
  /// set before there is any reply.
  void when_prompts_are_in(std::function<void()> action);

  /// What to do when the first choice is admitted, and whenever one has ended
  /// and the answer goes on. To be set before there is any reply.
  void when_there_is_room(std::function<void()> first,
                          std::function<void()> later);

  // As in `reply_writer`, for one of the choices.
  void begin(std::size_t choice, std::string_view device);
  void resume(std::size_t choice, std::string_view device);
  void text(std::size_t choice, std::string_view piece, std::uint64_t last,
            std::span<const token> tokens);
  void end(std::size_t choice, const reply_summary& summary);
  void fail(std::size_t choice, failure reason);
  void ping(std::size_t choice);
  virtual bool reports_progress() const = 0;

protected:
  // Never called after the answer's end.
  virtual void write_beginning() = 0;
  virtual void write_text(std::size_t choice, std::string_view piece,
                          std::uint64_t last,
                          std::span<const token> tokens) = 0;
  /// Others are still to end.
  virtual void write_choice_end(std::size_t choice) = 0;
  /// This choice is the last to end.
  virtual void write_end(std::size_t choice, const usage_counts& usage) = 0;
  virtual void write_failure(const failure& reason) = 0;
  virtual void write_ping() = 0;

  http_answer& answer() {
    return *answer_;
  }
  reply_format& format() {
    return *format_;
  }
  /// All choices are admitted.
  bool has_begun() const {
    return begun_ >= counts_.all();
  }
  /// Those that have ended have their summary; the text is the writer's affair.
  std::vector<written_choice>& choices() {
    return choices_;
  }

private:
  // The first choice that has not ended; their number if all have.
  std::size_t first_going_on() const;
  usage_counts usage() const;

  std::mutex lock_;
  // Shared with the callbacks of the answer, which may outlive it.
  std::shared_ptr<reply_group> replies_;
  std::unique_ptr<http_answer> answer_;
  std::unique_ptr<reply_format> format_;
  std::vector<written_choice> choices_;
  std::vector<bool> has_ended_;
  choice_counts counts_;
  std::function<void()> prompts_are_in_;
  std::function<void()> first_is_in_;
  std::function<void()> one_has_ended_;
  std::size_t begun_ = 0;
  bool is_over_ = false;
};

/// Writes one choice of a joint answer.
class choice_writer : public reply_writer {
public:
  choice_writer(std::shared_ptr<joint_answer> answer, std::size_t choice);

  void begin(const admitted& facts) override;
  void resume(const admitted& facts) override;
  void text(std::string_view piece, std::uint64_t last,
            std::span<const token> tokens) override;
  void end(const reply_summary& summary) override;
  void fail(const failure& reason) override;
  void ping() override;
  bool reports_progress() const override;

private:
  std::shared_ptr<joint_answer> answer_;
  std::size_t choice_;
};

} // namespace model_server
