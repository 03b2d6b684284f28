// The named curves of EC keys.
#pragma once

#include <string_view>

#include "certs/algorithms.hpp"
#include "certs/ossl.hpp"

namespace scepgate::certs {

struct EcCurve {
    ByteView oid;
    int bits;
    const char* openssl_name;
    int openssl_number;
    std::size_t field_octets;
};

/// P-256, P-384 or P-521. kUnsupported: another one, or parameters other than namedCurve, which
/// RFC 5480 section 2.1.1 leaves as the one choice.
Result<const EcCurve*> find_curve(const AlgorithmIdentifier& algorithm);

/// Whether `point` is an uncompressed point on the curve (SEC 1 section 2.3.4), which is not
/// infinity; the cofactor of all these curves is 1, so a key needs no other check (section
/// 3.2.2.1). kUnsupported in another form, kMalformed when it is on no such curve.
Result<void> check_point(const EcCurve& curve, ByteView point);

/// OpenSSL's form of a public key whose point was checked; null when OpenSSL fails: see its error
/// queue.
EvpPkeyPtr make_ec_key(const EcCurve& curve, ByteView point);

}  // namespace scepgate::certs
