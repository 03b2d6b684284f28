#include <functional>

#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "tests/policy/support/blobs.hpp"

namespace scepgate::policy::testing::this_file {
namespace {

std::shared_ptr<certs::FixedClock> clock_at(std::int64_t now) {
    return std::make_shared<certs::FixedClock>(now);
}

ChallengeBlobSettings minting_settings(const std::string& by = "signer-ec") {
    ChallengeBlobSettings made = settings();
    made.signers = {signer(by)};
    return made;
}

ChallengeParameters parameters() {
    const certs::CsrContents contents = matching_contents();
    ChallengeParameters made;
    made.subject = contents.subject;
    made.subject_alt_name = contents.subject_alt_name;
    made.key_usage = contents.key_usage;
    made.extended_key_usage = contents.extended_key_usage;
    made.template_name = "DeviceGeneral";
    made.max_validity = 86400;
    made.device_id = "device-0001";
    made.user_id = "user-1";
    made.sid = "S-1-5-21-1-2-3-1001";
    return made;
}

TEST(ChallengeBlobModuleTest, GrantsWhatTheClaimsSay) {
    ChallengeBlobModule module(settings(), clock_at(kNow));
    ChallengeClaims claims = testing::claims();
    claims.template_name = "DeviceGeneral";
    claims.max_validity = 86400;
    claims.user_id = "user-1";
    claims.sid = "S-1-5-21-1-2-3-1001";
    const std::string blob = seal_text(encode_claims(claims));
    certs::CsrContents contents = matching_contents(blob);
    // Another spelling of the same name: the certificate gets the claims' one.
    contents.subject = certs::Name::from_text("CN=DEVICE-0001,O=Example  Ltd").value();
    const EnrollmentRequest asked = request(contents);

    const auto grant = verify(module, asked);
    ASSERT_TRUE(grant) << grant.error().code << ": " << grant.error().text;
    EXPECT_EQ(grant->subject().der(), claims.subject.der());
    EXPECT_NE(grant->subject().der(), asked.csr.subject().der());
    EXPECT_EQ(grant->subject_alt_name(), claims.subject_alt_name);
    EXPECT_EQ(grant->public_key(), asked.csr.public_key());
    EXPECT_EQ(grant->purpose(), certs::Purpose::kGeneralPurpose);
    EXPECT_EQ(grant->key_usage(), claims.key_usage);
    EXPECT_EQ(grant->extended_key_usage(), claims.extended_key_usage);
    EXPECT_EQ(grant->template_name(), "DeviceGeneral");
    EXPECT_EQ(grant->max_validity(), 86400);
    EXPECT_EQ(grant->policy(), "mdm");
    EXPECT_EQ(grant->device_id(), "device-0001");
    EXPECT_EQ(grant->user_id(), "user-1");
    EXPECT_EQ(grant->sid(), "S-1-5-21-1-2-3-1001");
    EXPECT_TRUE(grant->stripped().empty());
}

TEST(ChallengeBlobModuleTest, C01_NamesWhatToRedeemAndUsesNothingUp) {
    ChallengeBlobModule module(settings(), clock_at(kNow));
    const EnrollmentRequest asked = request(matching_contents(read_vector("good-ec.b64")));
    for (int i = 0; i < 2; ++i) {
        const auto grant = verify(module, asked);
        ASSERT_TRUE(grant);
        ASSERT_TRUE(grant->redemption());
        // Not by the policy's name: the same challenge under two policies is one.
        EXPECT_EQ(grant->redemption()->policy.substr(0, 15), "challenge_blob:");
        EXPECT_EQ(grant->redemption()->policy.size(), 15U + 64U);
        EXPECT_EQ(to_hex(grant->redemption()->token), "0123456789abcdef0123456789abcdef");
        EXPECT_EQ(grant->redemption()->expires, kExpires + 300);
    }
}

TEST(ChallengeBlobModuleTest, C14_AMismatchLeavesTheChallengeUsable) {
    ChallengeBlobModule module(settings(), clock_at(kNow));
    const std::string blob = read_vector("good-ec.b64");
    certs::CsrContents other = matching_contents(blob);
    other.subject = certs::Name::from_text("CN=other").value();
    EXPECT_EQ(outcome(verify(module, request(other))), "SubjectNameMismatch");
    EXPECT_EQ(outcome(verify(module, request(matching_contents(blob)))), "ok");
}

TEST(ChallengeBlobModuleTest, A_C14_WhoTriesNamesLearnsNothingFromTheSixthOn) {
    const auto clock = clock_at(kNow);
    ChallengeBlobModule module(settings(), clock);
    const std::string blob = read_vector("good-ec.b64");
    const auto guess = [&](const std::string& name) {
        certs::CsrContents other = matching_contents(blob);
        other.subject = certs::Name::from_text("CN=" + name).value();
        return verify(module, request(other));
    };
    for (const char* name : {"a", "b", "c", "d", "e"})
        EXPECT_EQ(outcome(guess(name)), "SubjectNameMismatch");
    const auto right = verify(module, request(matching_contents(blob)));
    EXPECT_EQ(outcome(right), "ChallengeLocked");
    EXPECT_EQ(right.error().fail_info, guess("f").error().fail_info);
    EXPECT_FALSE(right.error().temporary);
    const std::string another = seal_text(encode_claims([] {
        ChallengeClaims claims = testing::claims();
        claims.id = std::string(32, 'b');
        return claims;
    }()));
    EXPECT_EQ(outcome(verify(module, request(matching_contents(another)))), "ok")
        << "of the same issuer";
    clock->set(kNow + FailedMatches::kFirstLock);
    EXPECT_EQ(outcome(verify(module, request(matching_contents(blob)))), "ok");
}

// Refusals quote excerpts: what differs behind their end is another guess all the same.
TEST(ChallengeBlobModuleTest, A_C14_GuessesThatDifferBehindTheEndOfAnExcerptAreCounted) {
    const std::string spaces(600, ' ');
    ChallengeClaims claims = testing::claims();
    claims.subject = certs::Name::from_text("UID=secret").value();
    const std::string blob = seal_text(encode_claims(claims));
    const auto of_subject = [&](const std::string& guess) {
        certs::CsrContents asked = matching_contents(blob);
        asked.subject = certs::Name::from_text("/UID=" + spaces + guess).value();
        return asked;
    };
    const auto of_alternative_name = [&](const std::string& guess) {
        certs::CsrContents asked = of_subject("secret");
        asked.subject_alt_name.push_back(
            certs::GeneralName::make(certs::GeneralNameType::kUpn, spaces + guess).value());
        return asked;
    };
    for (const auto& wrong : {std::function(of_subject), std::function(of_alternative_name)}) {
        ChallengeBlobModule module(settings(), clock_at(kNow));
        for (std::size_t i = 0; i < FailedMatches::kMost; ++i)
            EXPECT_NE(outcome(verify(module, request(wrong(std::to_string(i))))), "ok");
        EXPECT_EQ(outcome(verify(module, request(of_subject("secret")))), "ChallengeLocked");
    }
}

TEST(ChallengeBlobModuleTest, A_C14_ANameOverItsBoundIsRefusedAsSuchAndIsAGuess) {
    ChallengeBlobModule module(settings(), clock_at(kNow));
    const std::string blob = read_vector("good-ec.b64");
    for (std::size_t i = 0; i < FailedMatches::kMost; ++i) {
        certs::CsrContents other = matching_contents(blob);
        other.subject =
            certs::Name::from_text("/CN=" + std::string(600, ' ') + std::to_string(i)).value();
        EXPECT_EQ(outcome(verify(module, request(other))), "SubjectNameInvalid");
    }
    EXPECT_EQ(outcome(verify(module, request(matching_contents(blob)))), "ChallengeLocked");
}

TEST(ChallengeBlobModuleTest, A_C14_ADeviceWhoseProfileIsWrongIsNotLockedOutByItsRetries) {
    ChallengeBlobModule module(settings(), clock_at(kNow));
    const std::string blob = read_vector("good-ec.b64");
    certs::CsrContents other = matching_contents(blob);
    other.subject = certs::Name::from_text("CN=other").value();
    for (int i = 0; i < 10; ++i) {
        for (const char* key : {"device", "signer-unknown"})
            EXPECT_EQ(outcome(verify(module, request(other, private_key(key)))),
                      "SubjectNameMismatch");
    }
    EXPECT_EQ(outcome(verify(module, request(matching_contents(blob)))), "ok");
}

// Only what the CSR says is a guess; a clock that was wrong is none.
TEST(ChallengeBlobModuleTest, A_C14_ABlobThatIsRefusedForItselfIsNoGuess) {
    const auto clock = clock_at(kIssuedAt - settings().clock_skew - 1);
    ChallengeBlobModule module(settings(), clock);
    const std::string blob = read_vector("good-ec.b64");
    ASSERT_EQ(outcome(verify(module, request(matching_contents(blob)))),
              "ChallengeInvalidTimestamp");
    clock->set(kNow);
    for (std::size_t i = 1; i < FailedMatches::kMost; ++i) {
        certs::CsrContents other = matching_contents(blob);
        other.subject = certs::Name::from_text("CN=" + std::to_string(i)).value();
        EXPECT_EQ(outcome(verify(module, request(other))), "SubjectNameMismatch");
    }
    EXPECT_EQ(outcome(verify(module, request(matching_contents(blob)))), "ok");
}

// Nobody who cannot sign takes room in the memory of those that failed, or locks anything.
TEST(ChallengeBlobModuleTest, A_C14_BlobsThatDoNotOpenCountForNothing) {
    ChallengeBlobModule module(settings(), clock_at(kNow));
    for (int i = 0; i < 10; ++i) {
        const auto refused =
            verify(module, request(matching_contents(read_vector("bad-signer-unknown.b64"))));
        EXPECT_EQ(outcome(refused), "SigningCertThumbprintMismatch");
    }
    EXPECT_EQ(outcome(verify(module, request(matching_contents(read_vector("good-ec.b64"))))),
              "ok");
}

TEST(ChallengeBlobModuleTest, C12_RefusesARequestWithoutAChallenge) {
    ChallengeBlobModule module(settings(), clock_at(kNow));
    const auto refused = verify(module, request(matching_contents()));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "ChallengePasswordMissing");
    EXPECT_EQ(refused.error().fail_info, FailInfo::kBadMessageCheck);
}

TEST(ChallengeBlobModuleTest, C16_PutsNoChallengeIntoItsTexts) {
    ChallengeBlobModule module(settings(), clock_at(kNow));
    const auto refused = verify(module, request(matching_contents("guess-the-password")));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().text.find("guess"), std::string::npos);
}

TEST(ChallengeBlobModuleTest, N11_NotesWhatItLeavesOut) {
    ChallengeBlobModule module(settings(), clock_at(kNow));
    ChallengeClaims claims = testing::claims();
    claims.extended_key_usage.reset();
    const std::string blob = seal_text(encode_claims(claims));
    certs::CsrContents contents = matching_contents(blob);
    contents.more_extensions = {
        certs::basic_constraints_extension(true),
        certs::encode_extension(certs::oid::kCrlDistributionPoints, true, Bytes{0x30, 0x00})};
    const auto grant = verify(module, request(contents));
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_EQ(grant->stripped(), (std::vector<std::string>{"basicConstraints CA:TRUE", "2.5.29.31",
                                                           "extendedKeyUsage clientAuth"}));
    EXPECT_FALSE(grant->extended_key_usage());
}

class MintingTest : public ::testing::TestWithParam<std::pair<const char*, std::size_t>> {};

// Each kind of signer with each kind of recipient.
INSTANTIATE_TEST_SUITE_P(Keys, MintingTest,
                         ::testing::Values(std::pair{"signer-ec", 0U}, std::pair{"signer-ec", 1U},
                                           std::pair{"signer-ec", 2U}, std::pair{"signer-rsa", 0U},
                                           std::pair{"signer-rsa", 1U}));

TEST_P(MintingTest, MakesChallengesThatItTakes) {
    ChallengeBlobSettings server = minting_settings(GetParam().first);
    std::swap(server.decryption.front(), server.decryption[GetParam().second]);
    ChallengeBlobModule module(server, clock_at(kNow));
    const auto blob = minted(module, parameters());
    ASSERT_TRUE(blob) << blob.error().detail;
    EXPECT_EQ(blob->text.text().find_first_of("\r\n "), std::string_view::npos);
    const auto grant = verify(module, request(matching_contents(blob->text.text())));
    ASSERT_TRUE(grant) << grant.error().code << ": " << grant.error().text;
    EXPECT_EQ(grant->redemption()->expires, kNow + 3600 + 300);
    EXPECT_EQ(grant->redemption()->token, blob->token);
    EXPECT_EQ(blob->expires, kNow + 3600);
    EXPECT_EQ(grant->key_usage(), parameters().key_usage);
    EXPECT_EQ(grant->extended_key_usage(), parameters().extended_key_usage);
    EXPECT_EQ(grant->template_name(), "DeviceGeneral");
    EXPECT_EQ(grant->max_validity(), 86400);
    EXPECT_EQ(grant->sid(), "S-1-5-21-1-2-3-1001");
    EXPECT_EQ(grant->device_id(), "device-0001");
    EXPECT_EQ(grant->user_id(), "user-1");
}

TEST(ChallengeBlobModuleTest, C03_MintsChallengesForOneEndpointAlone) {
    ChallengeBlobModule module(minting_settings(), clock_at(kNow));
    ChallengeParameters wanted = parameters();
    wanted.endpoints = {"/guest"};
    const auto blob = minted(module, wanted).value();
    EnrollmentRequest asked = request(matching_contents(blob.text.text()));
    const auto refused = verify(module, asked);
    EXPECT_EQ(outcome(refused), "EndpointMismatch");
    EXPECT_EQ(refused.error().fail_info, FailInfo::kBadMessageCheck);
    asked.endpoint = "/guest";
    EXPECT_EQ(outcome(verify(module, asked)), "ok");
}

TEST(ChallengeBlobModuleTest, MintsAnotherTokenEachTime) {
    ChallengeBlobModule module(minting_settings(), clock_at(kNow));
    const auto token = [&] {
        const auto blob = minted(module, parameters()).value();
        const auto grant = verify(module, request(matching_contents(blob.text.text())));
        return to_hex(grant.value().redemption()->token);
    };
    EXPECT_NE(token(), token());
}

TEST(ChallengeBlobModuleTest, KnowsAgainWhatAnyOfItsTrustedSignersMade) {
    ChallengeBlobModule before(minting_settings("signer-rsa"), clock_at(kNow));
    ChallengeBlobSettings rotated = minting_settings("signer-ec");
    ChallengeBlobModule after(rotated, clock_at(kNow));
    const std::string old = minted(before, parameters()).value().scope;
    const auto scopes = after.challenge_scopes();
    EXPECT_EQ(std::count(scopes.begin(), scopes.end(), old), 1);
    EXPECT_EQ(scopes.size(), rotated.trusted_signers.size());
    rotated.trusted_signers = {certificate("signer-ec")};
    EXPECT_EQ(ChallengeBlobModule(rotated, clock_at(kNow)).challenge_scopes().size(), 1U);
}

TEST(ChallengeBlobModuleTest, TellsTheFirstValidCertificateOfTheTimeItIsAsked) {
    ChallengeBlobSettings server = settings();
    const auto usual = server.decryption.front().certificate;
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.issuer_der = contents.subject_der = to_bytes(usual.subject_der());
    contents.not_before = kNow - 10;
    contents.not_after = kNow;
    contents.spki = to_bytes(usual.spki());
    const auto& key = server.decryption.front().key;
    const auto short_lived =
        certs::build_certificate(contents, key, certs::Digest::kSha256).value();
    server.decryption.insert(server.decryption.begin(), {short_lived, key});
    const auto clock = clock_at(kNow);
    ChallengeBlobModule module(server, clock);
    EXPECT_EQ(module.encryption_certificate(), short_lived);
    clock->set(kNow + 1);
    EXPECT_EQ(module.encryption_certificate(), usual);
}

TEST(ChallengeBlobModuleTest, MintsOnlyWhatItWouldTake) {
    const auto error = [](ChallengeBlobSettings server, const ChallengeParameters& asked,
                          std::int64_t now = kNow) {
        ChallengeBlobModule module(std::move(server), clock_at(now));
        const auto made = minted(module, asked);
        return made ? std::optional<Errc>() : made.error().code;
    };
    EXPECT_EQ(error(settings(), parameters()), Errc::kUnsupported);
    EXPECT_EQ(error(minting_settings("signer-unknown"), parameters()), Errc::kConfig);
    EXPECT_EQ(error(minting_settings(), parameters(), 0), Errc::kConfig);
    const std::int64_t end = signer("signer-ec").certificate.not_after();
    EXPECT_FALSE(error(minting_settings(), parameters(), end));
    EXPECT_EQ(error(minting_settings(), parameters(), end + 1), Errc::kConfig);
    ChallengeBlobSettings keyless = minting_settings();
    keyless.decryption.clear();
    EXPECT_EQ(error(keyless, parameters()), Errc::kConfig);

    ChallengeParameters asked = parameters();
    asked.lifetime = 0;
    EXPECT_EQ(error(minting_settings(), asked), Errc::kDenied);
    asked.lifetime = 31 * 86400 + 1;
    EXPECT_EQ(error(minting_settings(), asked), Errc::kDenied);
    asked = parameters();
    asked.subject = {};
    asked.subject_alt_name.clear();
    EXPECT_EQ(error(minting_settings(), asked), Errc::kMalformed);
    asked = parameters();
    asked.device_id = "\xFF";
    EXPECT_EQ(error(minting_settings(), asked), Errc::kMalformed);
    asked = parameters();
    asked.template_name = "\xFF";
    EXPECT_EQ(error(minting_settings(), asked), Errc::kMalformed);
    asked = parameters();
    asked.sid = "administrator";
    EXPECT_EQ(error(minting_settings(), asked), Errc::kMalformed);
}

TEST(PolicyModuleTest, HearsOfOutcomesWithoutObjection) {
    ChallengeBlobModule module(settings(), clock_at(kNow));
    boost::asio::io_context context;
    const TransactionOutcome nothing;
    auto heard = boost::asio::co_spawn(context, module.notify(nothing), boost::asio::use_future);
    context.run();
    EXPECT_TRUE(heard.get());
}

TEST(ChallengeBlobModuleTest, AnExplanationDecidesAsTheModuleDoes) {
    ChallengeBlobModule module(settings(), clock_at(kNow));
    const auto explained = [&](const EnrollmentRequest& asked) {
        return run(module.explain(asked, Reach::kOffline));
    };
    const EnrollmentRequest good = request(matching_contents(read_vector("good-ec.b64")));
    auto told = explained(good);
    ASSERT_TRUE(told.outcome && *told.outcome);
    EXPECT_EQ((*told.outcome)->redemption()->token, verify(module, good)->redemption()->token);
    for (const Verdict& verdict : told.verdicts)
        EXPECT_EQ(verdict.outcome, Verdict::Outcome::kPassed) << verdict.check;

    told = explained(request(matching_contents("no blob")));
    ASSERT_TRUE(told.outcome && !*told.outcome);
    EXPECT_EQ(told.outcome->error().code, "ChallengeDecodingError");
    EXPECT_EQ(told.verdicts.back().outcome, Verdict::Outcome::kSkipped) << "no claims to judge";
    told = explained(request(matching_contents()));
    EXPECT_EQ(told.outcome->error().code, "ChallengePasswordMissing");
}

TEST(ChallengeBlobModuleTest, C14_ExplainingIsNoGuess) {
    ChallengeBlobModule module(settings(), clock_at(kNow));
    const std::string blob = read_vector("good-ec.b64");
    for (int i = 0; i < 10; ++i) {
        auto contents = matching_contents(blob);
        contents.subject = certs::Name::from_text("CN=guess-" + std::to_string(i)).value();
        const EnrollmentRequest guess = request(contents);
        EXPECT_FALSE(*run(module.explain(guess, Reach::kOffline)).outcome);
    }
    EXPECT_TRUE(verify(module, request(matching_contents(blob))));
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file
