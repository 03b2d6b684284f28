// Revocations that the audit file tells of, for holding a store against them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ca_backend/sql_verify.hpp"
#include "server/audit_told.hpp"
#include "server/told_issuers.hpp"

namespace scepgate::ca_backend {
class Store;
}

namespace scepgate::server {

/// The last of each certificate.
class RevocationsTold {
public:
    explicit RevocationsTold(ToldIssuers issuers = {}) : issuers_(std::move(issuers)) {}

    /// A line of the audit file; of several files, in any order.
    void add(std::string_view line);
    [[nodiscard]] bool empty() const noexcept { return last_.empty(); }
    /// Whether it was revoked or put on hold, and not released since.
    [[nodiscard]] bool is_revoked(const ToldId& id) const;
    [[nodiscard]] const std::map<ToldId, RevocationTold>& all() const noexcept { return last_; }

    /// Those that the store does not have as told: it is older. Not those that it has forgotten as
    /// expired.
    [[nodiscard]] Result<std::map<ToldId, ca_backend::StoreFault>> missing_in(
        ca_backend::sql::Connection& store) const;

private:
    ToldIssuers issuers_;
    std::map<ToldId, RevocationTold> last_;
};

/// The serial numbers of certificates that the end of the audit file calls revoked, and the store
/// does not: it was restored from a backup. A look at the last MiB; "store verify" looks at all.
/// kUnavailable: the file or the store cannot be read.
[[nodiscard]] Result<std::vector<std::string>> lately_lost_revocations(const Config& config,
                                                                       ca_backend::Store& store);

}  // namespace scepgate::server
