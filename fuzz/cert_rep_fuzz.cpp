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
