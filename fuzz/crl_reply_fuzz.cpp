// A client takes a CRL only when the issuing CA signed it, octet for octet as it stands in the
// reply. Input: the content of a SUCCESS to a GetCRL, which is rightly encrypted and signed here.
#include "certs/ber.hpp"
#include "certs/crl.hpp"
#include "certs/oids.hpp"
#include "fuzz/client_keys.hpp"

namespace scepgate::fuzz {

void run(ByteView input) {
    scep::ClientRequest request = device_request(device().certificate.issuer_and_serial());
    request.type = scep::MessageType::kGetCrl;
    const auto body = success_with(input);
    const auto reply = scep::decode_get_crl_reply(body, request, trusted_ca());
    if (reply) {
        FUZZ_REQUIRE(reply->status == scep::PkiStatus::kSuccess);
        const auto crl = certs::Crl::from_der(reply->crl);
        FUZZ_REQUIRE(crl && crl->signed_by(ra().key.public_key()));
        const auto inner = certs::ber_to_der(input);
        FUZZ_REQUIRE(inner);
        FUZZ_REQUIRE(std::search(inner->begin(), inner->end(), reply->crl.begin(),
                                 reply->crl.end()) != inner->end());
    }
    // The same octets as a CRL by itself.
    if (const auto crl = certs::Crl::from_der(input)) {
        request.content = Bytes();
        const auto wrapped = success_with(certs::build_crl_only(input));
        const auto taken = scep::decode_get_crl_reply(wrapped, request, trusted_ca());
        FUZZ_REQUIRE(!taken || equal(taken->crl, input));
    }
}

}  // namespace scepgate::fuzz
