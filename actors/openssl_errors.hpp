// Keeps the TLS links of a process from failing for each other.
#pragma once

namespace model_server {

/// OpenSSL keeps one list of errors for each thread, which whoever calls it has
/// to empty first: `SSL_get_error` takes any entry for the failure of the call
/// that it is asked about. CAF 0.17 does not, so that a stranger whose
/// handshake is refused would end the links of all others. Our program
/// therefore stands in for the functions that CAF calls and empties the list.
///
/// Does nothing itself; whoever uses TLS calls it, so that the linker takes
/// those functions in.
void separate_tls_links();

} // namespace model_server
