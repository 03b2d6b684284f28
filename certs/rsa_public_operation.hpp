// RSA with a public key: x^e mod n.
#pragma once

#include <optional>

#include "certs/bytes.hpp"
#include "certs/ossl.hpp"

namespace scepgate::certs {

/// One modulus and exponent, ready for use. Over OpenSSL's numbers and not its EVP_PKEY: each
/// device has a key of its own, for which 3.0 would make an EVP_PKEY, a context for each kind of
/// operation and a table for the exponent, at half again the cost of the operations. Public values
/// need none of what EVP does for private ones. Safe for concurrent use.
class RsaPublicOperation {
public:
    /// `modulus`: odd, its first octet not zero. `exponent`: odd, over 1. Both were judged before
    /// (PublicKey). kInternal without memory.
    static Result<RsaPublicOperation> make(ByteView modulus, std::uint64_t exponent);

    /// `number`^e mod n, as long as n. Nothing when `number` is not as long as n, or not below it
    /// (RFC 8017 sections 5.1.1 and 5.2.2).
    [[nodiscard]] std::optional<Bytes> raise(ByteView number) const;

private:
    using MontgomeryPtr = std::unique_ptr<BN_MONT_CTX, Deleter<BN_MONT_CTX_free>>;
    RsaPublicOperation(std::size_t size, std::uint64_t exponent, BnPtr modulus,
                       MontgomeryPtr montgomery) noexcept;

    std::size_t size_;
    std::uint64_t exponent_;
    BnPtr modulus_;
    MontgomeryPtr montgomery_;
};

}  // namespace scepgate::certs
