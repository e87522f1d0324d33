// Makes CAF's TLS links fit for strangers at the door.
#pragma once

#include "config/settings.hpp"

namespace model_server {

/// Loads certificate, key and authority once, for all links from now on. Throws
/// `config_error` if they cannot be used.
///
/// CAF 0.17 needs help in two places, so the program stands in for the
/// functions of OpenSSL that it calls. It reads the files anew for every
/// connection, and a stranger's connection would end the process when they are
/// gone: here each gets what was loaded at the start. And it does not empty
/// OpenSSL's list of errors, of which each thread has one and any entry counts
/// as the failure of the next call: a stranger's failed handshake would end the
/// links of all others.
void prepare_tls(const cluster_settings& cluster);

} // namespace model_server
