// From a configuration to a Runtime: loads every file and judges how the parts fit.
#pragma once

#include "ca_backend/embedded_ca.hpp"
#include "certs/clock.hpp"
#include "server/config.hpp"
#include "server/runtime.hpp"

namespace scepgate::server {

/// Loads keys and certificates, lints them (matching keys, validity, key usages, who issued the RA
/// certificates, file modes, shared keys), makes the CA backends, policy modules and endpoints.
/// Null when there is an error among `faults`; every fault that can be found is found.
[[nodiscard]] std::shared_ptr<const Runtime> build_runtime(
    const Config& config, std::shared_ptr<const certs::Clock> clock, ConfigFaults& faults);

/// One policy module alone, for the command line.
[[nodiscard]] std::shared_ptr<policy::PolicyModule> build_policy(
    const std::string& name, const PolicyConfig& config, std::shared_ptr<const certs::Clock> clock,
    ConfigFaults& faults);

}  // namespace scepgate::server
