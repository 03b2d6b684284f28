// A message that is read can be answered; one that is opened has a signature that OpenSSL finds
// good too, by an allowed key with allowed algorithms; one that becomes a request for a certificate
// holds a CSR of the signer's own key.
// Input: a message as it is posted, encrypted to the RA of the fixed keys.
#include "fuzz/client_keys.hpp"
#include "fuzz/request_properties.hpp"

namespace scepgate::fuzz {

void run(ByteView input) {
    const auto request = scep::read_signed_request(input);
    if (!request) {
        FUZZ_REQUIRE(request.error().code == Errc::kMalformed);
        return;
    }
    require_answerable(*request);
    const auto message = scep::open_request(*request, recipients(), {});
    const bool ours = scep::is_addressed_to(*request, recipients());
    if (!message) {
        require_open_refusal(message.error());
        return;
    }
    FUZZ_REQUIRE(ours);
    require_rightly_opened(*request, *message);
    require_rightly_classified(*message);
    require_rightly_read(*message);
}

}  // namespace scepgate::fuzz
