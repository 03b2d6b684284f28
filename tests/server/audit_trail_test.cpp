#include "server/audit_trail.hpp"

#include <gtest/gtest.h>

#include "tests/server/support/service_lab.hpp"

namespace scepgate::server::testing::this_file {
namespace {

using Behaviour = FakeModule::Behaviour;
using Events = std::vector<std::string>;

const Redemption kChallenge{"fake", Bytes(4, 0xAB), kNow + kDay};

/// What each line says of who asked.
const std::string kAsked =
    R"("endpoint":"/scep","client":"192.0.2.1","transaction_id":"transaction-1",)"
    R"("message_type":"PKCSReq",)";

/// What each line says of a Grant of FakeModule's.
const std::string kGranted =
    R"("ca":"lab","template":"general","policy":"fake",)"
    R"("subject_alt_name":"dns:device.example","device_id":"device-7","user_id":"user-7")";

std::string event(std::string_view name) {
    return "\"event\":\"" + std::string(name) + "\",";
}

std::string of_certificate(const certs::Certificate& certificate) {
    return R"("serial":")" + certificate.serial_hex() +
           R"(","subject":"CN=device","fingerprint":")" + to_hex(certificate.fingerprint()) +
           R"(","not_after":")" + certs::utc_text(certificate.not_after()) + "\",";
}

bool has(const std::string& line, std::string_view text) {
    return line.find(text) != std::string::npos;
}

TEST(AuditTrailTest, EachReleaseOfACertificateIsALineThatSaysAllOfIt) {
    ServiceLab lab;
    lab.module->redemption = kChallenge;
    const auto request = lab.request();
    const auto issued = lab.ask(request).cert->certificate;
    EXPECT_EQ(lab.ask(request).outcome(), "success");
    const std::string rest =
        kAsked + of_certificate(issued) + kGranted + R"(,"challenge":"abababab"})";
    EXPECT_EQ(lab.audit(),
              (std::vector{event("sign") + rest, event("issue") + rest, event("retry") + rest}));
}

TEST(AuditTrailTest, ARequestThatWaitsIsALineThatSaysAllOfIt) {
    ServiceLab lab;
    lab.module->redemption = kChallenge;
    lab.endpoint.approvals.fill({true, 7 * kDay});
    EXPECT_EQ(lab.ask(lab.request()).outcome(), "pending");
    EXPECT_EQ(lab.audit(),
              std::vector{event("pending") + kAsked + R"("subject":"CN=device",)" + kGranted +
                          R"(,"expires":")" + certs::utc_text(kNow + 7 * kDay) +
                          R"(","challenge":"abababab"})"});
}

TEST(AuditTrailTest, ARefusalIsALineThatSaysAllOfIt) {
    ServiceLab lab;
    lab.module->verifies = Behaviour::kRefuse;
    lab.ask(lab.request());
    lab.module->verifies = Behaviour::kThrow;
    EXPECT_EQ(lab.ask(lab.request()).outcome(), "503");
    const std::string names = R"("subject":"CN=device","subject_alt_name":"dns:device.example"})";
    EXPECT_EQ(lab.audit(),
              (std::vector{event("refuse") + kAsked +
                               R"("policy":"fake","code":"FakeRefusal",)"
                               R"("reason":"as the test wants","fail_info":"badRequest",)" +
                               names,
                           event("refuse") + kAsked +
                               R"("policy":"fake","code":"PolicyFailed","check":"policy",)"
                               R"("reason":"policy 'fake' failed: out of order",)"
                               R"x("fail_info":"none (503)",)x"
                               R"("hint":"a fault of the policy module: report it with the )"
                               R"(reason",)" +
                               names}));
}

TEST(AuditTrailTest, ARefusedRenewalIsOfThePolicyThatRefusedIt) {
    ServiceLab lab;
    lab.endpoint.renewal = policy::RenewalSettings();
    const auto old = lab.ask(lab.request()).cert->certificate;
    lab.revoke(old);
    lab.ask(lab.renewal(old, 0, 1), 1);
    EXPECT_TRUE(has(lab.audit().back(), R"("policy":"renewal","code":"RenewalSignerRevoked")"));
}

TEST(AuditTrailTest, APollThatIsRefusedIsOfThePolicyThatGranted) {
    ServiceLab lab;
    lab.endpoint.approvals.fill({true, 7 * kDay});
    const auto request = lab.request();
    EXPECT_EQ(lab.ask(request).outcome(), "pending");
    lab.decide(ca_backend::Decision::Verdict::kReject);
    EXPECT_EQ(lab.ask(lab.poll(request)).outcome(), "badRequest");
    EXPECT_TRUE(has(lab.audit().back(), R"("policy":"fake","code":"ApprovalRejected")"));
    EXPECT_TRUE(has(lab.audit().back(), "(olga): seen")) << "who rejected it, and why";
}

TEST(AuditTrailTest, WhatWasLeftOutStandsInAuditFileAndLog) {
    ServiceLab lab;
    auto request = lab.request();
    certs::CsrContents contents;
    contents.subject = certs::Name::from_text("CN=device").value();
    contents.extended_key_usage = {certs::extended_key_usage_from_text("codeSigning").value()};
    request.content = certs::build_csr(contents, device_key()).value();
    const Asked asked = lab.ask(request);
    ASSERT_EQ(asked.outcome(), "success");
    const std::string left_out = "extendedKeyUsage codeSigning";
    EXPECT_EQ(asked.record.notes, std::vector{"left out " + left_out});
    EXPECT_TRUE(has(lab.audit().back(), R"("left_out":[")" + left_out + "\"]"));
}

/// Of ten requests that are refused at once: one sent again and again, or each another.
enum class Sent { kOneAgain, kEachAnother };
struct Flood {
    std::size_t records = 0;
    std::int64_t counted = 0;
};

Flood flood(ServiceLab& lab, Sent sent = Sent::kOneAgain) {
    lab.module->verifies = Behaviour::kRefuse;
    lab.operations().bound_refusals(1);
    for (int i = 0; i < 10; ++i) {
        auto request = lab.request();
        if (sent == Sent::kEachAnother) request.transaction_id += std::to_string(i);
        EXPECT_EQ(lab.ask(request).outcome(), "badRequest");
    }
    lab.operations().tell_refusals(RefusalBounds::Which::kAll);
    Flood seen;
    for (const std::string& line : lab.audit()) {
        if (has(line, event("refuse"))) ++seen.records;
        const std::string counted = R"("client":"192.0.2.1","code":"FakeRefusal","count":)";
        if (!has(line, event("refuse_more"))) continue;
        EXPECT_TRUE(has(line, counted) && has(line, R"("since":"2027-01-15T)")) << line;
        seen.counted += std::stoll(line.substr(line.find(counted) + counted.size()));
    }
    return seen;
}

TEST(AuditTrailTest, A_A05_OfAFloodOfStrangersAPartIsRecordedAndTheRestCounted) {
    ServiceLab lab;
    const Flood seen = flood(lab);
    EXPECT_GE(seen.records, 6U);
    EXPECT_LT(seen.records, 10U);
    EXPECT_EQ(seen.records + static_cast<std::size_t>(seen.counted), 10U);
}

TEST(AuditTrailTest, A_A05_AFloodOfStrangersThatMakeUpTransactionsIsNoOther) {
    ServiceLab lab;
    EXPECT_LT(flood(lab, Sent::kEachAnother).records, 10U);
}

TEST(AuditTrailTest, A_A05_EachTransactionThatIsRefusedToAValidChallengeIsRecorded) {
    ServiceLab lab;
    lab.module->challenge_valid = true;
    EXPECT_EQ(flood(lab, Sent::kEachAnother).records, 10U);
}

TEST(AuditTrailTest, A_A05_OfOneThatIsRefusedAgainAndAgainToAValidChallengeTheRestIsCounted) {
    ServiceLab lab;
    lab.module->challenge_valid = true;
    const Flood seen = flood(lab);
    EXPECT_GE(seen.records, 7U) << "the first, five at once, and one of the code's own";
    EXPECT_LT(seen.records, 10U);
    EXPECT_EQ(seen.records + static_cast<std::size_t>(seen.counted), 10U);
}

/// Of ten renewals with the old key again, each a transaction of its own.
std::ptrdiff_t recorded_renewals(ServiceLab& lab, const certs::Certificate& old) {
    lab.operations().bound_refusals(1);
    for (int i = 0; i < 10; ++i) {
        auto renewal = lab.renewal(old, 0, 0);
        renewal.transaction_id += std::to_string(i);
        EXPECT_EQ(lab.ask(renewal).outcome(), "badRequest");
    }
    const auto events = lab.audit_events();
    return std::count(events.begin(), events.end(), "refuse");
}

TEST(AuditTrailTest, A_A05_EachTransactionThatIsRefusedToOurOwnCertificatesIsRecorded) {
    ServiceLab lab;
    lab.endpoint.renewal = policy::RenewalSettings();
    lab.endpoint.renewal->same_key = false;
    const auto old = lab.ask(lab.request()).cert->certificate;
    EXPECT_EQ(recorded_renewals(lab, old), 10);
}

TEST(AuditTrailTest, A_A05_WhoHasARevokedCertificateIsAStranger) {
    ServiceLab lab;
    lab.endpoint.renewal = policy::RenewalSettings();
    const auto old = lab.ask(lab.request()).cert->certificate;
    lab.revoke(old);
    EXPECT_LT(recorded_renewals(lab, old), 10);
}

// It was signed and recorded while the disk had room; a retry delivers it once there is again.
TEST(AuditTrailTest, A05_ACertificateDoesNotLeaveWhereItsIssueCannotBeAudited) {
    ServiceLab lab;
    lab.module->when_told = [&lab] { lab.fill_audit(); };
    const Asked asked = lab.ask(lab.request());
    EXPECT_EQ(asked.outcome(), "503");
    EXPECT_EQ(asked.record.code, "AuditUnavailable");
    EXPECT_EQ(lab.issued(), 1U);
}

TEST(AuditTrailTest, A05_ACertificateDoesNotLeaveAgainWhereThatCannotBeAudited) {
    ServiceLab lab;
    const auto request = lab.request();
    ASSERT_EQ(lab.ask(request).outcome(), "success");
    lab.audit_is_full = true;
    lab.restart();
    const Asked again = lab.ask(request);
    EXPECT_EQ(again.outcome(), "503");
    EXPECT_EQ(again.record.code, "AuditUnavailable");
}

}  // namespace
}  // namespace scepgate::server::testing::this_file
