// What a PKCSReq asks for.
#include <gtest/gtest.h>

#include "tests/scep/support/raw_request.hpp"

namespace scepgate::scep::this_file {
namespace {

namespace der = certs::der;
namespace oid = certs::oid;
using certs::KeyUsageBit;
using certs::testing::RawCsr;
using testing::device_key;
using testing::Envelope;
using testing::kUndecryptable;
using testing::outcome_of;

RawCsr device_csr() {
    RawCsr csr;
    csr.spki = to_bytes(device_key().public_key().spki());
    return csr;
}

std::string outcome_of_csr(Bytes csr, const AlgorithmRules& rules = {}) {
    Envelope envelope;
    envelope.plain = std::move(csr);
    return outcome_of(envelope, rules);
}

RawCsr with_key_usage(certs::KeyUsage usage) {
    RawCsr csr = device_csr();
    const Bytes extension = certs::encode_extension(oid::kKeyUsage, true, usage.der());
    csr.attributes = {certs::testing::raw_attribute(oid::kExtensionRequest,
                                                    {certs::testing::extension_list({extension})})};
    return csr;
}

TEST(EnrollmentRequestTest, R_D03_ACsrSignedWithSha1CountsOnlyWhereSha1IsTaken) {
    certs::CsrContents contents;
    contents.subject = certs::Name::from_text("CN=device").value();
    const Bytes csr = certs::build_csr(contents, device_key(), certs::Digest::kSha1).value();
    AlgorithmRules rules;
    rules.sha1 = true;
    EXPECT_EQ(outcome_of_csr(csr, rules), "accepted");
    rules.sha1 = false;
    EXPECT_EQ(outcome_of_csr(csr, rules), kUndecryptable);
}

TEST(EnrollmentRequestTest, PurposeFollowsTheKeyUsage) {
    const auto purpose_of = [](const Bytes& csr) {
        Envelope envelope;
        envelope.plain = csr;
        const auto request =
            read_signed_request(testing::message_of(envelope.build(), device_key()).build());
        const auto message = open_request(*request, testing::our_recipients(), {});
        return to_enrollment_request(*message, {}, {}).value().purpose;
    };
    EXPECT_EQ(purpose_of(device_csr().build(device_key())), certs::Purpose::kGeneralPurpose);
    EXPECT_EQ(purpose_of(with_key_usage({KeyUsageBit::kDigitalSignature}).build(device_key())),
              certs::Purpose::kSignature);
    EXPECT_EQ(purpose_of(with_key_usage({KeyUsageBit::kKeyEncipherment}).build(device_key())),
              certs::Purpose::kEncryption);
}

TEST(EnrollmentRequestTest, AKeyUsageWithoutAPurposeIsRefusedByName) {
    EXPECT_EQ(outcome_of_csr(with_key_usage({KeyUsageBit::kKeyCertSign}).build(device_key())),
              "badRequest KeyUsageUnsupported");
}

TEST(EnrollmentRequestTest, R_C02_A_E08_ARequestThatDoesNotVerifyIsUndecryptable) {
    EXPECT_EQ(outcome_of_csr(device_csr().build(testing::attacker_key())), kUndecryptable);
    RawCsr version = device_csr();
    version.version = der::integer(3);
    EXPECT_EQ(outcome_of_csr(version.build(device_key())), kUndecryptable);
    RawCsr trailing = device_csr();
    trailing.after_signature = der::null();
    EXPECT_EQ(outcome_of_csr(trailing.build(device_key())), kUndecryptable);
    for (const Bytes& plain : {Bytes(), Bytes(1, 0x30), Bytes(500, 0x00), der::null()})
        EXPECT_EQ(outcome_of_csr(plain), kUndecryptable);
}

TEST(EnrollmentRequestTest, A_K06_AnUnsoundKeyInTheRequestIsUndecryptable) {
    RawCsr csr = device_csr();
    csr.spki.push_back(0x00);
    EXPECT_EQ(outcome_of_csr(csr.build(device_key())), kUndecryptable);
}

TEST(EnrollmentRequestTest, R_B06_AnotherMessageTypesContentIsNoRequest) {
    EXPECT_EQ(outcome_of_csr(testing::ra_reference()), kUndecryptable);
}

TEST(EnrollmentRequestTest, A_E09_ARequestForAnEcKeyIsNotTheSigners) {
    EXPECT_EQ(outcome_of_csr(RawCsr().build()), "badRequest SignerKeyMismatch");
}

}  // namespace
}  // namespace scepgate::scep::this_file
