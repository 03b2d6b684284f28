// What OpenSSL must agree with when a signed message was accepted.
#pragma once

#include "certs/certificate.hpp"

namespace scepgate::fuzz {

/// Where OpenSSL parses the message (DER): it has one signer, whose signature over the signed
/// attributes is by the key of `signer` and whose messageDigest is the content's.
///
/// Not CMS_verify(), which also minds what nothing signed: other certificates, digestAlgorithms.
void require_openssl_verifies(ByteView message, const certs::Certificate& signer);

}  // namespace scepgate::fuzz
