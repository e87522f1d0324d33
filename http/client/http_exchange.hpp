// Requests of a client, through libcurl, on the caller's thread.
#pragma once

#include "http/client/interrupt.hpp"

#include <curl/curl.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

struct client_request {
  std::string url;
  /// Whole lines, `Name: value`.
  std::vector<std::string> fields;
  /// Something makes it a POST of JSON.
  std::string body;
  /// An answer that stands still for so long has failed; 0 waits on.
  std::chrono::seconds patience{0};
  /// What the whole exchange may take; 0 is no limit.
  std::chrono::seconds limit{0};
  /// Also a certificate that is false or for another name.
  bool takes_any_certificate = false;
};

/// The beginning of an answer.
struct http_head {
  long status = 0;
  /// Names in lower case.
  std::map<std::string, std::string> fields;

  /// Empty if there is no such field.
  std::string field(const std::string& name) const;
};

enum class exchange_end {
  complete,
  /// The receiver wanted no more of it.
  stopped,
  /// Nobody answers there.
  no_connection,
  /// Broken off or standing still: it may go well another time.
  broken,
  /// Not to be had, however often it is tried: a false certificate, say.
  impossible,
};

/// One request and its answer, which is handed out as it comes.
class http_exchange {
public:
  /// Is given the body piece by piece, after the head; false wants no more.
  using receiver = std::function<bool(const http_head&, std::string_view)>;

  http_exchange(client_request request, receiver receive);
  ~http_exchange();

  http_exchange(const http_exchange&) = delete;
  http_exchange& operator=(const http_exchange&) = delete;

  const http_head& head() const {
    return head_;
  }

  exchange_end end() const {
    return end_;
  }

  /// What went wrong, in a few words.
  const std::string& problem() const {
    return problem_;
  }

private:
  friend class http_loop;

  static std::size_t take_head(char* bytes, std::size_t, std::size_t size,
                               void* self);
  static std::size_t take_body(char* bytes, std::size_t, std::size_t size,
                               void* self);
  void leave_loop();
  void finish(CURLcode code);

  client_request request_;
  receiver receive_;
  std::unique_ptr<CURL, void (*)(CURL*)> handle_;
  /// Where it is under way; null before and afterwards.
  CURLM* loop_ = nullptr;
  curl_slist* fields_ = nullptr;
  std::string error_text_;
  http_head head_;
  std::exception_ptr thrown_;
  bool is_stopped_ = false;
  exchange_end end_ = exchange_end::broken;
  std::string problem_;
};

/// Runs exchanges side by side. Connections are kept for those that follow.
class http_loop {
public:
  /// Ctrl-C is of interest only if there is a watch, which outlives this.
  explicit http_loop(const interrupt_watch* watch = nullptr);

  /// Begins one. It ends at the latest when it is destroyed, before this is.
  void start(http_exchange& exchange);

  /// Waits until one has ended, and gives it. Throws `interrupted`, and what
  /// receivers throw.
  http_exchange& wait();

  /// Starts one and waits for its end; there is no other under way.
  void run(http_exchange& exchange);

private:
  http_exchange* take_ended();

  const interrupt_watch* watch_;
  std::unique_ptr<CURLM, void (*)(CURLM*)> handle_;
};

/// An answer as a whole.
struct client_answer {
  exchange_end end = exchange_end::broken;
  std::string problem;
  http_head head;
  std::string body;
};

/// Runs one exchange whose answer has at most so many bytes. Throws
/// `interrupted`.
client_answer fetch(http_loop& loop, client_request request,
                    std::size_t max_bytes);

} // namespace model_server
