// The key of a request that cannot be taken as one.
#pragma once

#include "certs/der.hpp"

namespace scepgate::certs {

/// The SubjectPublicKeyInfo inside a PKCS#10 request, of which nothing else is judged, its
/// signature neither: only to say why its key is not taken. A view into `der`; kMalformed.
[[nodiscard]] Result<ByteView> key_info_of_csr(ByteView der);

}  // namespace scepgate::certs
