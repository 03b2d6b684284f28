// Lists of X.509 extensions, as certificates and PKCS#10 requests carry them.
#pragma once

#include <vector>

#include "certs/der.hpp"

namespace scepgate::certs {

/// Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue OCTET STRING }
struct Extension {
    ByteView oid;  ///< content octets
    bool critical = false;
    ByteView value;  ///< the OCTET STRING's content
};

/// Reads `Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension` from its whole DER. An OID that comes
/// twice, over 64 extensions or trailing octets are kMalformed. An explicit FALSE and an empty list
/// are tolerated: they say nothing.
/// The views lie in `der`.
[[nodiscard]] Result<std::vector<Extension>> parse_extensions(ByteView der);
Result<std::vector<Extension>> parse_extensions(Bytes&& der) = delete;

/// The extension with this OID, or nullptr.
[[nodiscard]] const Extension* find_extension(const std::vector<Extension>& extensions,
                                              ByteView oid) noexcept;

/// One DER Extension.
[[nodiscard]] Bytes encode_extension(ByteView oid, bool critical, ByteView value);

/// cA of a BasicConstraints.
[[nodiscard]] Result<bool> parse_basic_constraints(ByteView value);

/// The account SID of szOID_NTDS_CA_SECURITY_EXT (KB5014754): "S-1-5-21-…".
[[nodiscard]] Result<std::string> parse_sid_extension(ByteView value);
[[nodiscard]] Bytes encode_sid_extension(std::string_view sid);

}  // namespace scepgate::certs
