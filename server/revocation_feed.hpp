// Where a policy's service says which certificates it wants revoked.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace scepgate::policy::intune {
class Api;
}

namespace scepgate::server {

struct RevocationFeed {
    std::string policy;  ///< that asks
    /// It and all others of its tenant: Intune's requests are the tenant's, not a policy's.
    std::vector<std::string> policies;
    std::shared_ptr<policy::intune::Api> api;
    std::chrono::seconds every{900};
    std::size_t most = 500;            ///< requests that are asked for at once
    std::vector<std::string> issuers;  ///< the subjects of our CAs, as their certificates name them
};

}  // namespace scepgate::server
