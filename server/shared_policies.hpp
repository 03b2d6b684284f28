// Policies that several endpoints ask: a challenge that names no endpoint is good at each of them.
#pragma once

#include "server/config.hpp"

namespace scepgate::server {

/// The endpoints that ask the policy, where two of them have different CAs, templates or rules, so
/// that whoever has a challenge chooses among these; else none.
[[nodiscard]] std::vector<const EndpointConfig*> differing_endpoints(const Config& config,
                                                                     std::string_view policy);

/// Warnings: such a policy, where somebody can have a challenge of it that names no endpoint.
void judge_shared_policies(const Config& config, ConfigFaults& faults);

}  // namespace scepgate::server
