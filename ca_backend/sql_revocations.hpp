// Revocations: taking certificates back, and what CRLs list.
#pragma once

#include "ca_backend/crl_store.hpp"
#include "ca_backend/sql_certificates.hpp"
#include "ca_backend/sql_compromised_keys.hpp"

namespace scepgate::ca_backend::sql {

/// Looking them up; used for reading and, again, while writing.
class Revocations {
public:
    static Result<Revocations> prepare(Connection& connection);

    /// Whatever is known of the certificate beside it. Empty: good, as far as this table goes.
    Result<std::optional<Revocation>> find(const CertificateId& id);
    Result<std::int64_t> revision(const IssuerHash& issuer);

private:
    Statement find_;
    Statement revision_;
};

/// Writing inside an open write transaction, as Recorder does.
class Revoker {
public:
    static Result<Revoker> prepare(Connection& connection);

    Result<CertificateRow> revoke(const RevocationOrder& order);
    /// Removes at most `limit` of each kind of row that no CRL needs any more, once a complete one
    /// of `made` is kept: of certificates that it leaves out because they had expired at `since`
    /// (RFC 5280 section 3.3), and of holds that were released before; unless a delta may still
    /// have to tell of them. True: these were all.
    Result<bool> purge(const IssuerHash& issuer, std::int64_t since, std::int64_t made,
                       std::size_t limit);

private:
    /// The certificate with its status, or of one that is not recorded what is known of it.
    Result<CertificateRow> subject_of(const RevocationOrder& order);

    Certificates certificates_;
    Revocations revocations_;
    CompromisedKeys compromised_keys_;
    Statement set_status_;
    Statement clear_status_;
    Statement count_change_;
    Statement list_;
    Statement purge_over_;
    Statement purge_released_;
};

}  // namespace scepgate::ca_backend::sql
