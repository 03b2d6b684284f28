// The configuration's policy modules.
#pragma once

#include "policy/policy_module.hpp"
#include "server/runtime.hpp"
#include "server/runtime_context.hpp"

namespace scepgate::server {

/// Null after a fault.
[[nodiscard]] std::shared_ptr<policy::PolicyModule> build_policy(const std::string& name,
                                                                 const PolicyConfig& config,
                                                                 RuntimeContext& context);

/// What an endpoint asks. Null when one of them is not there, or null, which was reported; a fault
/// when several under all_of use up challenges: a certificate is recorded with one.
[[nodiscard]] std::shared_ptr<policy::PolicyModule> compose_policy(const PolicyRule& rule,
                                                                   const PolicyModules& modules,
                                                                   ConfigFaults& faults);

/// One policy module alone, for the command line.
[[nodiscard]] std::shared_ptr<policy::PolicyModule> build_policy(
    const std::string& name, const PolicyConfig& config, std::shared_ptr<const certs::Clock> clock,
    ConfigFaults& faults, RuntimeServices services = {});

}  // namespace scepgate::server
