// From each type of policy configuration to its module.
#pragma once

#include "policy/policy_module.hpp"
#include "server/runtime_context.hpp"

namespace scepgate::server {

/// Which policy of the configuration.
struct PolicyPlace {
    const std::string& name;
    const std::string& json_path;
};

// Null after a fault.

[[nodiscard]] std::shared_ptr<policy::PolicyModule> build_module(const OpenPolicyConfig& config,
                                                                 const PolicyPlace& place,
                                                                 RuntimeContext& context);
[[nodiscard]] std::shared_ptr<policy::PolicyModule> build_module(const StaticPasswordConfig& config,
                                                                 const PolicyPlace& place,
                                                                 RuntimeContext& context);
[[nodiscard]] std::shared_ptr<policy::PolicyModule> build_module(const ChallengeBlobConfig& config,
                                                                 const PolicyPlace& place,
                                                                 RuntimeContext& context);
[[nodiscard]] std::shared_ptr<policy::PolicyModule> build_module(
    const OneTimePasswordConfig& config, const PolicyPlace& place, RuntimeContext& context);

[[nodiscard]] std::shared_ptr<policy::PolicyModule> build_module(const WebhookConfig& config,
                                                                 const PolicyPlace& place,
                                                                 RuntimeContext& context);

/// A password for people to type: without the file's last line break. Null after a fault.
[[nodiscard]] std::optional<Secret> load_password(const SecretSource& source,
                                                  RuntimeContext& context);

[[nodiscard]] std::shared_ptr<policy::PolicyModule> build_module(const IntuneConfig& config,
                                                                 const PolicyPlace& place,
                                                                 RuntimeContext& context);

}  // namespace scepgate::server
