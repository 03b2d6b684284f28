// What the parts of the admin listener share.
#pragma once

#include "server/admin/admin_runtime.hpp"
#include "server/admin/problem.hpp"

namespace scepgate::server::admin {

/// Alive as long as the handler.
struct Services {
    explicit Services(ServiceParts the_parts) : parts(std::move(the_parts)), minting(parts) {}
    Services(const Services&) = delete;

    /// "admin_denied" in the audit file. Nothing is released with it, so a failure is logged and
    /// changes nothing. `caller` and `about` (of what) may be empty.
    void audit_denied(const HttpRequest& request, std::string_view caller, std::string_view about,
                      std::string_view reason) const;

    const ServiceParts parts;
    const Minting minting;
};

/// A request of somebody who is known; alive until it is answered.
struct Call {
    const AdminRuntime& runtime;
    const Caller& caller;
    const HttpRequest& request;

    [[nodiscard]] MintingCaller minting_caller() const {
        return {caller.name, request.client_address, caller.limits};
    }
};

}  // namespace scepgate::server::admin
