// Digests and signature algorithms, and their AlgorithmIdentifiers (RFC 3370, 4055, 5754, 5758).
#pragma once

#include <optional>
#include <string_view>

#include <openssl/evp.h>

#include "certs/bytes.hpp"
#include "certs/der.hpp"

namespace scepgate::certs {

/// MD5 is missing on purpose: it is never accepted anywhere.
enum class Digest { kSha1, kSha256, kSha384, kSha512 };

enum class KeyType { kRsa, kEc };

struct SignatureAlgorithm {
    KeyType key_type = KeyType::kRsa;  ///< kRsa: RSASSA-PKCS1-v1_5, kEc: ECDSA
    Digest digest = Digest::kSha256;

    friend bool operator==(const SignatureAlgorithm&, const SignatureAlgorithm&) = default;
};

/// "SHA-256" and the like, as GetCACaps spells them.
[[nodiscard]] std::string_view to_text(Digest digest) noexcept;
[[nodiscard]] std::string_view to_text(KeyType type) noexcept;  ///< "rsa", "ec"
/// "sha256WithRSAEncryption", "ecdsa-with-SHA256" …
[[nodiscard]] std::string_view to_text(SignatureAlgorithm algorithm) noexcept;

/// The library's algorithm, fetched once per process.
[[nodiscard]] const EVP_MD* evp_md(Digest digest);
[[nodiscard]] Bytes digest_of(Digest digest, ByteView data);

/// AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL }
struct AlgorithmIdentifier {
    ByteView algorithm;  ///< the OID's content octets
    std::optional<DerElement> parameters;
    [[nodiscard]] bool null_or_no_parameters() const noexcept;
};
/// Reads one from `reader`; views into its input.
Result<AlgorithmIdentifier> read_algorithm(DerReader& reader);

/// A digest's identifier with NULL or no parameters; anything else is kUnsupported.
Result<Digest> parse_digest(const AlgorithmIdentifier& identifier);
/// A signature's identifier. For rsaEncryption, which names no digest, `digest` says it (CMS);
/// without one it is kUnsupported, as are MD5, RSASSA-PSS and unknown ones.
Result<SignatureAlgorithm> parse_signature_algorithm(const AlgorithmIdentifier& identifier,
                                                     std::optional<Digest> digest = std::nullopt);

/// DER of the identifiers; digests are written without parameters, RSA signatures with NULL.
[[nodiscard]] Bytes digest_identifier(Digest digest);
[[nodiscard]] Bytes signature_identifier(SignatureAlgorithm algorithm);

}  // namespace scepgate::certs
