// NDES's mscep_admin pages, text by text as the programs that scrape them expect it.
#pragma once

#include "certs/certificate.hpp"

namespace scepgate::server::admin {

/// The MD5 of the certificate in four groups of eight digits, for people and scrapers to look at;
/// it proves nothing. "" where OpenSSL has no MD5 (FIPS).
[[nodiscard]] std::string ndes_thumbprint(const certs::Certificate& certificate);

struct NdesPassword {
    std::string_view thumbprint;
    std::string_view password;
    std::int64_t minutes = 60;  ///< until it expires; 0: it does not, and can be used again
};

/// With the password; the caller wipes it.
[[nodiscard]] std::string password_page(const NdesPassword& password);
[[nodiscard]] std::string cache_full_page(std::int64_t minutes);
[[nodiscard]] std::string no_permission_page();

/// As NDES sends it: UTF-16, little endian, without byte order mark. `text`: ASCII.
[[nodiscard]] Bytes to_utf16le(std::string_view text);

}  // namespace scepgate::server::admin
