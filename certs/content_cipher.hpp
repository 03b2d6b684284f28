// What reading and writing of encrypted content share about a cipher. For certs/ itself; others
// use cms_enveloped_data.hpp.
#pragma once

#include "certs/cms_enveloped_data.hpp"

namespace scepgate::certs {

/// The library's cipher, fetched once per process.
[[nodiscard]] const EVP_CIPHER* evp_cipher(ContentCipher cipher);
/// Content octets of its OID.
[[nodiscard]] ByteView cipher_oid(ContentCipher cipher) noexcept;

inline constexpr std::size_t kGcmNonceOctets = 12;
inline constexpr std::size_t kGcmTagOctets = 16;

}  // namespace scepgate::certs
