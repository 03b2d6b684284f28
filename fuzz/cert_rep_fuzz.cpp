// A client believes a CertRep only when the RA's certificate signed it (OpenSSL must agree where it
// parses the message), and a SUCCESS only when it holds a certificate for the client's key, which
// is then in the reply.
// Input: a CertRep; the same octets also as the content of a SUCCESS that is rightly encrypted and
// signed, so that fuzzing reaches the certificates inside.
#include "certs/ber.hpp"
#include "certs/oids.hpp"
#include "fuzz/client_keys.hpp"
#include "fuzz/openssl_cms.hpp"

namespace scepgate::fuzz {
namespace {

using namespace certs;

void require_right_outcome(const scep::CertReply& reply) {
    FUZZ_REQUIRE(reply.fail_info.has_value() == (reply.status == scep::PkiStatus::kFailure));
    if (reply.status != scep::PkiStatus::kSuccess) {
        FUZZ_REQUIRE(!reply.certificate && reply.others.empty());
        return;
    }
    const auto key = reply.certificate.public_key();
    FUZZ_REQUIRE(key && *key == device().key.public_key());
    FUZZ_REQUIRE(reply.certificate != device().certificate);
}

Bytes success_with(ByteView content) {
    const auto enveloped = build_enveloped_data(content, ContentCipher::kAes128Cbc,
                                                device().certificate, device().key.public_key());
    FUZZ_REQUIRE(enveloped);
    const Bytes info = build_content_info(oid::kEnvelopedData, *enveloped);
    const auto request = device_request({});
    SignedDataContents contents;
    contents.content_type = oid::kData;
    contents.content = info;
    contents.signed_attributes = {
        encode_attribute(oid::kMessageType, der::printable_string("3")),
        encode_attribute(oid::kPkiStatus, der::printable_string("0")),
        encode_attribute(oid::kTransactionId, der::printable_string(request.transaction_id)),
        encode_attribute(oid::kRecipientNonce, der::octet_string(request.sender_nonce)),
        encode_attribute(oid::kSenderNonce, der::octet_string(Bytes(16)))};
    contents.signing_time = kNow;
    contents.certificates = {ra().certificate};
    auto message = build_signed_data(contents, ra().certificate, ra().key);
    FUZZ_REQUIRE(message);
    return std::move(*message);
}

}  // namespace

void run(ByteView input) {
    const auto request = device_request({});
    const auto ca = trusted_ca();
    const auto& key = device().key.public_key();
    if (const auto reply = scep::decode_reply(input, request, ca, key)) {
        const auto der = ber_to_der(input);
        FUZZ_REQUIRE(der);
        require_openssl_verifies(*der, ra().certificate);
        require_right_outcome(*reply);
    }
    const auto wrapped = scep::decode_reply(success_with(input), request, ca, key);
    if (!wrapped) return;
    FUZZ_REQUIRE(wrapped->status == scep::PkiStatus::kSuccess);
    require_right_outcome(*wrapped);
    const auto inner = ber_to_der(input);
    FUZZ_REQUIRE(inner);
    const ByteView der = wrapped->certificate.der();
    FUZZ_REQUIRE(std::search(inner->begin(), inner->end(), der.begin(), der.end()) != inner->end());
}

}  // namespace scepgate::fuzz
