// The configuration's policy modules.
#pragma once

#include "policy/policy_module.hpp"
#include "server/runtime_context.hpp"

namespace scepgate::server {

/// Null after a fault.
[[nodiscard]] std::shared_ptr<policy::PolicyModule> build_policy(const std::string& name,
                                                                 const PolicyConfig& config,
                                                                 RuntimeContext& context);

/// One policy module alone, for the command line.
[[nodiscard]] std::shared_ptr<policy::PolicyModule> build_policy(
    const std::string& name, const PolicyConfig& config, std::shared_ptr<const certs::Clock> clock,
    ConfigFaults& faults, RuntimeServices services = {});

}  // namespace scepgate::server
