// What every client command does first: ask the server what it can and who it is.
#pragma once

#include "scep/client.hpp"
#include "server/cli/web_client.hpp"

namespace scepgate::server::cli {

struct ServerIdentity {
    scep::ServerCapabilities capabilities;
    scep::CaCertificates certificates;
};

/// GetCACert, verified; with a `fingerprint` (SHA-256 in hex, colons allowed, or "") one of the CA
/// certificates must have it, else kDenied.
Result<scep::CaCertificates> fetch_ca(WebClient& web, std::string_view fingerprint,
                                      std::int64_t now);

/// GetCACaps (none when the server does not answer it), then fetch_ca().
Result<ServerIdentity> identify(WebClient& web, std::string_view fingerprint, std::int64_t now);

}  // namespace scepgate::server::cli
