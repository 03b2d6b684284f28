// What a request gets that comes again.
#include <gtest/gtest.h>

#include "tests/server/support/service_lab.hpp"

namespace scepgate::server::testing::this_file {
namespace {

using Behaviour = FakeModule::Behaviour;
using Events = std::vector<std::string>;

bool has(const std::string& line, std::string_view text) {
    return line.find(text) != std::string::npos;
}

TEST(RetryTest, T07_ARetryGetsTheSameCertificateAndItsAuditLineSaysAll) {
    ServiceLab lab;
    lab.module->redemption = Redemption{"fake", Bytes(16, 0xAB), kNow + kDay};
    const auto request = lab.request();
    const auto first = lab.ask(request).cert->certificate;
    const Asked again = lab.ask(request);
    ASSERT_EQ(again.outcome(), "success");
    EXPECT_EQ(again.cert->certificate, first);
    EXPECT_EQ(again.record.code, "Retry");
    EXPECT_EQ(lab.module->verified, 1);
    EXPECT_EQ(lab.module->issued.size(), 1U) << "it heard of it before";
    ASSERT_EQ(lab.audit_events(), (Events{"sign", "issue", "retry"}));
    const std::string line = lab.audit().back();
    for (const std::string& text :
         {std::string("\"policy\":\"fake\""), std::string("\"subject_alt_name\":\"dns:device"),
          std::string("\"device_id\":\"device-7\""), "\"challenge\":\"" + to_hex(Bytes(16, 0xAB)),
          std::string("\"template\":\"general\""), "\"serial\":\"" + first.serial_hex()}) {
        EXPECT_TRUE(has(line, text)) << text << " in " << line;
    }
}

TEST(RetryTest, A_A05_OfAFloodOfRetriesAPartIsRecordedAndTheRestCounted) {
    ServiceLab lab;
    lab.operations().bound_refusals(1);
    const auto request = lab.request();
    const auto first = lab.ask(request).cert->certificate;
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(lab.ask(request).cert->certificate, first);
    lab.operations().tell_refusals(RefusalBounds::Which::kAll);
    std::int64_t records = 0;
    std::int64_t counted = 0;
    for (const std::string& line : lab.audit()) {
        if (has(line, R"("event":"retry",)")) ++records;
        const std::string told = R"("client":"192.0.2.1","code":"Retry","count":)";
        if (!has(line, R"("event":"retry_more")")) continue;
        ASSERT_TRUE(has(line, told)) << line;
        counted += std::stoll(line.substr(line.find(told) + told.size()));
    }
    EXPECT_GE(records, 7) << "the first, five at once, and one of the code's own";
    EXPECT_LE(records, 15);
    EXPECT_EQ(records + counted, 20);
}

TEST(RetryTest, A_A05_AFloodOfRetriesHidesNoRefusal) {
    ServiceLab lab;
    lab.operations().bound_refusals(1);
    const auto request = lab.request();
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(lab.ask(request).outcome(), "success");
    lab.module->verifies = Behaviour::kRefuse;
    EXPECT_EQ(lab.ask(lab.request()).outcome(), "badRequest");
    EXPECT_EQ(lab.audit_events().back(), "refuse");
}

TEST(RetryTest, R_T07_ARetryAfterRevocationIsJudgedAnew) {
    ServiceLab lab;
    const auto request = lab.request();
    auto last = lab.ask(request).cert->certificate;
    for (int again = 2; again <= 3; ++again) {
        lab.revoke(last);
        const Asked poll = lab.ask(lab.poll(request));
        EXPECT_EQ(poll.outcome(), "badCertId");
        EXPECT_EQ(poll.record.code, "PollOver");
        const Asked anew = lab.ask(request);
        ASSERT_EQ(anew.outcome(), "success");
        EXPECT_EQ(anew.record.code, "Success");
        EXPECT_NE(anew.cert->certificate, last);
        EXPECT_EQ(lab.module->verified, again);
        last = anew.cert->certificate;
        const Asked retry = lab.ask(request);
        EXPECT_EQ(retry.record.code, "Retry");
        EXPECT_EQ(retry.cert->certificate, last);
        EXPECT_EQ(lab.ask(lab.poll(request)).cert->certificate, last);
    }
    EXPECT_EQ(lab.issued(), 3U);
    lab.revoke(last);
    lab.module->verifies = Behaviour::kRefuse;
    EXPECT_EQ(lab.ask(request).record.code, "FakeRefusal");
}

TEST(RetryTest, R_T07_ARetryGetsNothingForAKeyThatOthersKnowOrThatIsOnHold) {
    using enum certs::RevocationReason;
    ServiceLab lab;
    const auto request = lab.request();
    const auto issued = lab.ask(request).cert->certificate;
    for (const auto reason : {kCertificateHold, kKeyCompromise}) {
        lab.revoke(issued, reason);
        const Asked again = lab.ask(request);
        EXPECT_EQ(again.outcome(), "badRequest");
        EXPECT_EQ(again.record.code, "RequestOver");
    }
    EXPECT_EQ(lab.issued(), 1U);
    EXPECT_EQ(lab.module->verified, 1);
}

TEST(RetryTest, R_T07_ACertificateReleasedFromHoldIsTheAnswerAgain) {
    using enum certs::RevocationReason;
    ServiceLab lab;
    const auto request = lab.request();
    const auto issued = lab.ask(request).cert->certificate;
    lab.revoke(issued, kCertificateHold);
    EXPECT_EQ(lab.ask(request).record.code, "RequestOver");
    lab.revoke(issued, kRemoveFromCrl);
    EXPECT_EQ(lab.ask(request).cert->certificate, issued);
}

TEST(RetryTest, R_T07_OneRequestDoesNotOutliveItsCertificatesForEver) {
    ServiceLab lab;
    const auto request = lab.request();
    Asked asked = lab.ask(request);
    for (int times = 1; times < 16; ++times) {
        ASSERT_EQ(asked.outcome(), "success") << times;
        lab.revoke(asked.cert->certificate);
        asked = lab.ask(request);
    }
    EXPECT_EQ(asked.outcome(), "success");
    lab.revoke(asked.cert->certificate);
    EXPECT_EQ(lab.ask(request).record.code, "RequestOver");
}

TEST(RetryTest, R_T07_ARetryIsJudgedAnewFromTheEndOfItsCertificateOn) {
    ServiceLab lab;
    const auto request = lab.request();
    const auto first = lab.ask(request).cert->certificate;
    lab.clock->set(first.not_after() - 1);
    EXPECT_EQ(lab.ask(request).cert->certificate, first);
    lab.clock->set(first.not_after());
    const Asked anew = lab.ask(request);
    ASSERT_EQ(anew.outcome(), "success");
    EXPECT_NE(anew.cert->certificate, first);
    EXPECT_EQ(lab.module->verified, 2);
}

TEST(RetryTest, R_T07_C01_AfterRevocationAUsedChallengeStaysUsed) {
    ServiceLab lab;
    lab.module->redemption = Redemption{"fake", Bytes(16, 1), kNow + 3650 * kDay};
    const auto request = lab.request();
    lab.revoke(lab.ask(request).cert->certificate);
    const Asked again = lab.ask(request);
    EXPECT_EQ(again.outcome(), "badMessageCheck");
    EXPECT_EQ(again.record.code, "ChallengeAlreadyRedeemed");
    EXPECT_EQ(lab.issued(), 1U);
}

TEST(RetryTest, R_T07_ManyRetriesAtOnceAfterRevocationGiveOneCertificate) {
    ServiceLab lab;
    const auto request = lab.request();
    lab.revoke(lab.ask(request).cert->certificate);
    const auto all = lab.ask_together(std::vector(6, request));
    for (const Asked& each : all) {
        ASSERT_EQ(each.outcome(), "success");
        EXPECT_EQ(each.cert->certificate, all.front().cert->certificate);
    }
    EXPECT_EQ(lab.issued(), 2U);
}

}  // namespace
}  // namespace scepgate::server::testing::this_file
