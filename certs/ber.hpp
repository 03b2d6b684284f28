// BER to DER, for what clients send inside CMS.
#pragma once

#include <cstddef>

#include "certs/bytes.hpp"

namespace scepgate::certs {

struct BerLimits {
    std::size_t depth = 32;         ///< nesting of constructed elements
    std::size_t elements = 20'000;  ///< elements in all
};

/// Rewrites one BER element as definite-length with minimal lengths, and joins constructed
/// (segmented) OCTET STRINGs into primitive ones. The content of primitive elements is left alone,
/// the order of SET OF elements too (signatures are over the order as sent).
///
/// `input` must be exactly one element; octets after it, an end-of-contents that is missing or out
/// of place, a length beyond the input, and anything over the limits are kMalformed. Memory use is
/// bounded by the input's size, never by a declared length.
[[nodiscard]] Result<Bytes> ber_to_der(ByteView input, BerLimits limits = {});

}  // namespace scepgate::certs
