// From a block "http" to a client.
#pragma once

#include "policy/http_client.hpp"
#include "server/config_outbound.hpp"
#include "server/runtime_context.hpp"

namespace scepgate::server {

/// Null after a fault.
[[nodiscard]] std::shared_ptr<policy::HttpClient> build_http_client(const OutboundConfig& config,
                                                                    RuntimeContext& context);

}  // namespace scepgate::server
