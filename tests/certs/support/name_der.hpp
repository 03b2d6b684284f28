// Names for tests, in any encoding, sound or not.
#pragma once

#include "certs/der.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs::testing {

inline Bytes ava(ByteView type, DerTag tag, std::string_view value) {
    return der::sequence({der::oid(type), der::element(tag, as_bytes(value))});
}

/// A Name of single-valued RDNs.
inline Bytes name_of(const std::vector<Bytes>& attributes) {
    Bytes content;
    for (const Bytes& attribute : attributes) {
        const Bytes rdn = der::set({attribute});
        content.insert(content.end(), rdn.begin(), rdn.end());
    }
    return der::element(DerTag::kSequence, content);
}

/// One commonName of these octets.
inline Bytes common_name(DerTag tag, std::string_view value) {
    return name_of({ava(oid::kCommonName, tag, value)});
}

}  // namespace scepgate::certs::testing
