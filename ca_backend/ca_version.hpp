// Which of its certificates and keys a CA is at, as AD CS counts them.
#pragma once

#include "certs/certificate.hpp"

namespace scepgate::ca_backend {

struct CaVersion {
    unsigned certificate_index = 0;  ///< certificates of this CA before this one
    unsigned key_index = 0;          ///< the certificate_index that its key began with
};

/// szOID_CERTSRV_CA_VERSION of a CA's certificate: an INTEGER with the key's index in its upper 16
/// bits. Zeros where it is absent or is no such thing.
[[nodiscard]] CaVersion ca_version(const certs::Certificate& ca);

}  // namespace scepgate::ca_backend
