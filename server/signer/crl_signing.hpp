// The signer's part in CRLs: judged, written down, signed.
#pragma once

#include <memory>
#include <mutex>

#include "ca_backend/embedded_ca.hpp"
#include "server/audit_log.hpp"
#include "server/signer/message.hpp"
#include "server/signer/records.hpp"
#include "server/signer/revocation_records.hpp"

namespace scepgate::server::signer {

/// A CA whose key is here.
struct SigningCa {
    std::shared_ptr<ca_backend::EmbeddedCa> backend;
    certs::PrivateKey key;
    ca_backend::CrlUrls crl_urls;  ///< as its certificates have them
};

/// SHA-256 of its SubjectPublicKeyInfo: what records name it by.
[[nodiscard]] Sha256 key_hash(const SigningCa& ca);

struct CrlLimits {
    std::int64_t longest_validity = 31 * 86'400;  ///< seconds
    std::int64_t longest_certificate = 0;         ///< seconds: the longest validity of a template
    std::int64_t per_hour = 0;                    ///< of one CA; 0: no limit
};

/// Safe for concurrent use; one CRL at a time, since their numbers follow each other.
///
/// Refusals: "SignerCrlRefused"; temporary ones: "SignerRateLimited", "SignerRecordsUnavailable",
/// "AuditUnavailable", "CaSigningFailed".
class CrlSigning {
public:
    CrlSigning(std::unique_ptr<RevocationRecords> revocations,
               std::shared_ptr<SignedRecords> records, std::shared_ptr<AuditLog> audit,
               std::shared_ptr<const certs::Clock> clock)
        : revocations_(std::move(revocations)),
          records_(std::move(records)),
          audit_(std::move(audit)),
          clock_(std::move(clock)) {}

    [[nodiscard]] Result<SignatureAnswer, Refusal> sign(const SigningCa& ca,
                                                        const CrlLimits& limits,
                                                        const CrlOrder& order,
                                                        const std::string& peer);

private:
    [[nodiscard]] CrlRules rules_of(const SigningCa& ca, const CrlLimits& limits,
                                    const Sha256& id) const;
    /// What recording it changes, for one that follows what was signed before.
    [[nodiscard]] Result<CrlChanges, Refusal> judge_successor(const JudgedCrl& judged,
                                                              const std::optional<SignedCrl>& last,
                                                              const CrlRules& rules,
                                                              const CrlLimits& limits,
                                                              const Sha256& id);
    [[nodiscard]] Result<void, Refusal> write_audit(const JudgedCrl& judged, const CrlOrder& order,
                                                    const Sha256& hash, const std::string& peer);

    std::unique_ptr<RevocationRecords> revocations_;
    std::shared_ptr<SignedRecords> records_;
    std::shared_ptr<AuditLog> audit_;
    std::shared_ptr<const certs::Clock> clock_;
    std::mutex mutex_;
};

}  // namespace scepgate::server::signer
