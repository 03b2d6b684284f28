// The independent judge of issued certificates: libcrypto's path validation.
#pragma once

#include "certs/certificate.hpp"

namespace scepgate::ca_backend::testing {

/// "ok", or why X509_verify_cert, with X509_V_FLAG_X509_STRICT, does not accept `leaf` at `time`.
/// The last certificate of `chain` is the trust anchor.
std::string verify_strictly(const certs::Certificate& leaf,
                            const std::vector<certs::Certificate>& chain, std::int64_t time);

}  // namespace scepgate::ca_backend::testing
