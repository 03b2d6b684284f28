#include "fuzz/request_properties.hpp"

#include "certs/asn1_string.hpp"
#include "fuzz/client_keys.hpp"
#include "fuzz/openssl_cms.hpp"
#include "fuzz/openssl_csr.hpp"

namespace scepgate::fuzz {
namespace {

bool same(const Refusal& left, const Refusal& right) {
    return left.fail_info == right.fail_info && left.code == right.code &&
           left.text == right.text && left.temporary == right.temporary;
}

}  // namespace

void require_answerable(const scep::SignedRequest& request) {
    FUZZ_REQUIRE(!request.transaction_id.empty() && request.transaction_id.size() <= 255);
    FUZZ_REQUIRE(certs::check_readable(request.transaction_id));
    FUZZ_REQUIRE(request.sender_nonce.size() <= 64);
    FUZZ_REQUIRE(!request.sender_nonce.empty() || !request.fault.empty());
    FUZZ_REQUIRE(request.message_type_text.size() <= 16);
    FUZZ_REQUIRE(request.signed_data.signers.size() == 1);
    FUZZ_REQUIRE(request.signed_data.signers.front().signer.names(request.signer));

    const scep::ReplySigner signer{ra().certificate, ra().key};
    const auto to = scep::reply_address(request, {});
    const auto body = scep::encode_failure(to, FailInfo::kBadRequest, signer, kNow);
    FUZZ_REQUIRE(body);
    // What sent no nonce misses none; our own client, which always does, would.
    if (request.sender_nonce.empty()) return;
    scep::ClientRequest asked = device_request({});
    asked.transaction_id = request.transaction_id;
    asked.sender_nonce = request.sender_nonce;
    const auto reply = scep::decode_reply(*body, asked, trusted_ca(), device().key.public_key());
    FUZZ_REQUIRE(reply && reply->status == scep::PkiStatus::kFailure);
    FUZZ_REQUIRE(reply->fail_info == FailInfo::kBadRequest);
}

void require_rightly_opened(const scep::SignedRequest& request, const scep::PkiMessage& message) {
    FUZZ_REQUIRE(request.fault.empty());
    FUZZ_REQUIRE(message.type() != scep::MessageType::kCertRep);
    FUZZ_REQUIRE(request.message_type == message.type());
    FUZZ_REQUIRE(message.cipher() != certs::ContentCipher::kDesCbc);
    FUZZ_REQUIRE(message.cipher() != certs::ContentCipher::kAes256Gcm);
    const certs::PublicKey& key = message.signer_key();
    FUZZ_REQUIRE(key.type() == certs::KeyType::kRsa);
    FUZZ_REQUIRE(key.bits() >= 2048 && key.bits() <= 8192);
    const auto carried = request.signer.public_key();
    FUZZ_REQUIRE(carried && *carried == key);
    FUZZ_REQUIRE(message.transaction_id() == request.transaction_id);
    FUZZ_REQUIRE(message.sender_nonce() == request.sender_nonce);
    FUZZ_REQUIRE(message.signer() == request.signer);
    require_openssl_verifies(request.der, request.signer);
}

void require_rightly_classified(const scep::PkiMessage& message) {
    const bool enrols = message.type() == scep::MessageType::kPkcsReq ||
                        message.type() == scep::MessageType::kRenewalReq;
    const auto enrollment =
        scep::to_enrollment_request(message, {"/scep", "192.0.2.1", trusted_issuers()}, {});
    const auto csr = certs::Csr::from_der(message.content());
    if (!enrollment) {
        const Refusal& refusal = enrollment.error();
        FUZZ_REQUIRE(enrols || refusal.code == "MessageTypeUnsupported");
        // Public matters, told whatever is inside.
        if (!enrols || refusal.code == "RenewalSignerUnknown") return;
        const bool told = refusal.code == "SignerKeyMismatch" ||
                          refusal.code == "KeyUsageUnsupported" ||
                          refusal.code == "CertificateRequestDecodingFailed";
        if (!told) {
            FUZZ_REQUIRE(!csr && same(refusal, scep::undecryptable()));
            return;
        }
        // Whatever is told apart must be told to the sender of the CSR alone (attacks.md E08).
        FUZZ_REQUIRE(refusal.fail_info == FailInfo::kBadRequest && !refusal.temporary);
        FUZZ_REQUIRE(csr || csr.error().code == Errc::kDenied);
        FUZZ_REQUIRE(openssl_finds_signature_good(message.content()));
        return;
    }
    FUZZ_REQUIRE(enrols && csr && equal(enrollment->csr.der(), message.content()));
    const bool one_key = enrollment->csr.public_key() == message.signer_key();
    const bool renewal = enrollment->kind == EnrollmentKind::kRenewal;
    FUZZ_REQUIRE(renewal || (one_key && message.type() == scep::MessageType::kPkcsReq));
    FUZZ_REQUIRE(!renewal || message.signer().signed_by(ra().key.public_key()));
    FUZZ_REQUIRE(enrollment->transaction_id == message.transaction_id());
    FUZZ_REQUIRE(enrollment->message_type == static_cast<int>(message.type()));
    FUZZ_REQUIRE(enrollment->signer == message.signer());
    require_openssl_agrees(enrollment->csr);
}

void require_rightly_read(const scep::PkiMessage& message) {
    Refusal expected = scep::undecryptable();
    expected.fail_info = FailInfo::kBadCertId;
    const bool parsed = scep::parse_issuer_and_serial(message.content()).has_value();
    const auto judge = [&](const auto& read) {
        FUZZ_REQUIRE(read ? parsed : !parsed && same(read.error(), expected));
    };
    if (message.type() == scep::MessageType::kGetCert) {
        judge(scep::read_get_cert(message));
    } else if (message.type() == scep::MessageType::kGetCrl) {
        judge(scep::read_get_crl(message));
    } else if (message.type() == scep::MessageType::kCertPoll) {
        FUZZ_REQUIRE(message.content().empty());
    }
}

void require_open_refusal(const Refusal& refusal) {
    FUZZ_REQUIRE(!refusal.temporary && !refusal.code.empty());
    FUZZ_REQUIRE(refusal.fail_info == FailInfo::kBadAlg ||
                 refusal.fail_info == FailInfo::kBadRequest ||
                 refusal.fail_info == FailInfo::kBadMessageCheck);
}

}  // namespace scepgate::fuzz
