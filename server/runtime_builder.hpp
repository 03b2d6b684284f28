// From a configuration to a Runtime: loads every file and judges how the parts fit. Each part has a
// builder of its own: runtime_templates, runtime_ca, runtime_policy, runtime_endpoint.
#pragma once

#include "server/runtime.hpp"
#include "server/runtime_policy.hpp"

namespace scepgate::server {

/// Loads keys and certificates, lints them (matching keys, validity, key usages, who issued the RA
/// certificates, file modes, shared keys), makes the CA backends, policy modules and endpoints.
/// Null when there is an error among `faults`; every fault that can be found is found.
[[nodiscard]] std::shared_ptr<const Runtime> build_runtime(
    const Config& config, std::shared_ptr<const certs::Clock> clock, ConfigFaults& faults,
    RuntimeServices services = {});

}  // namespace scepgate::server
