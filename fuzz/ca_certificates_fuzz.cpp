// The certificates that a client takes from GetCACert hold together: each CA signed by the next,
// RAs signed by the issuing CA, all in use valid now. GetCACaps gives a cipher and a digest
// whatever it says. Input: the body of either answer.
#include "fuzz/test_keys.hpp"
#include "scep/client.hpp"

namespace scepgate::fuzz {
namespace {

using certs::Certificate;

bool valid(const Certificate& certificate) {
    return certificate.not_before() <= kNow && kNow <= certificate.not_after();
}

bool signed_by(const Certificate& certificate, const Certificate& issuer) {
    const auto key = issuer.public_key();
    return key && certificate.signed_by(*key);
}

}  // namespace

void run(ByteView input) {
    const auto capabilities = scep::parse_capabilities(as_text(input));
    FUZZ_REQUIRE(capabilities.cipher() != certs::ContentCipher::kDesCbc);
    FUZZ_REQUIRE(!capabilities.standard || (capabilities.aes && capabilities.sha256));
    FUZZ_REQUIRE(!capabilities.aes || capabilities.cipher() == certs::ContentCipher::kAes128Cbc);

    const auto found = scep::parse_ca_certificates(input, kNow);
    if (!found) return;
    FUZZ_REQUIRE(!found->chain.empty() && found->chain.front() == found->ca);
    for (std::size_t i = 0; i < found->chain.size(); ++i) {
        const auto ca = found->chain[i].is_ca();
        FUZZ_REQUIRE(ca && *ca);
        if (i > 0) FUZZ_REQUIRE(signed_by(found->chain[i - 1], found->chain[i]));
    }
    FUZZ_REQUIRE(valid(found->ca));
    for (const Certificate& used : {found->signing, found->encryption}) {
        FUZZ_REQUIRE(used && valid(used));
        FUZZ_REQUIRE(used == found->ca || signed_by(used, found->ca));
    }
}

}  // namespace scepgate::fuzz
