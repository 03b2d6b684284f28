// What stands in for a private key that is not in this process.
#pragma once

#include "certs/algorithms.hpp"
#include "certs/bytes.hpp"

namespace scepgate::certs {

/// The operations of a key that is in a token or in another process; a PrivateKey is made of them
/// by PrivateKey::from_operations(). Calls may block and may overlap.
class KeyOperations {
public:
    virtual ~KeyOperations() = default;

    /// As PrivateKey::sign(). It gets all that is signed, not a digest, so that whoever holds the
    /// key can judge it first. kDenied: it will not sign this.
    [[nodiscard]] virtual Result<Bytes> sign(Digest digest, ByteView data) const = 0;
};

}  // namespace scepgate::certs
