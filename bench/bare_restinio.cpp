// The rival of http_overhead: RESTinio answering every request with a constant.
//
//   bare_restinio PORT THREADS   answers until it is killed
#include <restinio/all.hpp>

#include <cstdlib>
#include <string>

namespace {

// As long as what the echo entry answers to the benchmark's request.
const std::string answer
  = R"({"id":"call-0000000000000001","model":"echo",)"
    R"("message":{"role":"agent","content":"hello"},)"
    R"("finish_reason":"stop","seed":1,"device":"cpu",)"
    R"("usage":{"prompt_tokens":5,"completion_tokens":5,"cached_tokens":0}})";

struct bare_traits : restinio::default_traits_t {
  using logger_t = restinio::null_logger_t;
};

} // namespace

int main(int argc, char** argv) {
  if (argc != 3)
    return 2;
  auto handler = [](const restinio::request_handle_t& request) {
    return request->create_response()
      .append_header(restinio::http_field::content_type, "application/json")
      .set_body(answer)
      .done();
  };
  restinio::run(restinio::on_thread_pool<bare_traits>(std::atoi(argv[2]))
                  .address("127.0.0.1")
                  .port(static_cast<std::uint16_t>(std::atoi(argv[1])))
                  .request_handler(handler));
}
