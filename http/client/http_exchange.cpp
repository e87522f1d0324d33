// Requests of a client, through libcurl.
#include "http/client/http_exchange.hpp"

#include "config/line_text.hpp"
#include "config/version.hpp"

#include <fmt/format.h>

#include <cassert>
#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

constexpr long connect_seconds = 15;
/// Where Ctrl-C cannot wake the loop, nothing else needs it so often.
constexpr int longest_wait_ms = 1000;
constexpr long receive_bytes = 256 << 10;

void set(CURL* handle, CURLoption option, auto value) {
  if (auto code = curl_easy_setopt(handle, option, value); code != CURLE_OK)
    throw std::runtime_error(
        fmt::format("libcurl: {}", curl_easy_strerror(code)));
}

std::string variable(const char* name) {
  const auto* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Hosts that no proxy of the environment leads to: this machine, and those that
// the environment excepts.
std::string hosts_without_proxy() {
  auto result = variable("no_proxy");
  if (result.empty())
    result = variable("NO_PROXY");
  if (result == "*")
    return result;
  return result + (result.empty() ? "" : ",") + "localhost,127.0.0.1,::1";
}

exchange_end meaning_of(CURLcode code) {
  switch (code) {
  case CURLE_OK:
    return exchange_end::complete;
  case CURLE_COULDNT_CONNECT:
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
    return exchange_end::no_connection;
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_URL_MALFORMAT:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_OUT_OF_MEMORY:
    return exchange_end::impossible;
  default:
    return exchange_end::broken;
  }
}

long status_of(std::string_view line) {
  auto space = line.find(' ');
  long result = 0;
  if (space != line.npos)
    std::from_chars(line.data() + space + 1, line.data() + line.size(), result);
  return result;
}

std::string lower(std::string_view text) {
  std::string result{text};
  for (auto& c : result)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return result;
}

} // namespace

std::string http_head::field(const std::string& name) const {
  auto found = fields.find(name);
  return found == fields.end() ? "" : found->second;
}

// -- http_exchange ------------------------------------------------------------

http_exchange::http_exchange(client_request request, receiver receive)
    : request_(std::move(request)),
      receive_(std::move(receive)),
      handle_(curl_easy_init(), curl_easy_cleanup),
      error_text_(CURL_ERROR_SIZE, '\0') {
  auto* handle = handle_.get();
  if (handle == nullptr)
    throw std::runtime_error("libcurl does not start");
  set(handle, CURLOPT_URL, request_.url.c_str());
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_NOPROXY, hosts_without_proxy().c_str());
  set(handle, CURLOPT_CONNECTTIMEOUT, connect_seconds);
  set(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  set(handle, CURLOPT_BUFFERSIZE, receive_bytes);
  set(handle, CURLOPT_USERAGENT,
      fmt::format("model_api/{}", server_version()).c_str());
  if (auto file = variable("SSL_CERT_FILE"); !file.empty())
    set(handle, CURLOPT_CAINFO, file.c_str());
  if (request_.takes_any_certificate) {
    set(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    set(handle, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (request_.limit.count() > 0)
    set(handle, CURLOPT_TIMEOUT, static_cast<long>(request_.limit.count()));
  if (request_.patience.count() > 0) {
    set(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(handle, CURLOPT_LOW_SPEED_TIME,
        static_cast<long>(request_.patience.count()));
  }
  if (!request_.body.empty()) {
    request_.fields.emplace_back("Content-Type: application/json");
    request_.fields.emplace_back("Expect:"); // send the body at once
    set(handle, CURLOPT_POSTFIELDSIZE_LARGE,
        static_cast<curl_off_t>(request_.body.size()));
    set(handle, CURLOPT_POSTFIELDS, request_.body.c_str());
  }
  for (const auto& field : request_.fields)
    fields_ = curl_slist_append(fields_, field.c_str());
  set(handle, CURLOPT_HTTPHEADER, fields_);
  set(handle, CURLOPT_ERRORBUFFER, error_text_.data());
  set(handle, CURLOPT_HEADERFUNCTION, &take_head);
  set(handle, CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(handle, CURLOPT_WRITEFUNCTION, &take_body);
  set(handle, CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(handle, CURLOPT_PRIVATE, static_cast<void*>(this));
}

http_exchange::~http_exchange() {
  leave_loop();
  handle_.reset();
  curl_slist_free_all(fields_);
}

std::size_t http_exchange::take_head(char* bytes, std::size_t, std::size_t size,
                                     void* self) {
  auto& head = static_cast<http_exchange*>(self)->head_;
  std::string_view line{bytes, size};
  if (line.starts_with("HTTP/"))
    head = {status_of(line), {}};
  else if (auto colon = line.find(':'); colon != line.npos)
    head.fields[lower(line.substr(0, colon))] =
        trimmed_line(line.substr(colon + 1));
  return size;
}

std::size_t http_exchange::take_body(char* bytes, std::size_t, std::size_t size,
                                     void* self) {
  auto& exchange = *static_cast<http_exchange*>(self);
  try {
    if (exchange.receive_(exchange.head_, {bytes, size}))
      return size;
    exchange.is_stopped_ = true;
  } catch (...) { // not through libcurl, which is C
    exchange.thrown_ = std::current_exception();
  }
  return CURL_WRITEFUNC_ERROR;
}

void http_exchange::leave_loop() {
  if (loop_ != nullptr)
    curl_multi_remove_handle(std::exchange(loop_, nullptr), handle_.get());
}

void http_exchange::finish(CURLcode code) {
  leave_loop();
  end_ = is_stopped_ ? exchange_end::stopped : meaning_of(code);
  if (end_ == exchange_end::complete)
    return;
  problem_ = error_text_.c_str();
  if (problem_.empty())
    problem_ = curl_easy_strerror(code);
}

// -- http_loop ----------------------------------------------------------------

http_loop::http_loop(const interrupt_watch* watch)
    : watch_(watch),
      handle_(nullptr, [](CURLM* handle) { curl_multi_cleanup(handle); }) {
  static const auto started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started == CURLE_OK)
    handle_.reset(curl_multi_init());
  if (handle_ == nullptr)
    throw std::runtime_error("libcurl does not start");
}

void http_loop::start(http_exchange& exchange) {
  exchange.loop_ = handle_.get();
  curl_multi_add_handle(handle_.get(), exchange.handle_.get());
}

http_exchange* http_loop::take_ended() {
  int left = 0;
  while (auto* message = curl_multi_info_read(handle_.get(), &left)) {
    if (message->msg != CURLMSG_DONE)
      continue;
    auto code = message->data.result;
    auto* handle = message->easy_handle;
    char* owner = nullptr;
    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &owner);
    auto* exchange = static_cast<http_exchange*>(static_cast<void*>(owner));
    exchange->finish(code);
    return exchange;
  }
  return nullptr;
}

http_exchange& http_loop::wait() {
  for (;;) {
    if (watch_ != nullptr && watch_->is_set())
      throw interrupted{};
    int running = 0;
    auto code = curl_multi_perform(handle_.get(), &running);
    if (auto* ended = take_ended()) {
      if (ended->thrown_)
        std::rethrow_exception(ended->thrown_);
      return *ended;
    }
    assert(running > 0 && "nothing has been started");
    curl_waitfd interrupt{};
    if (watch_ != nullptr)
      interrupt = {watch_->descriptor(), CURL_WAIT_POLLIN, 0};
    if (code == CURLM_OK)
      code = curl_multi_poll(handle_.get(), &interrupt, watch_ ? 1 : 0,
                             longest_wait_ms, nullptr);
    if (code != CURLM_OK)
      throw std::runtime_error(
          fmt::format("libcurl: {}", curl_multi_strerror(code)));
  }
}

void http_loop::run(http_exchange& exchange) {
  start(exchange);
  wait();
}

client_answer fetch(http_loop& loop, client_request request,
                    std::size_t max_bytes) {
  client_answer result;
  http_exchange exchange{std::move(request),
                         [&](const http_head&, std::string_view bytes) {
                           result.body += bytes;
                           return result.body.size() <= max_bytes;
                         }};
  loop.run(exchange);
  result.end = exchange.end();
  result.problem = exchange.problem();
  result.head = exchange.head();
  if (result.end == exchange_end::stopped) {
    result.end = exchange_end::impossible;
    result.problem =
        fmt::format("the answer is larger than {} bytes", max_bytes);
  }
  return result;
}

} // namespace model_server
