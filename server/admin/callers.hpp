// Who asks on the admin listener: names, credentials, and what each may have.
#pragma once

#include <set>

#include "server/config_admin.hpp"
#include "server/http_message.hpp"
#include "server/minting.hpp"

namespace scepgate::server::admin {

/// One caller. Of its secrets only hashes are kept.
struct Caller {
    std::string name;
    std::vector<Sha256> passwords, tokens;
    std::vector<Sha256> certificates;  ///< of their DER
    std::set<std::string> policies, endpoints;
    MintingLimits limits;
    RequestRate rate;
};

/// Who somebody turned out to be.
struct Identification {
    const Caller* caller = nullptr;  ///< null: nobody
    bool tried = false;              ///< there were credentials, or a certificate
    const char* method = "none";     ///< "password", "token", "certificate"
    std::string claimed;             ///< after a failure: the name, if there is such a caller
};

class Callers {
public:
    Callers() = default;
    explicit Callers(std::vector<Caller> callers) : callers_(std::move(callers)) {}

    /// By the Authorization field when there is one, else by the client's certificate. Looks at all
    /// callers, and compares hashes, so its time tells nothing of a secret.
    [[nodiscard]] Identification identify(const HttpDetails& details) const;
    [[nodiscard]] const std::vector<Caller>& list() const noexcept { return callers_; }

private:
    [[nodiscard]] Identification by_password(std::string_view credentials) const;
    [[nodiscard]] Identification by_hash(const Sha256& hash,
                                         std::vector<Sha256> Caller::*accepted) const;

    std::vector<Caller> callers_;
};

}  // namespace scepgate::server::admin
