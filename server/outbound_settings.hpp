// How one part of the server talks to a service on the network.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "certs/secret.hpp"

namespace scepgate::server {

struct OutboundSettings {
    std::string ca_bundle;           ///< PEM: the only CAs trusted; empty: the system's
    std::string client_certificate;  ///< PEM, the chain behind it; empty: none
    Secret client_key;               ///< PEM
    std::string proxy;               ///< URL; empty: none (the environment's is not looked at)
    std::string proxy_user;
    Secret proxy_password;
    bool allow_http = false;  ///< http:// too
    std::chrono::milliseconds connect_timeout{5'000};
    std::size_t in_flight = 64;  ///< calls at one time …
    std::size_t waiting = 256;   ///< … and behind these; one more is refused at once
    std::size_t largest_body = 1 << 20;
    std::size_t largest_header = 64 << 10;  ///< all fields of an answer together
};

}  // namespace scepgate::server
