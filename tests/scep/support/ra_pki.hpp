// A root, an issuing CA, its two RAs and a device, as a client meets them.
#pragma once

#include "certs/certificate_builder.hpp"
#include "certs/oids.hpp"
#include "scep/client.hpp"
#include "tests/certs/support/key_fixtures.hpp"
#include "tests/scep/support/raw_request.hpp"

namespace scepgate::scep::testing {

inline constexpr std::int64_t kNow = 1'800'000'000;
inline constexpr std::int64_t kYear = 365 * 24 * 60 * 60;

using Usage = std::optional<certs::KeyUsage>;
inline const Usage kSigns = certs::KeyUsage{certs::KeyUsageBit::kDigitalSignature};
inline const Usage kEnciphers = certs::KeyUsage{certs::KeyUsageBit::kKeyEncipherment};

/// What a test wants to be different in a certificate.
struct Made {
    std::string subject;
    bool ca = false;
    Usage usage;
    certs::ExtendedKeyUsage extended = {};  ///< no extension when empty
    std::int64_t not_before = kNow - kYear;
    std::int64_t not_after = kNow + kYear;
};

inline certs::Certificate make_certificate(const Made& made, const certs::PublicKey& key,
                                           const std::string& issuer,
                                           const certs::PrivateKey& issuer_key) {
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.issuer_der = certs::Name::from_text(issuer).value().der();
    contents.subject_der = certs::Name::from_text(made.subject).value().der();
    contents.not_before = made.not_before;
    contents.not_after = made.not_after;
    contents.spki = to_bytes(key.spki());
    contents.extensions.push_back(certs::basic_constraints_extension(made.ca));
    if (made.usage) contents.extensions.push_back(certs::key_usage_extension(*made.usage));
    if (!made.extended.empty()) {
        contents.extensions.push_back(certs::extended_key_usage_extension(made.extended));
    }
    return certs::build_certificate(contents, issuer_key, certs::Digest::kSha256).value();
}

inline const certs::PrivateKey& root_key() {
    return certs::testing::key(certs::KeyType::kEc, 384);
}
inline const certs::PrivateKey& ca_key() {
    return certs::testing::key(certs::KeyType::kEc, 256);
}

/// Certificates that are all in order.
struct RaPki {
    certs::Certificate root = make_certificate({.subject = "CN=Root", .ca = true, .usage = {}},
                                               root_key().public_key(), "CN=Root", root_key());
    certs::Certificate ca = make_certificate({.subject = "CN=CA", .ca = true, .usage = {}},
                                             ca_key().public_key(), "CN=Root", root_key());
    certs::Certificate signing = ra({.subject = "CN=RA signing", .usage = kSigns}, ra_key());
    certs::Certificate encryption =
        ra({.subject = "CN=RA encryption", .usage = kEnciphers}, old_ra_key());
    certs::Certificate transient =
        transient_certificate(certs::Name::from_text("CN=device").value(), device_key(), kNow)
            .value();
    certs::Certificate issued = ra({.subject = "CN=device", .usage = kSigns}, device_key());

    /// Not a CA, signed by the issuing CA.
    static certs::Certificate ra(const Made& made, const certs::PrivateKey& key) {
        return make_certificate(made, key.public_key(), "CN=CA", ca_key());
    }

    [[nodiscard]] CaCertificates certificates() const { return {ca, signing, encryption, {ca}}; }
    [[nodiscard]] ReplySigner signer() const { return {signing, ra_key()}; }
    [[nodiscard]] std::vector<RecipientKey> recipients() const {
        return {{encryption, old_ra_key()}};
    }

    /// Who reads the replies to request().
    [[nodiscard]] ReplyRecipient reply_recipient() const {
        return {transient, device_key().public_key(), Secret()};
    }
    /// What this CA issued is renewed here.
    [[nodiscard]] std::vector<TrustedIssuer> issuers() const {
        return {{ca, ca_key().public_key()}};
    }

    /// The device's request for its key.
    [[nodiscard]] ClientRequest request() const {
        ClientRequest request;
        request.transaction_id = "transaction-1";
        request.sender_nonce = Bytes(16, 0x77);
        request.content = csr_of(device_key());
        request.signer = transient;
        request.signer_key = device_key();
        request.recipient = encryption;
        request.now = kNow;
        return request;
    }
};

inline const RaPki& pki() {
    static const RaPki made;
    return made;
}

}  // namespace scepgate::scep::testing
