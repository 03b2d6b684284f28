// Opening blobs: decoding, signature, trust, decryption, claims.
#include <algorithm>

#include "certs/clock.hpp"
#include "certs/oids.hpp"
#include "policy/blob_envelope.hpp"
#include "policy/blob_opener.hpp"
#include "policy/strict_json.hpp"

namespace scepgate::policy {
namespace {

Refusal refuse_blob(std::string code, Finding finding) {
    finding.what.insert(0, "challenge: ");
    return refused(FailInfo::kBadMessageCheck, std::move(code), std::move(finding));
}

Refusal refuse_blob(std::string code, const std::string& what, std::string hint) {
    Refusal refusal =
        refused(FailInfo::kBadMessageCheck, std::move(code), "challenge: " + what, std::move(hint));
    refusal.check = "challenge";
    return refusal;
}

constexpr const char* kNotOurs =
    "the MDM has to put the challenge into the request's challengePassword whole, as it was made";
constexpr const char* kPinIt =
    "if this is the MDM's new signer, add its certificate to trusted_signers; else find out who "
    "made the challenge";
constexpr const char* kEncryptToUs =
    "give whoever makes the challenges our present decryption certificate; keep the one before in "
    "'decryption' as long as its challenges live";

/// The identities among the claims have codes of their own.
std::string code_of_unreadable_claims(const Error& error) {
    constexpr std::pair<std::string_view, const char*> kIdentities[] = {
        {"jti:", "BadCertificateRequestIdInChallenge"},
        {"device_id:", "BadDeviceIdInChallenge"},
        {"user_id:", "BadUserIdInChallenge"}};
    for (const auto& [claim, code] : kIdentities) {
        if (error.detail.starts_with(claim)) return code;
    }
    return "ClaimsInvalid";
}

/// The algorithms of a signature that a blob may carry.
Result<certs::SignatureAlgorithm> signature_algorithm(const certs::CmsSignerInfo& signer) {
    const auto digest = certs::parse_digest(signer.digest);
    if (!digest) return digest.error();
    if (*digest == certs::Digest::kSha1) return unsupported("SHA-1");
    const auto algorithm = certs::parse_signature_algorithm(signer.signature_algorithm, *digest);
    if (!algorithm) return algorithm.error();
    if (algorithm->digest != *digest) {
        return malformed("digestAlgorithm and signatureAlgorithm name different digests");
    }
    return *algorithm;
}

Result<void> verify(const OuterBlob& blob, certs::SignatureAlgorithm algorithm,
                    const certs::PublicKey& key) {
    // verify_signer() compares it, but takes a message without; with content that is not id-data
    // RFC 5652 section 5.3 demands it.
    const auto type = blob.signer().single_attribute(certs::oid::kContentType);
    if (!type) return type.error();
    return certs::verify_signer(blob.signer(), blob.signed_data.content_type, blob.content(),
                                algorithm, key);
}

/// What a CBC ciphertext decrypts to under a wrong key: anything, when the padding happens to fit.
/// A JSON object is not among it.
bool may_be_noise(const BlobEnvelope& envelope, const Secret& plain) {
    if (envelope.data.authenticated) return false;
    const auto parsed = parse_strict_json(plain.text());
    return !parsed || !parsed->root.is_object();
}

}  // namespace

BlobOpener::BlobOpener(const ChallengeBlobSettings& settings)
    : decryption_(settings.decryption), maximum_octets_(settings.maximum_octets) {
    for (const certs::Certificate& certificate : settings.trusted_signers) {
        signers_.push_back(pin(certificate));
    }
}

BlobOpener::PinnedSigner BlobOpener::pin(const certs::Certificate& certificate) {
    PinnedSigner signer{certificate, std::nullopt, {}, to_hex(certificate.fingerprint())};
    const auto key = certificate.public_key();
    if (key) signer.key = *key;
    const auto usage = certificate.key_usage();
    const auto ca = certificate.is_ca();
    if (!key) {
        signer.fault = "its key is not taken: " + key.error().detail;
    } else if (!usage || !*usage || !(*usage)->has(certs::KeyUsageBit::kDigitalSignature)) {
        signer.fault = "its key usage does not have digitalSignature";
    } else if (!ca || *ca) {
        signer.fault = "it is a CA certificate";
    }
    return signer;
}

Result<OuterBlob, Refusal> BlobOpener::decode(std::string_view challenge) const {
    if (challenge.size() > maximum_octets_) {
        return refuse_blob("ChallengeDecodingError",
                           {"octets", "at most " + std::to_string(maximum_octets_),
                            std::to_string(challenge.size()), kNotOurs});
    }
    const auto bytes = decode_blob_text(challenge);
    if (!bytes) return refuse_blob("ChallengeDecodingError", bytes.error().detail, kNotOurs);
    auto blob = read_blob(*bytes);
    if (!blob) return refuse_blob("ChallengeDeserializationError", blob.error().detail, kNotOurs);
    return std::move(*blob);
}

// Only pinned certificates: what the blob brings along is not looked at. Several can bear the same
// key identifier, such as one before and after its renewal.
Result<BlobOpener::Signers, Refusal> BlobOpener::find_signers(const OuterBlob& blob) const {
    Signers named;
    for (const PinnedSigner& each : signers_) {
        if (blob.signer().signer.names(each.certificate)) named.push_back(&each);
    }
    if (named.empty()) {
        return refuse_blob(
            "SigningCertThumbprintMismatch",
            {"signer", "one of trusted_signers", describe(blob.signer().signer), kPinIt});
    }
    const auto algorithm = signature_algorithm(blob.signer());
    if (!algorithm) {
        return refuse_blob("SignatureValidationFailed", algorithm.error().detail,
                           "the MDM has to sign as docs/challenge-blob.md says");
    }

    Signers verified;
    std::string fault = named.front()->fault;
    for (const PinnedSigner* each : named) {
        if (!each->key) continue;
        if (const auto checked = verify(blob, *algorithm, *each->key)) {
            verified.push_back(each);
        } else {
            fault = checked.error().detail;
        }
    }
    if (verified.empty()) {
        return refuse_blob(
            "SignatureValidationFailed", fault,
            "it was changed on the way, or another key signed it than that of the pinned "
            "certificate");
    }
    return verified;
}

Result<BlobOpener::Signers, Refusal> BlobOpener::usable(const Signers& signers, std::int64_t now) {
    Signers good;
    std::string fault;
    for (const PinnedSigner* each : signers) {
        const certs::Certificate& certificate = each->certificate;
        const bool current = certificate.not_before() <= now && now <= certificate.not_after();
        if (each->fault.empty() && current) {
            good.push_back(each);
            continue;
        }
        fault = "the signer's certificate '" + certificate.subject_text() + "' cannot be used: " +
                (!each->fault.empty()
                     ? each->fault
                     : "it is valid from " + certs::utc_text(certificate.not_before()) + " to " +
                           certs::utc_text(certificate.not_after()));
    }
    if (good.empty()) {
        return refuse_blob(
            "SignerNotValid", fault,
            "give the MDM a signer's certificate that is valid and for digitalSignature, "
            "and pin it in trusted_signers");
    }
    return good;
}

Result<ChallengeClaims, Refusal> BlobOpener::open(std::string_view challenge,
                                                  std::int64_t now) const {
    const auto blob = decode(challenge);
    if (!blob) return blob.error();
    const auto verified = find_signers(*blob);
    if (!verified) return verified.error();
    const auto signers = usable(*verified, now);
    if (!signers) return signers.error();

    const auto envelope = read_envelope(blob->content(), blob->authenticated);
    if (!envelope) {
        return refuse_blob("ChallengeDecryptionError", envelope.error().detail,
                           "the MDM has to encrypt as docs/challenge-blob.md says");
    }
    const auto plain = open_envelope(*envelope, decryption_);
    if (!plain) {
        auto refusal = refuse_blob("ChallengeDecryptionError", plain.error().detail, kEncryptToUs);
        refusal.temporary = plain.error().code == Errc::kUnavailable;  // our token is away
        return refusal;
    }

    auto claims = parse_claims(plain->text());
    if (!claims && may_be_noise(*envelope, *plain)) {
        return refuse_blob("ChallengeDecryptionError", "it does not decrypt with our key",
                           kEncryptToUs);
    }
    if (!claims) {
        return refuse_blob(code_of_unreadable_claims(claims.error()), claims.error().detail,
                           "the MDM has to write the claims as docs/challenge-blob.md says");
    }
    const bool by_issuer =
        std::any_of(signers->begin(), signers->end(),
                    [&](const PinnedSigner* each) { return each->fingerprint == claims->issuer; });
    if (!by_issuer) {
        return refuse_blob(
            "SigningCertThumbprintMismatch",
            {"iss", signers->front()->fingerprint, claims->issuer,
             "iss has to be the SHA-256 of the signer's certificate; if the MDM did not "
             "err, somebody signed another one's claims"});
    }
    return std::move(*claims);
}

Result<ChallengeClaims, Refusal> open_blob(const ChallengeBlobSettings& settings,
                                           std::string_view challenge, std::int64_t now) {
    return BlobOpener(settings).open(challenge, now);
}

}  // namespace scepgate::policy
