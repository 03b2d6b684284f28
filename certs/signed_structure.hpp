// The shape that certificates, CRLs and CSRs share.
#pragma once

#include "certs/der.hpp"

namespace scepgate::certs {

/// The parts of a signed structure, as they stand in its octets.
struct SignedStructure {
    ByteView to_be_signed;  ///< whole, what the signature is over
    ByteView content;       ///< of to_be_signed
    ByteView algorithm;     ///< AlgorithmIdentifier, whole
    ByteView signature;
};

/// `what` names it in errors: "certificate". kMalformed; also with octets behind it.
///
///   SIGNED{ToBeSigned} ::= SEQUENCE {
///       toBeSigned           ToBeSigned,           -- a SEQUENCE
///       algorithmIdentifier  AlgorithmIdentifier,
///       signature            BIT STRING }          (RFC 5912 section 6)
[[nodiscard]] Result<SignedStructure> read_signed_structure(ByteView der, std::string_view what);

}  // namespace scepgate::certs
