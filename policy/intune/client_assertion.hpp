// How the app proves itself to Entra ID with a certificate (RFC 7523 section 2.2).
#pragma once

#include "policy/intune/settings.hpp"

namespace scepgate::policy::intune {

/// Seconds that an assertion is good for.
inline constexpr std::int64_t kAssertionLifetime = 600;

/// A signed JWT with alg, typ and x5t#S256, and aud (the token endpoint), iss and sub (the app),
/// jti (fresh), nbf, iat and exp.
[[nodiscard]] Result<Secret> make_client_assertion(const AppCertificate& app,
                                                   const std::string& app_id,
                                                   const std::string& token_url, std::int64_t now);

/// A random GUID in lower case (RFC 4122 version 4).
[[nodiscard]] std::string make_guid();

/// RFC 4648 section 5, without padding.
[[nodiscard]] std::string to_base64url(ByteView bytes);

}  // namespace scepgate::policy::intune
