// One entry of a CRL's revokedCertificates (RFC 5280 section 5.1.2.6).
#pragma once

#include "certs/crl.hpp"

namespace scepgate::certs {

/// `content`: of the entry's SEQUENCE. kUnsupported: an indirect CRL's, or with a critical
/// extension that is not known.
[[nodiscard]] Result<Crl::Entry> parse_crl_entry(ByteView content);

/// The octets of a non-negative INTEGER, without a sign octet. `what` names it in errors.
[[nodiscard]] Result<ByteView> read_non_negative(DerReader& reader, std::string_view what);

/// Orders numbers as the function above gives them: a shorter one is less.
[[nodiscard]] bool is_less_number(ByteView left, ByteView right) noexcept;

}  // namespace scepgate::certs
