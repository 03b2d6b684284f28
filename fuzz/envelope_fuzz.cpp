// The envelope, reached through a message that the device rightly signed. What is opened was
// encrypted to our one key with an allowed cipher; opening it again gives the same octets (or the
// answers would tell something about the padding); what does not open ends in the uniform refusal.
// Input: the signed content, an EnvelopedData in a ContentInfo.
#include "certs/ber.hpp"
#include "certs/oids.hpp"
#include "fuzz/client_keys.hpp"
#include "fuzz/request_properties.hpp"

namespace scepgate::fuzz {
namespace {

using namespace certs;

Bytes sign_as_device(ByteView content) {
    SignedDataContents contents;
    contents.content_type = oid::kData;
    contents.content = content;
    contents.signed_attributes = {
        encode_attribute(oid::kMessageType, der::printable_string("19")),
        encode_attribute(oid::kTransactionId, der::printable_string("fuzz")),
        encode_attribute(oid::kSenderNonce, der::octet_string(Bytes(16)))};
    contents.signing_time = kNow;
    contents.certificates = {device().certificate};
    auto message = build_signed_data(contents, device().certificate, device().key);
    FUZZ_REQUIRE(message);
    return std::move(*message);
}

}  // namespace

void run(ByteView input) {
    const auto request = scep::read_signed_request(sign_as_device(input));
    FUZZ_REQUIRE(request);
    const auto message = scep::open_request(*request, recipients(), {});
    if (!message) {
        require_open_refusal(message.error());
        FUZZ_REQUIRE(message.error().code != "SignatureInvalid");
        return;
    }
    require_rightly_opened(*request, *message);
    const auto again = scep::open_request(*request, recipients(), {});
    FUZZ_REQUIRE(again && equal(again->content(), message->content()));
    require_rightly_classified(*message);
    require_rightly_read(*message);
}

}  // namespace scepgate::fuzz
