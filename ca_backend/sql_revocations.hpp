// Revocations and CRL numbers.
#pragma once

#include "ca_backend/sql_certificates.hpp"

namespace scepgate::ca_backend::sql {

/// Looking up what concerns CRLs.
class Crls {
public:
    static Result<Crls> prepare(Connection& connection);

    Result<std::int64_t> revision(const IssuerHash& issuer);
    Result<std::optional<KeptCrl>> find(const IssuerHash& issuer);

private:
    Statement revision_;
    Statement kept_;
};

/// Writing inside an open write transaction, as Recorder does.
class Revoker {
public:
    static Result<Revoker> prepare(Connection& connection);

    Result<CertificateRow> revoke(const RevocationOrder& order);
    Result<CrlBasis> begin_crl(const IssuerHash& issuer, std::int64_t now);
    Result<void> keep_crl(const IssuerHash& issuer, const KeptCrl& crl);

private:
    Certificates certificates_;
    Statement revoke_;
    Statement release_;
    Statement count_change_;
    Statement next_number_;
    Statement revoked_;
    Statement keep_;
};

}  // namespace scepgate::ca_backend::sql
