// Public keys of devices, signers and CAs.
#pragma once

#include <memory>

#include "certs/algorithms.hpp"
#include "certs/ossl.hpp"

namespace scepgate::certs {

/// Which keys are taken at all; judged on the encoding, before any operation with the key
/// (attacks.md K01–K07: an unlimited key is a way to burn our CPU).
struct KeyLimits {
    int minimum_rsa_bits = 2048;
    int maximum_rsa_bits = 8192;
    std::uint64_t maximum_rsa_exponent = 65537;  ///< a larger one costs us up to ten times as much
    bool allow_ec = true;                        ///< named curves P-256, P-384, P-521
};

/// An immutable public key that was found sound: RSA with a modulus of 8k bits within the limits,
/// odd, and an odd exponent from 65537 up to the limit; or an uncompressed point on a named curve.
/// Explicit EC parameters, RSASSA-PSS-only, DSA and Edwards keys are kUnsupported.
///
/// Cheap to copy (shared). Safe for concurrent use.
class PublicKey {
public:
    PublicKey() = default;

    /// `spki`: DER SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). kMalformed when it is not one
    /// (also with trailing octets or unused bits), kUnsupported outside the limits.
    /// RSA keys are decoded from the bare RSAPublicKey: OpenSSL 3.0's d2i_PUBKEY costs five times
    /// the signature check that follows, and does not scale over threads.
    static Result<PublicKey> from_spki(ByteView spki, const KeyLimits& limits = {});

    [[nodiscard]] KeyType type() const noexcept;
    [[nodiscard]] int bits() const noexcept;
    /// "rsa:2048", "ec:p256"
    [[nodiscard]] std::string text() const;
    /// DER SubjectPublicKeyInfo: canonical (parameters as RFC 3279 and 5480 have them).
    [[nodiscard]] ByteView spki() const noexcept;
    /// SHA-1 of the subjectPublicKey bits: RFC 5280 section 4.2.1.2, method 1.
    [[nodiscard]] Bytes key_identifier() const;
    /// RSA: the modulus' octets, the first not zero. Empty for other types.
    [[nodiscard]] ByteView rsa_modulus() const noexcept;
    /// EC: the uncompressed point. Empty for other types.
    [[nodiscard]] ByteView ec_point() const noexcept;
    [[nodiscard]] EVP_PKEY* evp() const noexcept;

    /// Whether `signature` over `data` is by this key; no other answer (a malformed signature is
    /// just false). An algorithm of another key type is false.
    [[nodiscard]] bool verifies(SignatureAlgorithm algorithm, ByteView data,
                                ByteView signature) const;

    /// RSAES-PKCS1-v1_5 encryption of a content key. RSA only.
    [[nodiscard]] Result<Bytes> encrypt_pkcs1(ByteView plain) const;
    /// RSAES-OAEP with this digest for both hash and MGF1, empty label. RSA only.
    [[nodiscard]] Result<Bytes> encrypt_oaep(ByteView plain, Digest digest) const;

    friend bool operator==(const PublicKey& left, const PublicKey& right) noexcept {
        return equal(left.spki(), right.spki());
    }

private:
    struct State;
    explicit PublicKey(std::shared_ptr<const State> state) noexcept;
    std::shared_ptr<const State> state_;
};

}  // namespace scepgate::certs
