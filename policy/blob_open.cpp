// Opening blobs: decoding, signature, trust, decryption, claims.
#include <algorithm>

#include "certs/clock.hpp"
#include "certs/oids.hpp"
#include "policy/blob_envelope.hpp"
#include "policy/blob_opener.hpp"
#include "policy/strict_json.hpp"

namespace scepgate::policy {
namespace {

Refusal refuse(std::string code, std::string text) {
    return {FailInfo::kBadMessageCheck, std::move(code), "challenge: " + std::move(text)};
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
        return refuse("ChallengeDecodingError", std::to_string(challenge.size()) +
                                                    " octets, over the limit of " +
                                                    std::to_string(maximum_octets_));
    }
    const auto bytes = decode_blob_text(challenge);
    if (!bytes) return refuse("ChallengeDecodingError", bytes.error().detail);
    auto blob = read_blob(*bytes);
    if (!blob) return refuse("ChallengeDeserializationError", blob.error().detail);
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
        return refuse("SigningCertThumbprintMismatch", "signed by none of the trusted signers (" +
                                                           describe(blob.signer().signer) + ")");
    }
    const auto algorithm = signature_algorithm(blob.signer());
    if (!algorithm) return refuse("SignatureValidationFailed", algorithm.error().detail);

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
    if (verified.empty()) return refuse("SignatureValidationFailed", fault);
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
    if (good.empty()) return refuse("SignerNotValid", fault);
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
    if (!envelope) return refuse("ChallengeDecryptionError", envelope.error().detail);
    const auto plain = open_envelope(*envelope, decryption_);
    if (!plain) return refuse("ChallengeDecryptionError", plain.error().detail);

    auto claims = parse_claims(plain->text());
    if (!claims && may_be_noise(*envelope, *plain)) {
        return refuse("ChallengeDecryptionError", "it does not decrypt with our key");
    }
    if (!claims) return refuse("ClaimsInvalid", claims.error().detail);
    const bool by_issuer =
        std::any_of(signers->begin(), signers->end(),
                    [&](const PinnedSigner* each) { return each->fingerprint == claims->issuer; });
    if (!by_issuer) {
        return refuse("IssuerMismatch", "the claims are of the signer with SHA-256 " +
                                            claims->issuer + ", the signature is by " +
                                            signers->front()->fingerprint);
    }
    return std::move(*claims);
}

Result<ChallengeClaims, Refusal> open_blob(const ChallengeBlobSettings& settings,
                                           std::string_view challenge, std::int64_t now) {
    return BlobOpener(settings).open(challenge, now);
}

}  // namespace scepgate::policy
