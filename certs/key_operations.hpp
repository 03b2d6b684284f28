// What stands in for a private key that is not in this process.
#pragma once

#include "certs/public_key.hpp"
#include "certs/secret.hpp"

namespace scepgate::certs {

/// The operations of a key that is in a token or in another process; a PrivateKey is made of them
/// by PrivateKey::from_operations(). Calls may block and may overlap. kUnavailable: the key cannot
/// be reached now. What an implementation does not do is kUnsupported.
class KeyOperations {
public:
    virtual ~KeyOperations() = default;

    /// As PrivateKey::sign(). It gets all that is signed, not a digest, so that whoever holds the
    /// key can judge it first. kDenied: it will not sign this.
    [[nodiscard]] virtual Result<Bytes> sign(Digest digest, ByteView data) const = 0;

    /// Whether raw_rsa() can be asked: the key is RSA, and its keeper lets it decrypt.
    [[nodiscard]] virtual bool decrypts() const { return false; }
    /// RSADP (RFC 8017 section 5.1.2): `ciphertext` and the answer have the modulus's length.
    /// Padding is never undone over there: whether it was sound would show. An answer of another
    /// length, or of zeros, is taken for one with bad padding.
    [[nodiscard]] virtual Result<Secret> raw_rsa(ByteView /*ciphertext*/) const {
        return unsupported("decryption needs an RSA key in this process, or in a token");
    }

    /// ECDH: the shared x coordinate. `peer` is on the same curve.
    [[nodiscard]] virtual Result<Secret> agree(const PublicKey& /*peer*/) const {
        return unsupported("key agreement needs an EC key in this process, or in a token");
    }
};

}  // namespace scepgate::certs
