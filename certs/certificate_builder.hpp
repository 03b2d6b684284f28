// Making certificates: the TBSCertificate and its signature (RFC 5280 section 4.1).
#pragma once

#include "certs/certificate.hpp"
#include "certs/general_name.hpp"
#include "certs/private_key.hpp"

namespace scepgate::certs {

/// All that stands in a new certificate. Whoever fills it in has decided; nothing is copied from a
/// request here.
struct CertificateContents {
    Bytes serial;                 ///< unsigned big-endian, 1 to 20 octets once encoded, not zero
    Bytes issuer_der;             ///< Name
    Bytes subject_der;            ///< Name
    std::int64_t not_before = 0;  ///< seconds since the epoch
    std::int64_t not_after = 0;
    Bytes spki;                     ///< DER SubjectPublicKeyInfo
    std::vector<Bytes> extensions;  ///< DER Extensions in their order (encode_extension)
};

/// What a key signs certificates and CRLs with: SHA-256, for P-384 SHA-384, for P-521 SHA-512.
[[nodiscard]] Digest digest_for(const PublicKey& key) noexcept;

/// Builds a v3 certificate, signs it, and checks the signature with the signer's public key before
/// giving it out (a faulty signature can reveal an RSA key).
Result<Certificate> build_certificate(const CertificateContents& contents, const PrivateKey& signer,
                                      Digest digest);

/// A new serial number: 128 random bits, positive, not zero (at most 17 octets encoded).
Bytes random_serial();

/// DER Extensions of the usual kinds.
Bytes basic_constraints_extension(bool ca, std::optional<int> path_length = std::nullopt);
Bytes key_usage_extension(KeyUsage usage);
Bytes extended_key_usage_extension(const ExtendedKeyUsage& usages, bool critical = false);
Bytes subject_key_identifier_extension(const PublicKey& key);
Bytes subject_key_identifier_extension(ByteView key_identifier);
Bytes authority_key_identifier_extension(ByteView issuer_key_identifier);
Bytes subject_alt_name_extension(const GeneralNames& names, bool critical);

}  // namespace scepgate::certs
