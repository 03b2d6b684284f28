// What a signer remembers of the CRLs that it signed.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "ca_backend/sql.hpp"
#include "server/signer/crl_judge.hpp"

namespace scepgate::server::signer {

/// A CRL that was signed.
struct SignedCrl {
    std::int64_t number = 0;
    std::int64_t at = 0;           ///< when it was signed
    std::int64_t this_update = 0;  ///< what it says itself
    Sha256 hash{};                 ///< of its TBSCertList
    bool complete = true;
};

/// The tables of signer.state (SignedRecords::open() makes them) that CRLs are held against: which
/// were signed, and what has to stay revoked. A connection of its own, so that reading a million
/// rows keeps nobody from having a certificate. For one thread at a time; all calls block.
/// Errors: kUnavailable; kConfig (open()).
class RevocationRecords {
public:
    static Result<std::unique_ptr<RevocationRecords>> open(const std::filesystem::path& file);
    ~RevocationRecords();

    /// The last one of this CA (its key's SHA-256).
    Result<std::optional<SignedCrl>> last(const Sha256& ca);
    /// Whether a complete one of this number was signed.
    Result<bool> is_complete(const Sha256& ca, std::int64_t number);
    /// How many were signed since then.
    Result<std::int64_t> count_since(const Sha256& ca, std::int64_t at);
    /// What was revoked, by serial number. To be read to its end before anything else is asked.
    RevokedOnRecord revoked(const Sha256& ca);

    /// What is returned from is on disk. Many changes are written by and by before that: when it is
    /// broken off, revocations are on record that no CRL says, never the other way round.
    Result<void> add(const Sha256& ca, const SignedCrl& crl, const CrlChanges& changes);

private:
    struct Impl;
    explicit RevocationRecords(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// Brings the records of schema 1 (the last complete TBSCertList, whole) into these tables, within
/// the transaction that is open.
Result<void> take_over_last_crls(ca_backend::sql::Connection& database);

}  // namespace scepgate::server::signer
