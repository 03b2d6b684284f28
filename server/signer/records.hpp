// What a signer must not forget: what it signed, and for whom it was asked. Of CRLs:
// revocation_records.hpp.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "certs/bytes.hpp"

namespace scepgate::server::signer {

/// One certificate that was signed.
struct SignedRow {
    Sha256 id{};  ///< IssueOrder::id
    Sha256 ca{};  ///< SHA-256 of the CA's SubjectPublicKeyInfo
    std::string template_name;
    Bytes serial;  ///< without a sign octet
    std::int64_t at = 0;
    std::int64_t not_after = 0;
    Bytes certificate;  ///< DER
    Sha256 key{};       ///< SHA-256 of its SubjectPublicKeyInfo
};

/// How many were signed in one minute by one template.
struct SignedCount {
    std::string template_name;
    std::int64_t at = 0;
    std::int64_t count = 0;
};

/// A small SQLite database of the signer's own. What add() returns from is on disk; callers
/// that wait together are committed together. Safe for concurrent use; all calls block.
/// Errors: kConflict, where a row contradicts one that is there; kUnavailable; kConfig (open()).
class SignedRecords {
public:
    /// An order is answered again with what it was given for so long, in seconds.
    static constexpr std::int64_t kRemembered = std::int64_t{7} * 86'400;

    /// Creates the file, with mode 0600, where there is none.
    static Result<std::unique_ptr<SignedRecords>> open(const std::filesystem::path& file);
    ~SignedRecords();

    /// The certificate that this order was answered with, if it was within kRemembered.
    Result<std::optional<Bytes>> find_order(const Sha256& id, std::int64_t now);
    /// kConflict: the order was answered, or the CA has signed this serial number.
    Result<void> add(const SignedRow& row);
    /// notAfter of a certificate, if it was signed here.
    Result<std::optional<std::int64_t>> not_after(const Sha256& ca, ByteView serial);
    /// Whether a CRL that was signed here called a certificate with this key (SHA-256 of its
    /// SubjectPublicKeyInfo) revoked as keyCompromise, and it was signed here.
    Result<bool> is_compromised(const Sha256& key);
    /// Number of the oldest complete CRL of this CA that is on record.
    Result<std::optional<std::int64_t>> oldest_complete_crl(const Sha256& ca);
    /// All since then, in the order of time.
    Result<std::vector<SignedCount>> counts_since(std::int64_t at);

private:
    struct Impl;
    struct Waiting {
        const SignedRow* row;
        std::optional<Result<void>> outcome;
    };
    explicit SignedRecords(std::unique_ptr<Impl> impl);
    std::vector<Result<void>> write_together(const std::vector<Waiting*>& group);

    std::unique_ptr<Impl> impl_;
    std::mutex database_mutex_;  ///< whoever uses the connection
    std::mutex mutex_;
    std::condition_variable written_;
    // Guarded by mutex_:
    std::vector<Waiting*> queue_;
    bool writing_ = false;
};

}  // namespace scepgate::server::signer
