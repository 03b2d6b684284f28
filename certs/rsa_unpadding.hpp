// Constant-time parts of RSA decryption: unpadding without a failure that could be observed.
#pragma once

#include <cstddef>

#include "certs/algorithms.hpp"
#include "certs/secret.hpp"

namespace scepgate::certs {

/// All ones or all zeros; never branched on.
using Mask = std::uint8_t;

/// What PKCS #1 v1.5 adds to a message at least (RFC 8017 section 7.2.1; a signature's block,
/// section 9.2, too): 00 02 (01), eight octets of padding, 00.
inline constexpr std::size_t kPkcs1Overhead = 11;

/// `length` pseudo-random octets that depend on both inputs only (implicit rejection, after
/// draft-irtf-cfrg-rsa-guidance): HMAC-SHA256 in counter mode.
[[nodiscard]] Secret rejection_value(const Secret& rejection_key, ByteView ciphertext,
                                     std::size_t length);

/// Whether `encoded` is 00 02 PS 00 M, with PS of at least 8 octets, none zero, and M as long as
/// `message_length` says. The time depends on the lengths alone. `encoded` must be at least
/// kPkcs1Overhead octets longer than the message.
[[nodiscard]] Mask is_pkcs1_encryption_block(ByteView encoded, std::size_t message_length) noexcept;

/// EME-OAEP undone (RFC 8017 section 7.1.2 step 3), with an empty label.
struct OaepBlock {
    Secret data;       ///< DB: lHash, PS, 01, M
    ByteView message;  ///< its last octets
    Mask good = 0;     ///< the block is one, and M as long as it should be
};
/// `encoded`: of the modulus's length, its first octet the one before the seed. The time depends on
/// the lengths and digests alone. kUnsupported: a message of `message_length` cannot be in it.
[[nodiscard]] Result<OaepBlock> undo_oaep(const Secret& encoded, std::size_t message_length,
                                          Digest digest, Digest mgf1_digest);

/// `accepted` when the mask is set, else `rejected`. Of equal length.
[[nodiscard]] Secret select(Mask mask, ByteView accepted, ByteView rejected);

}  // namespace scepgate::certs
