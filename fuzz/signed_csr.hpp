// Getting past a CSR's own signature, which a mutated CSR cannot have.
#pragma once

#include "certs/der.hpp"
#include "certs/private_key.hpp"
#include "fuzz/fuzz.hpp"

namespace scepgate::fuzz {

/// An input that starts like a CertificationRequestInfo (SEQUENCE { INTEGER …) is signed with `key`
/// and wrapped as the request that its owner would have made; any other is returned as it is.
/// The signature fits when the info carries the public key of `key`, as the seeds do.
inline Bytes sign_if_request_info(ByteView input, const certs::PrivateKey& key) {
    using namespace certs;
    const auto info = DerReader(input).read(DerTag::kSequence);
    if (!info || !DerReader(*info).at(DerTag::kInteger)) return to_bytes(input);
    const auto signature = key.sign(Digest::kSha256, input);
    FUZZ_REQUIRE(signature);
    return der::sequence({input, signature_identifier(key.signature_algorithm(Digest::kSha256)),
                          der::bit_string(*signature)});
}

}  // namespace scepgate::fuzz
