// renewal.newest_only: which certificate is the newest, and when that is looked at.
#include <algorithm>
#include <utility>

#include "tests/server/support/renewal_fixture.hpp"

namespace scepgate::server::testing::this_file {
namespace {

using policy::RenewalChallenge;

class NewestRenewalTest : public RenewalServiceTest {
protected:
    NewestRenewalTest() { lab.endpoint.renewal->newest_only = true; }
};

// Times have seconds, and two may have come in the same one.
TEST_F(NewestRenewalTest, G05_WhatTheNextCaIssuedWithinTheSameSecondIsTheNewest) {
    lab.succeed();
    const auto newest = enrol("another");
    EXPECT_EQ(renew(), "RenewalSuperseded");
    old = newest;
    EXPECT_EQ(renew(), "Success");
}

// A clock that was ahead and is right again says nothing of which came later.
TEST_F(NewestRenewalTest, G05_TheNewestIsWhatWasRecordedLastWhateverTheClockSaid) {
    lab.clock->set(kNow + kDay / 2);
    const auto stolen = enrol("ahead");
    lab.clock->set(kNow + 60);
    lab.succeed();
    const auto owners = enrol("right");
    lab.clock->set(kNow + kDay);
    old = stolen;
    EXPECT_EQ(renew(), "RenewalSuperseded");
    old = owners;
    EXPECT_EQ(renew(), "Success");
}

// Which of them was the newest when the request came is not what counts.
TEST_F(NewestRenewalTest, G05_ARenewalThatWaitsEndsWhenItsOwnerEnrolsAnew) {
    lab.endpoint.approvals.fill({true, 7 * kDay});
    const auto waits = lab.renewal(old, 0, 1);
    EXPECT_EQ(lab.ask(waits, 1).outcome(), "pending");
    lab.endpoint.approvals.fill({});
    const auto owners = enrol("anew");
    lab.decide(ca_backend::Decision::Verdict::kApprove);
    for (const auto& again : {lab.poll(waits), waits}) {
        const Asked asked = lab.ask(again, 1);
        EXPECT_EQ(asked.outcome(), "badRequest");
        EXPECT_EQ(asked.record.code, "RenewalSuperseded");
    }
    EXPECT_EQ(lab.issued(), 2U);
    const auto events = lab.audit_events();
    EXPECT_EQ(std::count(events.begin(), events.end(), "sign"), 2) << "the two enrolments'";
    EXPECT_EQ(std::count(events.begin(), events.end(), "reject"), 1);
    EXPECT_EQ(lab.module->refused, std::vector<std::string>{"RenewalSuperseded"})
        << "it hears of it once";
    EXPECT_TRUE(lab.store->list_pending({.now = kNow}).value().empty());
    old = owners;
    EXPECT_EQ(renew(0), "Success") << "under the transactionID that is free again";
}

TEST_F(NewestRenewalTest, G05_ACertificateIssuedWhileARenewalIsJudgedSupersedesIt) {
    lab.endpoint.renewal->challenge = RenewalChallenge::kRequired;
    lab.module->redemption.reset();
    bool enrolled = false;
    lab.module->meanwhile = [this, &enrolled] {
        if (std::exchange(enrolled, true)) return;
        auto anew = lab.request();
        anew.transaction_id = "anew";
        EXPECT_EQ(lab.ask(anew).outcome(), "success");
    };
    EXPECT_EQ(renew(), "RenewalSuperseded");
    EXPECT_EQ(lab.issued(), 2U);
}

TEST_F(NewestRenewalTest, G05_ARenewalThatSupersedesItsCertificateIsGivenAgainWhenAskedFor) {
    const auto at_once = lab.renewal(old, 0, 0);
    const auto first = lab.ask(at_once).cert->certificate;
    EXPECT_EQ(lab.ask(at_once).cert->certificate, first);
    lab.endpoint.approvals.fill({true, 7 * kDay});
    auto later = lab.renewal(first, 0, 1);
    later.transaction_id = "later";
    EXPECT_EQ(lab.ask(later, 1).outcome(), "pending");
    lab.decide(ca_backend::Decision::Verdict::kApprove);
    const auto second = lab.ask(lab.poll(later), 1).cert->certificate;
    EXPECT_EQ(lab.ask(lab.poll(later), 1).cert->certificate, second);
    EXPECT_EQ(lab.ask(later, 1).cert->certificate, second);
    EXPECT_EQ(lab.issued(), 3U);
}

// A template that writes another subject now.
class RenewalIntoOtherNamesTest : public NewestRenewalTest {
protected:
    RenewalIntoOtherNamesTest() { lab.endpoint.templates = {"", "", "built"}; }

    certs::Certificate enrol_anew() {
        auto made = enrol("anew");
        EXPECT_NE(made.subject_text(), old.subject_text());
        return made;
    }

    /// Asks for the subject that `old` has.
    std::string renew_own(const std::string& transaction_id) {
        certs::CsrContents contents;
        contents.subject = certs::Name::from_der(old.subject_der()).value();
        auto request = lab.renewal(old, 0, 0);
        request.transaction_id = transaction_id;
        request.content = certs::build_csr(contents, device_key()).value();
        const Asked asked = lab.ask(request);
        if (asked.cert) renewed = asked.cert->certificate;
        return asked.record.code;
    }
};

TEST_F(RenewalIntoOtherNamesTest, G05_NoOlderCertificateGetsTheNamesOfANewerOne) {
    const auto owners = enrol_anew();
    EXPECT_EQ(renew_own("stolen"), "RenewalSuperseded");
    EXPECT_EQ(lab.issued(), 2U);
    old = owners;
    EXPECT_EQ(renew_own("owners"), "Success");
}

TEST_F(RenewalIntoOtherNamesTest, G05_NoOlderCertificateGetsThemUnderTheNextCa) {
    const auto owners = enrol_anew();
    lab.succeed();
    EXPECT_EQ(renew_own("stolen"), "RenewalSuperseded");
    old = owners;
    EXPECT_EQ(renew_own("owners"), "Success");
}

TEST_F(RenewalIntoOtherNamesTest, G05_TheNewestOfADeviceIsRenewedWhateverItsTemplateWrites) {
    for (const auto* name : {"built", "general", "built"}) {
        lab.endpoint.templates = {"", "", name};
        ASSERT_EQ(renew_own(std::string("into ") + name + old.serial_hex()), "Success") << name;
        old = renewed;
    }
}

}  // namespace
}  // namespace scepgate::server::testing::this_file
