// A CSR that is accepted reads the same again, and OpenSSL reads the same from it: subject, key,
// challenge, and a signature that verifies. One that is refused as its sender's fault has a
// signature that verifies, too.
// Input: a CertificationRequest, or a CertificationRequestInfo that is signed here.
#include "certs/csr.hpp"
#include "fuzz/openssl_csr.hpp"
#include "fuzz/signed_csr.hpp"
#include "fuzz/test_keys.hpp"

namespace scepgate::fuzz {

using namespace certs;

void run(ByteView input) {
    const Bytes der = sign_if_request_info(input, challenge_signer().key);
    const auto csr = Csr::from_der(der);
    if (!csr) {
        const bool verified = csr.error().code == Errc::kDenied;
        FUZZ_REQUIRE(!verified || openssl_finds_signature_good(der));
        return;
    }
    FUZZ_REQUIRE(equal(csr->der(), der));
    FUZZ_REQUIRE(!csr->challenge() || !csr->challenge()->empty());

    const auto again = Csr::from_der(csr->der(), {}, false);
    const bool sha1 = csr->signature_algorithm().digest == Digest::kSha1;
    FUZZ_REQUIRE(again.has_value() == !sha1);
    if (again) {
        FUZZ_REQUIRE(again->subject().der() == csr->subject().der());
        FUZZ_REQUIRE(again->public_key() == csr->public_key());
        FUZZ_REQUIRE(again->requested().subject_alt_name == csr->requested().subject_alt_name);
        FUZZ_REQUIRE(again->requested().others == csr->requested().others);
    }
    const KeyLimits limits;
    const bool rsa = csr->public_key().type() == KeyType::kRsa;
    FUZZ_REQUIRE(!rsa || (csr->public_key().bits() >= limits.minimum_rsa_bits &&
                          csr->public_key().bits() <= limits.maximum_rsa_bits));
    require_openssl_agrees(*csr);
}

}  // namespace scepgate::fuzz
