#include "policy/signer_limits.hpp"

#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "certs/oids.hpp"
#include "tests/policy/support/blobs.hpp"

namespace scepgate::policy::testing::this_file {
namespace {

/// A module whose one signer is limited, and a challenge of it; a test changes one thing.
class SignerLimitsTest : public ::testing::Test {
protected:
    SignerLimitsTest() {
        limits.signer = "mdm2";
        limits.where = "policies.mdm.trusted_signers[0]";
        claims.template_name.reset();
        claims.max_validity.reset();
    }

    ChallengeBlobSettings limited() const {
        ChallengeBlobSettings made = settings();
        made.limits[to_hex(certificate("signer-ec").fingerprint())] = limits;
        return made;
    }
    EnrollmentRequest asked() const {
        auto made = request(matching_contents(seal_text(encode_claims(claims))));
        made.template_name = template_of_endpoint;
        return made;
    }
    Result<Grant, Refusal> granted() const {
        ChallengeBlobModule module(limited(), std::make_shared<certs::FixedClock>(kNow));
        return verify(module, asked());
    }
    std::string code() const { return outcome(granted()); }

    IssuanceRules& rules() {
        if (!limits.rules) limits.rules.emplace().where = limits.where + ".rules";
        return *limits.rules;
    }

    SignerLimits limits;
    ChallengeClaims claims = testing::claims();
    std::string template_of_endpoint = "DeviceGeneral";
};

TEST_F(SignerLimitsTest, WithoutALimitEverythingIsGranted) {
    const auto grant = granted();
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_FALSE(grant->needs_approval());
    EXPECT_FALSE(grant->max_validity());
    EXPECT_FALSE(grant->template_name());
}

TEST_F(SignerLimitsTest, ARefusalNamesTheSignerAndTheLimit) {
    limits.templates = {"DeviceSignature"};
    const auto refused = granted();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "SignerNotAllowed");
    EXPECT_EQ(refused.error().fail_info, FailInfo::kBadMessageCheck) << "it is the challenge";
    EXPECT_EQ(refused.error().expected, "DeviceSignature");
    EXPECT_EQ(refused.error().found, "DeviceGeneral");
    EXPECT_NE(refused.error().hint.find("policies.mdm.trusted_signers[0].templates"),
              std::string::npos);
    EXPECT_NE(refused.error().text.find("mdm2"), std::string::npos);
}

TEST_F(SignerLimitsTest, TheTemplateThatTheEndpointChoosesCountsWhereNoneIsClaimed) {
    limits.templates = {"DeviceSignature", "DeviceGeneral"};
    EXPECT_EQ(code(), "ok");
    EXPECT_EQ(granted()->template_name(), "DeviceGeneral")
        << "fixed, for an approval under another configuration";
    template_of_endpoint = "DeviceEncryption";
    EXPECT_EQ(code(), "SignerNotAllowed");
    template_of_endpoint.clear();
    EXPECT_EQ(code(), "SignerNotAllowed") << "an endpoint that has none";
}

TEST_F(SignerLimitsTest, AClaimedTemplateHasToBeAllowed) {
    limits.templates = {"DeviceSignature"};
    template_of_endpoint = "DeviceSignature";
    claims.template_name = "DeviceGeneral";
    EXPECT_EQ(code(), "SignerNotAllowed");
    claims.template_name = "DeviceSignature";
    EXPECT_EQ(code(), "ok");
}

TEST_F(SignerLimitsTest, CertificatesLastNoLongerThanItMayGrant) {
    limits.max_validity = 90 * 86'400;
    EXPECT_EQ(granted()->max_validity(), 90 * 86'400) << "none is claimed";
    claims.max_validity = 30 * 86'400;
    EXPECT_EQ(granted()->max_validity(), 30 * 86'400);
    claims.max_validity = 91 * 86'400;
    EXPECT_EQ(code(), "SignerNotAllowed");
}

TEST_F(SignerLimitsTest, ChallengesLiveNoLongerThanItMayGrant) {
    limits.max_lifetime = 3600;
    EXPECT_EQ(code(), "ok");
    limits.max_lifetime = 3599;
    EXPECT_EQ(code(), "SignerNotAllowed");
}

TEST_F(SignerLimitsTest, WhatItGrantsMayNeedAnOperator) {
    limits.approval = true;
    EXPECT_TRUE(granted()->needs_approval());
}

TEST_F(SignerLimitsTest, NamesHaveToKeepItsRules) {
    rules().dns_suffixes = {
        DomainRange::parse("example.com", DomainRange::Below::kIncluded).value()};
    EXPECT_EQ(code(), "ok");
    rules().dns_suffixes = {
        DomainRange::parse("kiosk.example.com", DomainRange::Below::kIncluded).value()};
    const auto refused = granted();
    EXPECT_EQ(outcome(refused), "SignerNotAllowed");
    EXPECT_EQ(refused.error().fail_info, FailInfo::kBadMessageCheck);
    EXPECT_NE(refused.error().text.find("RuleDnsName"), std::string::npos);
    EXPECT_NE(refused.error().hint.find(".rules.dns_suffixes"), std::string::npos);
}

TEST_F(SignerLimitsTest, KeysHaveToKeepItsRules) {
    rules().keys.allowed = {"ec:p256"};
    EXPECT_EQ(code(), "SignerNotAllowed");
}

TEST_F(SignerLimitsTest, N09_ItGrantsNoSidUnlessItsRulesSaySo) {
    claims.sid = "S-1-5-21-1-2-3-500";
    EXPECT_EQ(code(), "ok");
    rules();
    EXPECT_EQ(code(), "SignerNotAllowed");
    rules().sid.allowed = true;
    EXPECT_EQ(code(), "ok");
}

TEST_F(SignerLimitsTest, TheLimitsOfOneAreNotTheLimitsOfAnother) {
    limits.templates = {"DeviceSignature"};
    const std::string by_other = seal_text(
        [&] {
            ChallengeClaims made = claims;
            made.issuer = to_hex(certificate("signer-rsa").fingerprint());
            return encode_claims(made);
        }(),
        "recipient-ec", "signer-rsa");
    ChallengeBlobModule module(limited(), std::make_shared<certs::FixedClock>(kNow));
    auto other = request(matching_contents(by_other));
    other.template_name = template_of_endpoint;
    EXPECT_EQ(outcome(verify(module, other)), "ok");
    EXPECT_EQ(code(), "SignerNotAllowed");
}

TEST_F(SignerLimitsTest, NothingIsMadeThatWouldBeRefused) {
    limits.max_validity = 86'400;
    limits.templates = {"DeviceSignature"};
    ChallengeBlobSettings server = limited();
    server.signers = {signer("signer-ec")};
    ChallengeBlobModule module(server, std::make_shared<certs::FixedClock>(kNow));
    ChallengeParameters parameters;
    parameters.subject = claims.subject;
    EXPECT_TRUE(minted(module, parameters)) << "the template is not known yet";
    parameters.template_name = "DeviceGeneral";
    EXPECT_EQ(minted(module, parameters).error().code, Errc::kDenied);
    parameters.template_name = "DeviceSignature";
    EXPECT_TRUE(minted(module, parameters));
    parameters.max_validity = 86'401;
    const auto refused = minted(module, parameters);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().detail.find("mdm2"), std::string::npos);
}

TEST_F(SignerLimitsTest, AGrantKeepsTheLimitsForWhatATemplateMakesOfIt) {
    rules().subject.patterns.push_back(
        {to_bytes(certs::oid::kCommonName), {Pattern::compile("device-[0-9]+").value()}});
    const auto grant = granted();
    ASSERT_TRUE(grant) << grant.error().text;
    ASSERT_NE(grant->signer_limits(), nullptr);
    const auto judge = [&](const char* built) {
        return judge_built_subject(*grant->signer_limits(), certs::Name::from_text(built).value(),
                                   grant->subject_alt_name(), &grant->public_key());
    };
    EXPECT_FALSE(judge("CN=device-2,O=Fleet"));
    const auto refused = judge("CN=boss,O=Fleet");
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, "SignerNotAllowed");
    EXPECT_EQ(refused->fail_info, FailInfo::kBadMessageCheck);
}

TEST_F(SignerLimitsTest, NothingIsMadeOfWhichATemplateBuildsMore) {
    rules().subject.patterns.push_back(
        {to_bytes(certs::oid::kCommonName), {Pattern::compile("device-[0-9]+").value()}});
    ChallengeBlobSettings server = limited();
    server.signers = {signer("signer-ec")};
    ChallengeBlobModule module(server, std::make_shared<certs::FixedClock>(kNow));
    ChallengeParameters parameters;
    parameters.subject = claims.subject;
    parameters.built_subjects = {certs::Name::from_text("CN=device-2,O=Fleet").value()};
    EXPECT_TRUE(minted(module, parameters));
    parameters.built_subjects.push_back(certs::Name::from_text("CN=boss,O=Fleet").value());
    const auto refused = minted(module, parameters);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kDenied);
    EXPECT_NE(refused.error().detail.find("mdm2"), std::string::npos);
}

/// A certificate that ended before now, for this key.
certs::Certificate expired(const certs::PrivateKey& key, certs::KeyUsageBit usage) {
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.issuer_der = certs::Name::from_text("CN=before").value().der();
    contents.subject_der = contents.issuer_der;
    contents.not_before = kNow - 86'400;
    contents.not_after = kNow - 1;
    contents.spki = to_bytes(key.public_key().spki());
    contents.extensions = {certs::key_usage_extension({usage})};
    return certs::build_certificate(contents, key, certs::Digest::kSha256).value();
}

TEST(BlobKeysTest, NewChallengesAreByAndForTheFirstValidPair) {
    ChallengeBlobSettings server = settings();
    const auto old_signer = certs::PrivateKey::generate({certs::KeyType::kEc, 256}).value();
    const auto old_recipient = certs::PrivateKey::generate({certs::KeyType::kEc, 256}).value();
    server.signers = {{expired(old_signer, certs::KeyUsageBit::kDigitalSignature), old_signer},
                      signer("signer-rsa"),
                      signer("signer-ec")};
    server.decryption.insert(
        server.decryption.begin(),
        {expired(old_recipient, certs::KeyUsageBit::kKeyAgreement), old_recipient});
    server.trusted_signers.push_back(server.signers.front().certificate);
    ChallengeBlobModule module(server, std::make_shared<certs::FixedClock>(kNow));
    ChallengeParameters parameters;
    parameters.subject = testing::claims().subject;
    const auto made = minted(module, parameters);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->scope, "challenge_blob:" + to_hex(certificate("signer-rsa").fingerprint()));
    // The key that is over cannot open it, the next one can.
    ChallengeBlobSettings alone = server;
    alone.decryption = {server.decryption.front()};
    EXPECT_EQ(open_outcome(made->text.text(), kNow, alone), "ChallengeDecryptionError");
    alone.decryption = {server.decryption.at(1)};
    EXPECT_EQ(open_outcome(made->text.text(), kNow, alone), "ok");
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file
