// The configuration's endpoints: keys, rules and replies that are ready before anybody asks.
#pragma once

#include "server/runtime.hpp"
#include "server/runtime_ca.hpp"

namespace scepgate::server {

/// What an endpoint refers to; null or empty where that has a fault of its own.
struct EndpointParts {
    const BuiltCa* ca = nullptr;
    const BuiltCa* next_ca = nullptr;
    std::shared_ptr<policy::PolicyModule> policy;
    bool open_to_all = false;  ///< its policy grants everything
    bool successor = false;    ///< what "next" says
    std::array<ApprovalRule, 3> approvals;
    std::array<std::map<std::string, ApprovalRule>, 3> other_templates;
};

/// Null when something of it cannot be used; its own keys are judged even then.
[[nodiscard]] std::shared_ptr<const Endpoint> build_endpoint(const EndpointConfig& config,
                                                             const EndpointParts& parts,
                                                             RuntimeContext& context);

}  // namespace scepgate::server
