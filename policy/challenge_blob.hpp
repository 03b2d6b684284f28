// The signed and encrypted challenge: making, opening, and the policy module
// (docs/challenge-blob.md).
#pragma once

#include <map>
#include <memory>

#include "certs/clock.hpp"
#include "certs/private_key.hpp"
#include "policy/challenge_claims.hpp"
#include "policy/failed_matches.hpp"
#include "policy/policy_module.hpp"
#include "policy/signer_limits.hpp"

namespace scepgate::policy {

/// A key that blobs are encrypted to. EC P-256/P-384 (ECDH) or RSA (OAEP).
struct BlobDecryptionKey {
    certs::Certificate certificate;
    certs::PrivateKey key;
};

/// Who signs new blobs: the MDM's side. Only needed to make challenges.
struct BlobSigner {
    certs::Certificate certificate;
    certs::PrivateKey key;
};

struct ChallengeBlobSettings {
    std::string name;                                 ///< of the policy in the configuration
    std::vector<BlobDecryptionKey> decryption;        ///< the first valid one is used for new blobs
    std::vector<certs::Certificate> trusted_signers;  ///< pinned: exactly these
    /// Of those that may not grant everything; by the SHA-256 of the signer's certificate in
    /// lower-case hex.
    std::map<std::string, SignerLimits> limits;
    std::string audience;
    std::int64_t clock_skew = 300;               ///< seconds, either way
    std::int64_t maximum_lifetime = 31 * 86400;  ///< seconds between nbf and exp
    std::size_t maximum_octets = 64 * 1024;      ///< of the base64 text
    std::vector<BlobSigner> signers;             ///< the first valid one signs new blobs
};

/// Under which the store has the challenges that this signer makes. By who made it, not by what the
/// policy is called here: under two policies, or a new name, a challenge is still one.
[[nodiscard]] std::string challenge_scope(const certs::Certificate& signer);

/// Seals claims: JSON, encrypted to `recipient` with AES-256-GCM, signed by `signer`, base64 on one
/// line. The issuer claim is set from the signer.
Result<Secret> seal_blob(ChallengeClaims claims, const certs::Certificate& recipient,
                         const BlobSigner& signer, std::int64_t now);

/// Opens a blob: decoding, signature, trust, decryption, claims, issuer; in this order, so that no
/// private key works for somebody unknown. The refusals' codes are those of docs/challenge-blob.md;
/// all are badMessageCheck. Prepares the signers anew on each call; see policy/blob_opener.hpp.
Result<ChallengeClaims, Refusal> open_blob(const ChallengeBlobSettings& settings,
                                           std::string_view challenge, std::int64_t now);

/// Judges time, audience, endpoint, subject, SAN, SID, key usage, purpose, EKU and key of opened
/// claims against a request, in this order (a pure function; policy/claims_judge.hpp has each check
/// by itself). No value: everything matches.
std::optional<Refusal> judge_claims(const ChallengeBlobSettings& settings,
                                    const ChallengeClaims& claims, const EnrollmentRequest& request,
                                    std::int64_t now);

class BlobOpener;

class ChallengeBlobModule final : public PolicyModule {
public:
    ChallengeBlobModule(ChallengeBlobSettings settings, std::shared_ptr<const certs::Clock> clock);
    ~ChallengeBlobModule() override;

    [[nodiscard]] const std::string& name() const noexcept override { return settings_.name; }
    [[nodiscard]] bool may_wait() const noexcept override { return false; }
    /// One for each signer that is trusted.
    [[nodiscard]] std::vector<std::string> challenge_scopes() const override;
    [[nodiscard]] std::optional<certs::Certificate> encryption_certificate() const override;
    [[nodiscard]] bool uses_up_challenges() const noexcept override { return true; }
    /// kUnsupported without a signer in the settings; kConfig when what it signs would be refused;
    /// kDenied for what its limits do not allow.
    boost::asio::awaitable<Result<Challenge>> generate_challenge(
        const ChallengeParameters& parameters) override;
    boost::asio::awaitable<Result<Grant, Refusal>> verify_request(
        const EnrollmentRequest& request) override;
    boost::asio::awaitable<Explanation> explain(const EnrollmentRequest& request,
                                                Reach reach) override;

private:
    [[nodiscard]] Grant grant(const EnrollmentRequest& request, ChallengeClaims claims) const;
    /// Null: the signer may grant everything.
    [[nodiscard]] std::shared_ptr<const SignerLimits> limits_of(const std::string& signer) const;

    ChallengeBlobSettings settings_;
    std::map<std::string, std::shared_ptr<const SignerLimits>> limits_;  ///< Grants keep them
    std::unique_ptr<const BlobOpener> opener_;
    std::shared_ptr<const certs::Clock> clock_;
    FailedMatches failed_matches_;
};

}  // namespace scepgate::policy
