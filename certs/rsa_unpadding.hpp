// Constant-time parts of RSA decryption: unpadding without a failure that could be observed.
#pragma once

#include <cstddef>

#include "certs/secret.hpp"

namespace scepgate::certs {

/// All ones or all zeros; never branched on.
using Mask = std::uint8_t;

/// `length` pseudo-random octets that depend on both inputs only (implicit rejection, after
/// draft-irtf-cfrg-rsa-guidance): HMAC-SHA256 in counter mode.
[[nodiscard]] Secret rejection_value(const Secret& rejection_key, ByteView ciphertext,
                                     std::size_t length);

/// Whether `encoded` is 00 02 PS 00 M, with PS of at least 8 octets, none zero, and M as long as
/// `message_length` says. The time depends on the lengths alone. `encoded` must be at least 11
/// octets longer than the message.
[[nodiscard]] Mask is_pkcs1_encryption_block(ByteView encoded, std::size_t message_length) noexcept;

/// `accepted` when the mask is set, else `rejected`. Of equal length.
[[nodiscard]] Secret select(Mask mask, ByteView accepted, ByteView rejected);

}  // namespace scepgate::certs
