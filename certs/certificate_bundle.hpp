// Certificates in whatever a CA hands out.
#pragma once

#include <vector>

#include "certs/certificate.hpp"

namespace scepgate::certs {

/// Text in UTF-16, as PowerShell's ">" and some of Windows' editors make it.
[[nodiscard]] bool is_utf16(ByteView octets) noexcept;
inline constexpr const char* kIsUtf16 =
    "this is UTF-16 text; make it ASCII: iconv -f UTF-16 -t ASCII OLD > NEW";

/// All certificates in `octets`, in their order: one in DER; a PKCS#7 without signers (RFC 5652
/// section 5, what Windows calls .p7b) in DER; or PEM blocks, each of which holds one or the other.
/// AD CS writes a PKCS#7 between "BEGIN CERTIFICATE" lines too, so a block's content decides and
/// not its label; blocks of other kinds, such as CRLs, are passed over. kConfig: there is none, or
/// a block is damaged.
[[nodiscard]] Result<std::vector<Certificate>> read_certificate_bundle(ByteView octets);

}  // namespace scepgate::certs
