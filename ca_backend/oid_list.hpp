// Lists of OIDs.
#pragma once

#include <algorithm>
#include <vector>

#include "certs/bytes.hpp"

namespace scepgate::ca_backend {

/// Both as content octets.
[[nodiscard]] inline bool contains(const std::vector<Bytes>& oids, ByteView oid) {
    return std::any_of(oids.begin(), oids.end(),
                       [oid](const Bytes& one) { return equal(one, oid); });
}

}  // namespace scepgate::ca_backend
