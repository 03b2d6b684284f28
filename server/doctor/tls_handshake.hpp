// A TLS handshake, looked at from a device's side.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "certs/certificate.hpp"

namespace scepgate::server::doctor {

struct TlsView {
    bool done = false;                         ///< the handshake ended well
    std::string text;                          ///< the version; or why it is not done
    std::vector<certs::Certificate> sent;      ///< as sent, the server's own first
    std::vector<certs::Certificate> verified;  ///< up to the root; empty when none was found
    long verify_error = 0;                     ///< X509_V_…; 0: verified
    std::string verify_text;
    bool name_fits = false;
    bool asked_for_certificate = false;
};

struct TlsWanted {
    std::string host;     ///< a name or an IP address
    std::string ca_file;  ///< PEM to trust; empty: the system's
    bool only_tls_1_2 = false;
    std::chrono::milliseconds timeout{10'000};
};

/// Over a connected socket, which is not closed. Revocation is not asked. kConfig: `ca_file` cannot
/// be read.
Result<TlsView> look_at_tls(int socket, const TlsWanted& wanted);

}  // namespace scepgate::server::doctor
