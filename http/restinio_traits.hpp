// How RESTinio is fitted to our connections. Included by server.cpp alone.
#pragma once

#include "http/wire_connection.hpp"

#include <restinio/all.hpp>

namespace model_server {

/// One thread a loop, so no strands; our socket; no log of its own.
using http_traits =
    restinio::traits_t<restinio::asio_timer_manager_t, restinio::null_logger_t,
                       restinio::default_request_handler_t,
                       restinio::noop_strand_t, wire_socket>;

/// RESTinio looks these two up by its socket's type.
template <class Connection, class Start, class Failed>
void prepare_connection_and_start_read(wire_socket&, Connection&, Start start,
                                       Failed) {
  start();
}

inline restinio::tls_socket_t*
make_tls_socket_pointer_for_state_listener(wire_socket&) noexcept {
  return nullptr;
}

} // namespace model_server
