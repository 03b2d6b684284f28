// Initial or renewal: decided from the message type and the signer (rfc8894.md T11, T12, A17).
#include <gtest/gtest.h>

#include "tests/scep/support/ra_pki.hpp"

namespace scepgate::scep::this_file {
namespace {

using testing::attacker_key;
using testing::device_key;
using testing::kNow;
using testing::make_certificate;
using testing::pki;

/// The message of `request` as the server opens it.
PkiMessage opened(const ClientRequest& request, const AlgorithmRules& rules = {}) {
    const auto read = read_signed_request(encode_request(request).value()).value();
    return open_request(read, pki().recipients(), rules).value();
}

/// Signed with the certificate that the device holds from this CA.
ClientRequest renewal(MessageType type, const certs::PrivateKey& new_key) {
    ClientRequest request = pki().request();
    request.type = type;
    request.content = testing::csr_of(new_key);
    request.signer = pki().issued;
    return request;
}

Result<EnrollmentRequest, Refusal> classified(const ClientRequest& request) {
    const auto issuers = pki().issuers();
    return to_enrollment_request(opened(request), {"/scep", "192.0.2.1", issuers}, {});
}

std::string outcome(const ClientRequest& request) {
    const auto made = classified(request);
    if (!made) return to_text(made.error().fail_info) + (" " + made.error().code);
    return made->kind == EnrollmentKind::kRenewal ? "renewal" : "initial";
}

TEST(RenewalTest, R_T11_A17IsARenewalWhenThisCaIssuedItsSigner) {
    EXPECT_EQ(outcome(renewal(MessageType::kRenewalReq, device_key())), "renewal");
}

// macOS, Cisco IOS and certmonger renew with a PKCSReq.
TEST(RenewalTest, R_T12_A19IsARenewalWhenThisCaIssuedItsSigner) {
    EXPECT_EQ(outcome(renewal(MessageType::kPkcsReq, device_key())), "renewal");
}

TEST(RenewalTest, R_A19_TheNewKeyMayBeAnother) {
    for (const auto type : {MessageType::kRenewalReq, MessageType::kPkcsReq}) {
        const auto same = classified(renewal(type, device_key()));
        ASSERT_TRUE(same) << same.error().text;
        EXPECT_EQ(same->kind, EnrollmentKind::kRenewal);
        const auto other = classified(renewal(type, attacker_key()));
        ASSERT_TRUE(other) << other.error().text;
        EXPECT_EQ(other->kind, EnrollmentKind::kRenewal);
        EXPECT_NE(other->csr.public_key(), same->csr.public_key());
        EXPECT_EQ(other->message_type, static_cast<int>(type));
        EXPECT_EQ(other->signer, pki().issued);
    }
}

TEST(RenewalTest, R_A17_A17OfASelfSignedSignerIsRefused) {
    ClientRequest request = pki().request();
    request.type = MessageType::kRenewalReq;
    EXPECT_EQ(outcome(request), "badRequest RenewalSignerUnknown");
}

TEST(RenewalTest, A_G01_ALookAlikeOfOurCaIsNone) {
    ClientRequest request = renewal(MessageType::kRenewalReq, device_key());
    // In our CA's name, by another key.
    request.signer = make_certificate({.subject = "CN=device", .usage = {}},
                                      device_key().public_key(), "CN=CA", attacker_key());
    EXPECT_EQ(outcome(request), "badRequest RenewalSignerUnknown");
    // By our CA's key, in another name.
    request.signer = make_certificate({.subject = "CN=device", .usage = {}},
                                      device_key().public_key(), "CN=CB", testing::ca_key());
    EXPECT_EQ(outcome(request), "badRequest RenewalSignerUnknown");
    // In a PKCSReq it is a signer like any other: of its own key, or refused.
    request.type = MessageType::kPkcsReq;
    EXPECT_EQ(outcome(request), "initial");
    request.content = testing::csr_of(attacker_key());
    EXPECT_EQ(outcome(request), "badRequest SignerKeyMismatch");
}

// Self-signed, it is among what it issued; whoever has its key needs no renewal.
TEST(RenewalTest, A_G04_TheCasOwnCertificateRenewsNothing) {
    const auto root = make_certificate({.subject = "CN=Root", .ca = true, .usage = {}},
                                       device_key().public_key(), "CN=Root", device_key());
    const std::vector<TrustedIssuer> issuers{{root, device_key().public_key()}};
    ClientRequest request = renewal(MessageType::kRenewalReq, attacker_key());
    request.signer = root;
    const auto made = to_enrollment_request(opened(request), {"", "", issuers}, {});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, "RenewalSignerUnknown");
    request.type = MessageType::kPkcsReq;
    const auto initial = to_enrollment_request(opened(request), {"", "", issuers}, {});
    ASSERT_FALSE(initial);
    EXPECT_EQ(initial.error().code, "SignerKeyMismatch");
}

TEST(RenewalTest, R_C16_APredecessorsCertificatesAreRenewedToo) {
    const auto& old_key = certs::testing::key(certs::KeyType::kEc, 521);
    const auto old_ca = make_certificate({.subject = "CN=Old CA", .ca = true, .usage = {}},
                                         old_key.public_key(), "CN=Old CA", old_key);
    ClientRequest request = renewal(MessageType::kRenewalReq, device_key());
    request.signer = make_certificate({.subject = "CN=device", .usage = {}},
                                      device_key().public_key(), "CN=Old CA", old_key);
    const std::vector<TrustedIssuer> both{{pki().ca, testing::ca_key().public_key()},
                                          {old_ca, old_key.public_key()}};
    const auto made = to_enrollment_request(opened(request), {"", "", both}, {});
    ASSERT_TRUE(made) << made.error().text;
    EXPECT_EQ(made->kind, EnrollmentKind::kRenewal);
    EXPECT_EQ(outcome(request), "badRequest RenewalSignerUnknown");
}

// Who may renew does not depend on what is inside, so it tells nothing of an envelope.
TEST(RenewalTest, A_E08_TheSignerIsJudgedBeforeTheContent) {
    ClientRequest request = pki().request();
    request.type = MessageType::kRenewalReq;
    request.content = Bytes(64, 0x55);
    EXPECT_EQ(outcome(request), "badRequest RenewalSignerUnknown");
    EXPECT_EQ(outcome(renewal(MessageType::kRenewalReq, device_key())), "renewal");
    request.signer = pki().issued;
    EXPECT_EQ(outcome(request), testing::kUndecryptable);
}

/// The device with an EC key, and its message to an endpoint that delivers by password.
struct EcDevice {
    const certs::PrivateKey& key = certs::testing::key(certs::KeyType::kEc, 256);
    AlgorithmRules rules;

    EcDevice() { rules.ec_password_recipient = true; }
    [[nodiscard]] ClientRequest request(std::string_view challenge) const {
        certs::CsrContents contents;
        contents.subject = certs::Name::from_text("CN=printer").value();
        contents.challenge = challenge;
        ClientRequest request = pki().request();
        request.content = certs::build_csr(contents, key).value();
        request.signer = transient_certificate(contents.subject, key, kNow).value();
        request.signer_key = key;
        request.password = std::make_shared<const Secret>(challenge);
        return request;
    }
};

// Zebra printers have P-256 and P-521 keys.
TEST(EcSignerTest, R_B03_TheReplyGoesToTheChallengeAndTheClientReadsIt) {
    const EcDevice device;
    const ClientRequest request = device.request("open sesame");
    const PkiMessage message = opened(request, device.rules);
    const auto made = to_enrollment_request(message, {}, device.rules);
    ASSERT_TRUE(made) << made.error().text;
    const auto recipient = reply_recipient(message, made->csr.challenge());
    ASSERT_TRUE(recipient);
    const auto issued =
        testing::RaPki::ra({.subject = "CN=printer", .usage = testing::kSigns}, device.key);
    const auto reply =
        encode_success(reply_address(message), {issued}, *recipient, pki().signer(), kNow);
    ASSERT_TRUE(reply) << reply.error().detail;

    const auto read = decode_reply(*reply, request, pki().certificates(), device.key.public_key());
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->certificate, issued);

    const ClientRequest stranger = device.request("another word");
    const auto unread =
        decode_reply(*reply, stranger, pki().certificates(), device.key.public_key());
    ASSERT_FALSE(unread);
    EXPECT_EQ(unread.error().code, Errc::kConflict);
}

TEST(EcSignerTest, R_B03_WithoutAChallengeItIsRefusedBeforeAnythingIsIssued) {
    const EcDevice device;
    const PkiMessage message = opened(device.request(""), device.rules);
    const auto made = to_enrollment_request(message, {}, device.rules);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().fail_info, FailInfo::kBadAlg);
    EXPECT_EQ(made.error().code, "SignerKeyUnsupported");
}

TEST(EcSignerTest, R_B03_OnlyWhereItIsSwitchedOnAndThereCanBeAChallenge) {
    const EcDevice device;
    ClientRequest request = device.request("open sesame");
    const auto outcome = [&](MessageType type, const AlgorithmRules& rules) {
        request.type = type;
        const auto read = read_signed_request(encode_request(request).value()).value();
        const auto message = open_request(read, pki().recipients(), rules);
        return message ? std::string("opened") : message.error().code;
    };
    EXPECT_EQ(outcome(MessageType::kPkcsReq, {}), "SignerKeyUnsupported");
    EXPECT_EQ(outcome(MessageType::kCertPoll, device.rules), "opened");
    EXPECT_EQ(outcome(MessageType::kGetCert, device.rules), "SignerKeyUnsupported");
    EXPECT_EQ(outcome(MessageType::kGetCrl, device.rules), "SignerKeyUnsupported");
}

}  // namespace
}  // namespace scepgate::scep::this_file
