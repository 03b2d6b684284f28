// Revocations: taking certificates back, and what CRLs list.
#pragma once

#include "ca_backend/sql_certificates.hpp"

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

private:
    /// The certificate with its status, or of one that is not recorded what is known of it.
    Result<CertificateRow> subject_of(const RevocationOrder& order);

    Certificates certificates_;
    Revocations revocations_;
    Statement set_status_;
    Statement clear_status_;
    Statement count_change_;
    Statement list_;
};

}  // namespace scepgate::ca_backend::sql
