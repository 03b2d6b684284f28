// What is inside the envelope, reached through a message that is rightly encrypted and signed: any
// content comes out as it went in, and then is a CSR of the device's own key, or is refused as the
// device may see it.
// Input: the content, or a CertificationRequestInfo that is signed here with the device's key.
#include "fuzz/client_keys.hpp"
#include "fuzz/request_properties.hpp"
#include "fuzz/signed_csr.hpp"

namespace scepgate::fuzz {

void run(ByteView input) {
    const Bytes content = sign_if_request_info(input, device().key);
    const auto octets = scep::encode_request(device_request(content));
    FUZZ_REQUIRE(octets);
    const auto request = scep::read_signed_request(*octets);
    FUZZ_REQUIRE(request && request->tolerances.empty());
    const auto message = scep::open_request(*request, recipients(), {});
    FUZZ_REQUIRE(message);
    FUZZ_REQUIRE(equal(message->content(), content));
    require_rightly_classified(*message);
    require_rightly_read(*message);
}

}  // namespace scepgate::fuzz
