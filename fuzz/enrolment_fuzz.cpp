// A device's request on its whole way: opened, judged, certified, recorded, answered. A certificate
// that comes back is the CA's, for the CSR's key and subject, no CA itself, valid now, and the same
// when the request comes again; whatever is refused gets a FAILURE that the device can read.
// Input: the CSR, or a CertificationRequestInfo that is signed here with the device's key.
#include "fuzz/client_keys.hpp"
#include "fuzz/served_lab.hpp"
#include "fuzz/signed_csr.hpp"

namespace scepgate::fuzz {
namespace {

scep::CertReply ask(const scep::ClientRequest& request) {
    ServedLab& lab = ServedLab::instance();
    const auto message = scep::encode_request(request);
    FUZZ_REQUIRE(message);
    const auto reply = lab.process(*message);
    FUZZ_REQUIRE(reply.kind == server::OperationReply::Kind::kCertRep);
    auto read =
        scep::decode_reply(reply.body, request, lab.certificates(), device().key.public_key());
    FUZZ_REQUIRE(read);
    return std::move(*read);
}

}  // namespace

void run(ByteView input) {
    const Bytes content = sign_if_request_info(input, device().key);
    auto request = device_request(content);
    request.transaction_id = to_hex(sha256(content));
    const auto reply = ask(request);
    const auto csr = certs::Csr::from_der(content);
    if (reply.status != scep::PkiStatus::kSuccess) {
        FUZZ_REQUIRE(reply.status == scep::PkiStatus::kFailure && reply.fail_info);
        return;
    }
    FUZZ_REQUIRE(csr);
    const auto& certificate = reply.certificate;
    FUZZ_REQUIRE(certificate.signed_by(challenge_signer().key.public_key()));
    FUZZ_REQUIRE(equal(certificate.subject_der(), csr->subject().der()));
    const auto ca = certificate.is_ca();
    FUZZ_REQUIRE(ca && !*ca);
    FUZZ_REQUIRE(certificate.not_before() <= kNow && certificate.not_after() > kNow);
    const auto again = ask(request);
    FUZZ_REQUIRE(again.status == scep::PkiStatus::kSuccess && again.certificate == certificate);
}

}  // namespace scepgate::fuzz
