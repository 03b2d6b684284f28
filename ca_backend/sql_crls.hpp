// CRL numbers, the CRLs that are kept, and the lists that they are made from.
#pragma once

#include "ca_backend/crl_store.hpp"
#include "ca_backend/sql.hpp"

namespace scepgate::ca_backend::sql {

/// Looking them up.
class Crls {
public:
    static Result<Crls> prepare(Connection& connection);

    Result<std::optional<CrlState>> find_state(const IssuerHash& issuer, CrlKind kind);
    /// Within a snapshot: its parts go when the next one is kept.
    Result<std::optional<KeptCrl>> find(const IssuerHash& issuer, CrlKind kind);

private:
    Statement state_;
    Statement parts_;
};

/// Writing inside an open write transaction.
class CrlKeeper {
public:
    static Result<CrlKeeper> prepare(Connection& connection);

    /// All of CrlBegun but `revision` and `list`. Nothing is written when nothing is granted.
    Result<CrlBegun> begin(const CrlOrder& order);
    Result<void> extend(const IssuerHash& issuer, const std::string& maker, std::int64_t until);
    Result<void> end(const IssuerHash& issuer, const std::string& maker);
    Result<void> add_part(const IssuerHash& issuer, const CrlToKeep& crl, std::int64_t part,
                          ByteView octets);
    /// Makes the parts that were added the ones that are given out, and ends the making of this
    /// kind. False: a greater number was faster.
    Result<bool> keep(const IssuerHash& issuer, const CrlToKeep& crl);
    /// Removes one part of the CRLs below the kept one, or of those that nobody ended. True: there
    /// was none.
    Result<bool> forget_part(const IssuerHash& issuer, CrlKind kind);
    Result<bool> lift_number(const IssuerHash& issuer, std::int64_t above);

private:
    Result<void> take(const CrlOrder& order, CrlKind kind);
    Result<std::optional<CrlBase>> oldest_base(const CrlOrder& order);
    Result<bool> is_free(const CrlOrder& order, CrlKind kind);
    Result<void> add_base(const IssuerHash& issuer, const CrlToKeep& crl);

    Statement state_;
    Statement take_;
    Statement next_number_;
    Statement base_;
    Statement extend_;
    Statement end_;
    Statement part_;
    Statement keep_;
    Statement newest_base_;
    Statement forget_bases_;
    Statement add_base_;
    Statement old_part_;
    Statement forget_part_;
    Statement last_number_;
    Statement lift_;
    Statement hurry_;
};

/// Through the revocations of one issuer.
class RevocationPages {
public:
    static Result<RevocationPages> prepare(Connection& connection);

    /// From the beginning, within a snapshot that has begun.
    void start(const IssuerHash& issuer);
    Result<std::vector<certs::RevokedCertificate>> next(const CrlHorizon& horizon,
                                                        std::size_t most);
    Result<std::vector<certs::RevokedCertificate>> next_change(const CrlBase& base,
                                                               const CrlHorizon& horizon,
                                                               std::size_t most);

private:
    IssuerHash issuer_{};
    Statement all_;
    Statement changes_;
    Bytes last_serial_;  ///< of all
    Bytes last_changed_serial_;
    std::optional<std::int64_t> last_changed_;  ///< its revision
};

}  // namespace scepgate::ca_backend::sql
