// Whether the store holds together, and with the audit file.
#pragma once

#include <map>

#include "ca_backend/sql_verify.hpp"
#include "server/audit_files.hpp"
#include "server/config.hpp"
#include "server/told_issuers.hpp"

namespace scepgate::server {

struct StoreReport {
    std::uint64_t certificates = 0;
    AuditReport audit;
    std::vector<ca_backend::StoreFault> faults;  ///< the first kMostFaults
    std::uint64_t fault_count = 0;               ///< those of the audit file's chain included
    std::vector<std::string> notes;
    static constexpr std::size_t kMostFaults = 1000;

    void add(ca_backend::StoreFault fault);
};

/// The certificates of the configured CAs, by the hash of their names.
using IssuerKeys = std::multimap<ca_backend::IssuerHash, certs::PublicKey>;
/// Those in cas.*.certificate and .chain and endpoints[].renewal.previous_cas. A file that cannot
/// be read is a fault of the report.
[[nodiscard]] IssuerKeys issuer_keys(const Config& config, StoreReport& report);

/// Each certificate by itself (on all cores), then what refers to what.
Result<void> verify_certificates(ca_backend::sql::Connection& connection, const IssuerKeys& issuers,
                                 StoreReport& report);

/// The chains of the audit files (sort_by_key()), and that store and audit files tell of the same
/// certificates: a stored one was written down as signed first, and one that left ("issue") is
/// stored; and one that was revoked or put on hold, and not released, is so in the store. Holds 24
/// octets for each certificate.
Result<void> verify_with_audit(ca_backend::sql::Connection& connection,
                               const std::vector<AuditChain>& chains, const ToldIssuers& issuers,
                               StoreReport& report);

}  // namespace scepgate::server
