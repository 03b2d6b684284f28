// Certificates as the store keeps them, and their revocation.
#pragma once

#include "certs/certificate.hpp"
#include "certs/crl_builder.hpp"

namespace scepgate::ca_backend {

/// The issuer of certificates and CRLs: SHA-256 of its Name's DER.
using IssuerHash = Sha256;
[[nodiscard]] IssuerHash issuer_hash(ByteView issuer_der);

/// Which certificate (RFC 5280 section 4.1.2.2: a serial number is unique with its issuer).
struct CertificateId {
    IssuerHash issuer{};
    Bytes serial;  ///< INTEGER content octets, or the same without a sign octet
};
[[nodiscard]] CertificateId certificate_id(const certs::Certificate& certificate);
/// INTEGER content octets as they are kept, and as people write the serial number in hex.
[[nodiscard]] Bytes without_sign_octet(ByteView serial);

/// Whom a certificate is for, and for what: issuer, subject, subject alternative names, and the
/// template. One device may well have one certificate to sign and one to encrypt.
struct Identity {
    /// However the names are spelled: string type, case, white space, order and repetition of
    /// attributes and names do not count.
    Sha256 hash{};
    /// The same by the octets of the names: what earlier versions recorded.
    Sha256 by_octets{};

    friend bool operator==(const Identity&, const Identity&) = default;
};
/// `issuer_der`: in place of its own issuer, for the same of another CA.
[[nodiscard]] Identity identity_of(ByteView issuer_der, const certs::Certificate& certificate,
                                   std::string_view template_name);
[[nodiscard]] Identity identity_of(const certs::Certificate& certificate,
                                   std::string_view template_name);

struct Revocation {
    std::int64_t at = 0;  ///< seconds since the epoch
    certs::RevocationReason reason = certs::RevocationReason::kUnspecified;
    std::optional<std::int64_t> invalidity_date = {};
    [[nodiscard]] bool on_hold() const noexcept {
        return reason == certs::RevocationReason::kCertificateHold;
    }
};

/// A change of one certificate's status. kCertificateHold may be followed by any other reason, or
/// by kRemoveFromCrl, which makes the certificate good again; every other reason is for ever.
struct RevocationOrder {
    CertificateId certificate;
    certs::RevocationReason reason = certs::RevocationReason::kUnspecified;
    std::int64_t at = 0;
    /// When the key was, or may have been, in other hands (RFC 5280 section 5.3.2).
    std::optional<std::int64_t> invalidity_date = {};
    /// notAfter of a certificate that is not recorded, as after a restore: it can be taken back all
    /// the same. Empty: it must be recorded.
    std::optional<std::int64_t> not_recorded = {};
    std::string by = {};  ///< who: stands in the renewals that end with it
};

/// A stored certificate, with the request that it answered.
struct CertificateRow {
    /// Grows with each one that is recorded, whatever clocks say.
    std::int64_t id = 0;
    std::string serial;   ///< hex
    std::string subject;  ///< RFC 4514
    std::string subject_alt_name;
    std::string issuer;
    std::int64_t not_before = 0;
    std::int64_t not_after = 0;
    std::int64_t issued_at = 0;
    std::string endpoint, transaction_id, ca, template_name, policy, device_id, user_id;
    std::optional<Revocation> revocation;
    /// Seconds: what its Grant allowed, however early its CA ends. Empty: no limit, or recorded
    /// before it was kept.
    std::optional<std::int64_t> max_validity;
    Bytes der;
};

}  // namespace scepgate::ca_backend
