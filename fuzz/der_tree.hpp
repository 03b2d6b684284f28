// A tree of TLV elements that can be wrong on purpose: what mutators work on.
#pragma once

#include <cstdint>
#include <vector>

#include "certs/bytes.hpp"

namespace scepgate::fuzz {

/// How an element's length is written.
enum class LengthForm : std::uint8_t {
    kMinimal,
    kLong,        ///< a leading zero octet too many
    kIndefinite,  ///< 80 … 00 00, as BER allows for constructed elements
    kOff,         ///< one more than there is
};

struct TlvNode {
    Bytes identifier;  ///< usually one octet
    LengthForm length = LengthForm::kMinimal;
    /// Octets before the children: the unused-bits octet of a BIT STRING with DER inside.
    Bytes content;
    std::vector<TlvNode> children;
};

/// The elements that `input` is made of, down to OCTET STRINGs and BIT STRINGs that hold elements
/// themselves. Empty when it is not a row of elements. Bounded in depth and number.
[[nodiscard]] std::vector<TlvNode> parse_tlv(ByteView input);

void append_tlv(Bytes& out, const TlvNode& node);
[[nodiscard]] Bytes encode_tlv(const std::vector<TlvNode>& nodes);
/// The value octets alone.
[[nodiscard]] Bytes encode_value(const TlvNode& node);

}  // namespace scepgate::fuzz
