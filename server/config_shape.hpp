// An endpoint's preset, and the shapes of its answers.
#pragma once

#include "server/config_reader.hpp"

namespace scepgate::server {

/// "preset", "get_ca_cert", "cert_rep", "failure_content" and "signing_time_window". A preset sets
/// what a family of devices needs (docs/clients.md); keys that are given win.
void read_endpoint_shape(ConfigReader& reader, EndpointConfig& endpoint);

/// "get_ca_cert=ra_and_chain cert_rep=leaf …": what is in effect.
[[nodiscard]] std::string to_text(const EndpointShape& shape);

}  // namespace scepgate::server
