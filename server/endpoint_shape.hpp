// What the answers of an endpoint look like where clients want different things.
#pragma once

#include <cstdint>
#include <string>

namespace scepgate::server {

enum class CaCertShape {
    kRaAndChain,   ///< RA signing, RA encryption, issuing CA … root
    kRaAndIssuer,  ///< the same without the root
    kIssuer,       ///< the issuing CA alone, in a PKCS#7
    kSingle,       ///< the issuing CA alone, bare
};

enum class CertRepShape {
    kLeaf,       ///< the issued certificate
    kLeafAndCa,  ///< and its CA
    kChain,      ///< and all up to the root
};

struct EndpointShape {
    std::string preset = "default";  ///< where the values come from that were not given
    CaCertShape get_ca_cert = CaCertShape::kRaAndChain;
    CertRepShape cert_rep = CertRepShape::kLeaf;
    bool empty_failure = false;            ///< FAILURE and PENDING: empty content instead of none
    std::int64_t signing_time_window = 0;  ///< seconds; 0: signingTime is not looked at
};

}  // namespace scepgate::server
