#include "server/pki_operation.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "certs/crl_builder.hpp"
#include "tests/server/support/service_lab.hpp"

namespace scepgate::server::testing::this_file {
namespace {

using Behaviour = FakeModule::Behaviour;
using Events = std::vector<std::string>;

bool has(const std::string& line, std::string_view text) {
    return line.find(text) != std::string::npos;
}

TEST(PkiOperationTest, ACertificateIsSignedRecordedToldOfAndAuditedInThisOrder) {
    ServiceLab lab;
    const Asked asked = lab.ask(lab.request());
    ASSERT_EQ(asked.outcome(), "success");
    EXPECT_EQ(asked.record.code, "Success");
    EXPECT_EQ(asked.record.policy, "fake");
    const std::string serial = asked.cert->certificate.serial_hex();
    EXPECT_EQ(lab.module->issued, std::vector<std::string>{serial});
    EXPECT_EQ(lab.audit_events(), (Events{"sign", "issue"}));
    EXPECT_FALSE(asked.reply.failed_since);
}

TEST(PkiOperationTest, AnUnreadableMessageHasNobodyToAnswer) {
    ServiceLab lab;
    Bytes octets = scep::encode_request(lab.request()).value();
    octets.pop_back();
    const Asked asked = lab.ask_octets(octets);
    EXPECT_EQ(asked.outcome(), "400");
    EXPECT_EQ(asked.record.code, "MessageUnreadable");
    EXPECT_EQ(lab.audit_events(), Events{});
}

TEST(PkiOperationTest, R_B08_AMessageWithAFaultIsAnsweredAndLeadsToNothing) {
    ServiceLab lab;
    auto request = lab.request();
    request.sender_nonce.clear();
    Bytes octets = scep::encode_request(request).value();
    const Asked asked = lab.ask_octets(octets);
    EXPECT_EQ(asked.reply.kind, OperationReply::Kind::kCertRep);
    EXPECT_TRUE(asked.reply.failed_since) << "it leaves on a tick";
    EXPECT_EQ(asked.record.code, "MessageAttributesUnreadable");
    EXPECT_EQ(asked.record.check, "attributes");
    EXPECT_EQ(asked.record.found, "senderNonce of 0 octets");
    EXPECT_EQ(lab.audit_events(), Events{"refuse"});
    EXPECT_TRUE(has(lab.audit().front(), "senderNonce of 0 octets"));
    EXPECT_EQ(lab.module->verified, 0);
    EXPECT_EQ(lab.issued(), 0U);

    octets.back() ^= 1;  // in the signature
    const Asked forged = lab.ask_octets(octets);
    EXPECT_EQ(forged.outcome(), "400");
    EXPECT_EQ(forged.record.code, "MessageUnreadable");
    EXPECT_TRUE(has(forged.record.reason, "senderNonce of 0 octets; and the signature is not"))
        << forged.record.reason;
    EXPECT_EQ(lab.audit_events(), Events{"refuse"}) << "the first one alone";
}

TEST(PkiOperationTest, A_K03_AKeyOfTheServersGetsNoCertificate) {
    ServiceLab lab;
    auto own = std::make_shared<OwnKeys>();
    own->add(device_key(0).public_key());
    lab.endpoint.own_keys = own;
    lab.module->redemption = Redemption{"fake", Bytes(16, 1), kNow + kDay};
    const Asked asked = lab.ask(lab.request(0));
    EXPECT_EQ(asked.outcome(), "badRequest");
    EXPECT_EQ(asked.record.code, "KeyIsServers");
    EXPECT_EQ(lab.audit_events(), Events{"refuse"});
    EXPECT_EQ(lab.module->verified, 0) << "nobody was asked";
    EXPECT_EQ(lab.issued(), 0U);
    EXPECT_FALSE(lab.store->is_redeemed(*lab.module->redemption).value());
    EXPECT_EQ(lab.ask(lab.request(1), 1).outcome(), "success");
}

TEST(PkiOperationTest, A_K03_AKeyThatBecameTheServersWhileItWaitedGetsNone) {
    ServiceLab lab;
    lab.module->verifies = Behaviour::kGrantAfterApproval;
    const auto request = lab.request();
    ASSERT_EQ(lab.ask(request).outcome(), "pending");
    lab.decide(ca_backend::Decision::Verdict::kApprove);
    auto own = std::make_shared<OwnKeys>();
    own->add(device_key().public_key());
    lab.endpoint.own_keys = own;
    const Asked asked = lab.ask(lab.poll(request));
    EXPECT_EQ(asked.outcome(), "badRequest");
    EXPECT_EQ(asked.record.code, "KeyIsServers");
    EXPECT_EQ(lab.issued(), 0U);
}

TEST(PkiOperationTest, A05_NothingLeavesWhileTheStoreIsDown) {
    ServiceLab lab;
    const auto request = lab.request();
    lab.store->reads_fail = true;
    EXPECT_EQ(lab.ask(request).outcome(), "503");
    EXPECT_EQ(lab.module->verified, 0);
    lab.store->reads_fail = false;
    lab.store->writes_fail = true;
    const Asked asked = lab.ask(request);
    EXPECT_EQ(asked.outcome(), "503");
    EXPECT_EQ(asked.record.code, "StoreUnavailable");
    EXPECT_EQ(lab.module->refused, std::vector<std::string>{"StoreUnavailable"});
    EXPECT_EQ(lab.audit_events(), (Events{"refuse", "sign", "refuse"}));
    lab.store->writes_fail = false;
    EXPECT_EQ(lab.ask(request).outcome(), "success");
}

TEST(PkiOperationTest, A05_NothingIsIssuedThatCannotBeAudited) {
    ServiceLab lab;
    lab.audit_is_full = true;
    lab.restart();
    lab.module->redemption = Redemption{"fake", Bytes(16, 1), kNow + kDay};
    EXPECT_EQ(lab.ask(lab.request()).record.code, "AuditUnavailable");
    EXPECT_EQ(lab.issued(), 0U);
    EXPECT_FALSE(lab.store->is_redeemed(*lab.module->redemption).value());
}

TEST(PkiOperationTest, C01_AUsedChallengeGivesNothingToAnotherRequest) {
    ServiceLab lab;
    lab.module->redemption = Redemption{"fake", Bytes(16, 1), kNow + kDay};
    EXPECT_EQ(lab.ask(lab.request(0)).outcome(), "success");
    EXPECT_EQ(lab.ask(lab.request(1), 1).record.code, "ChallengeAlreadyRedeemed");
    EXPECT_EQ(lab.module->refused, std::vector<std::string>{"ChallengeAlreadyRedeemed"});
    EXPECT_EQ(lab.audit_events(), (std::vector<std::string>{"sign", "issue", "refuse"}))
        << "nothing is signed that is known to be in vain";
}

TEST(PkiOperationTest, N11_AChallengeForAnotherTemplateGetsNoCertificate) {
    ServiceLab lab;
    lab.module->template_name = "other";
    const Asked asked = lab.ask(lab.request());
    EXPECT_EQ(asked.outcome(), "badRequest");
    EXPECT_EQ(asked.record.code, "TemplateMismatch");
    lab.endpoint.approvals.fill({true, 7 * kDay});
    EXPECT_EQ(lab.ask(lab.request()).record.code, "TemplateMismatch") << "nor does it wait";
    EXPECT_EQ(lab.issued(), 0U);
    lab.module->template_name = "general";
    EXPECT_EQ(lab.ask(lab.request()).outcome(), "pending");
}

TEST(PkiOperationTest, TheStoreSaysWhichCaIssued) {
    ServiceLab lab;
    ASSERT_EQ(lab.ask(lab.request()).outcome(), "success");
    EXPECT_EQ(lab.store->list({}).value().rows.front().ca, "lab");
}

TEST(PkiOperationTest, T09_ParallelCopiesGiveOneCertificate) {
    ServiceLab lab;
    lab.module->redemption = Redemption{"fake", Bytes(16, 1), kNow + kDay};
    const auto all = lab.ask_together(std::vector(8, lab.request()));
    for (const Asked& each : all) {
        ASSERT_EQ(each.outcome(), "success") << each.record.code;
        EXPECT_EQ(each.cert->certificate, all.front().cert->certificate);
    }
    EXPECT_EQ(lab.issued(), 1U);
}

TEST(PkiOperationTest, C11_GetCertGivesTheHolderOfTheKeyItsCertificateAndNobodyElse) {
    ServiceLab lab;
    const auto issued = lab.ask(lab.request()).cert->certificate;
    auto ask_for = [&](const Bytes& id, int key) {
        auto request = lab.request(key);
        request.type = scep::MessageType::kGetCert;
        request.content = id;
        return lab.ask(request, 0);
    };
    EXPECT_EQ(ask_for(issued.issuer_and_serial(), 0).record.code, "Success");
    const Asked foreign = ask_for(issued.issuer_and_serial(), 1);
    const Asked unknown = ask_for(lab.certificates.ca.issuer_and_serial(), 1);
    EXPECT_EQ(foreign.outcome(), "badCertId") << "T04";
    EXPECT_EQ(unknown.outcome(), "badCertId");
    EXPECT_EQ(foreign.cert->fail_info_text, unknown.cert->fail_info_text);
    EXPECT_NE(foreign.record.reason, unknown.record.reason) << "for the operator alone";
    const Bytes nobody = certs::Name::from_text("CN=nobody").value().der();
    const Bytes serial = certs::der::element(certs::DerTag::kInteger, issued.serial());
    EXPECT_EQ(ask_for(certs::der::sequence({nobody, serial}), 0).outcome(), "badCertId")
        << "no issuer of this endpoint";
    lab.endpoint.name = "/other";
    EXPECT_EQ(ask_for(issued.issuer_and_serial(), 0).outcome(), "badCertId")
        << "another endpoint issued it";
}

// Else a sniffed request's ciphertext, cut up and sent as one of these, could be read by its
// padding.
TEST(PkiOperationTest, A_E08_PollsAndLookUpsDoNotTellWhetherTheirEnvelopeOpened) {
    ServiceLab lab;
    const auto ask = [&](scep::MessageType type, const Bytes& content) {
        auto request = lab.request();
        request.type = type;
        request.content = content;
        const Asked asked = lab.ask(request);
        return asked.outcome() + ", " + std::to_string(asked.reply.body.size()) + " octets";
    };
    const auto stranger = lab.request().signer;
    const auto name = certs::Name::from_der(stranger.subject_der()).value();
    for (const auto type :
         {scep::MessageType::kCertPoll, scep::MessageType::kGetCert, scep::MessageType::kGetCrl}) {
        const std::string readable = ask(type, type == scep::MessageType::kCertPoll
                                                   ? scep::encode_issuer_and_subject(name, name)
                                                   : stranger.issuer_and_serial());
        EXPECT_TRUE(readable.starts_with("badCertId")) << to_text(type) << ": " << readable;
        EXPECT_EQ(ask(type, Bytes(48, 0)), readable) << to_text(type);
        EXPECT_EQ(ask(type, lab.request().content), readable) << to_text(type);
    }
}

TEST(PkiOperationTest, C12_GetCrlGivesTheCrlOfTheCaThatIsNamed) {
    ServiceLab lab;
    const auto issued = lab.ask(lab.request()).cert->certificate;
    lab.revoke(issued);
    auto request = lab.request();
    request.type = scep::MessageType::kGetCrl;
    request.content = issued.issuer_and_serial();
    const Asked asked = lab.ask(request);
    ASSERT_EQ(asked.reply.kind, OperationReply::Kind::kCertRep);
    const auto reply = scep::decode_get_crl_reply(asked.reply.body, request, lab.certificates);
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_TRUE(certs::Crl::from_der(reply->crl).value().find(issued.serial()));

    request.content = request.signer.issuer_and_serial();
    EXPECT_EQ(lab.ask(request).record.code, "CrlUnknownIssuer");
}

/// The CA of the lab, with a CRL of so many octets at least.
class LargeCrlCa final : public ca_backend::CaBackend {
public:
    LargeCrlCa(std::shared_ptr<ca_backend::CaBackend> ca, std::size_t octets) : ca_(std::move(ca)) {
        certs::CrlContents contents;
        contents.issuer_der = to_bytes(chain().front().subject_der());
        contents.authority_key_identifier = Bytes(20, 1);
        contents.number = 1;
        contents.this_update = kNow;
        contents.next_update = kNow + kDay;
        certs::CrlBuilder builder(std::move(contents));
        constexpr std::size_t kEntry = 35;
        for (std::size_t i = 0; i < octets / kEntry; ++i) {
            Bytes serial(16, 1);
            for (std::size_t at = 0; at < 4; ++at)
                serial[12 + at] = static_cast<std::uint8_t>(i >> (8 * (3 - at)));
            (void)builder.add({serial, kNow});
        }
        crl_ = std::move(builder).sign(device_key(), certs::Digest::kSha256).value();
    }
    const std::string& name() const noexcept override { return ca_->name(); }
    const std::vector<certs::Certificate>& chain() const noexcept override { return ca_->chain(); }
    boost::asio::awaitable<Result<ca_backend::IssueOutcome, Refusal>> issue(
        const Grant& grant, const ca_backend::IssueContext& context) override {
        return ca_->issue(grant, context);
    }
    Result<std::optional<certs::Name>, Refusal> built_subject(
        const Grant& grant, const std::string& template_name) const override {
        return ca_->built_subject(grant, template_name);
    }
    boost::asio::awaitable<Result<certs::Crl>> crl(ca_backend::Store&,
                                                   ca_backend::CrlWanted) override {
        co_return crl_;
    }
    [[nodiscard]] std::size_t size() const { return crl_.der().size(); }

private:
    std::shared_ptr<ca_backend::CaBackend> ca_;
    certs::Crl crl_;
};

TEST(PkiOperationTest, P05_ALargeCrlIsForTheDistributionPointsAlone) {
    ServiceLab lab;
    auto request = lab.request();
    request.type = scep::MessageType::kGetCrl;
    request.content = lab.certificates.signing.issuer_and_serial();
    const auto ca = lab.endpoint.ca;
    const auto largest = std::make_shared<LargeCrlCa>(ca, LookUp::kLargestCrl - 1000);
    ASSERT_LE(largest->size(), LookUp::kLargestCrl);
    lab.endpoint.ca = largest;
    const Asked answered = lab.ask(request);
    EXPECT_EQ(answered.record.code, "Success");
    EXPECT_LT(answered.reply.body.size(), LookUp::kLargestCrl + 10'000);

    const auto larger = std::make_shared<LargeCrlCa>(ca, LookUp::kLargestCrl + 1000);
    ASSERT_GT(larger->size(), LookUp::kLargestCrl);
    lab.endpoint.ca = larger;
    const Asked refused = lab.ask(request);
    EXPECT_EQ(refused.outcome(), "badRequest");
    EXPECT_EQ(refused.record.code, "CrlTooLarge");
    EXPECT_LT(refused.reply.body.size(), 10'000U);
    ASSERT_EQ(lab.audit_events(), std::vector<std::string>{"refuse"});
    EXPECT_NE(lab.audit().back().find("it is at the distribution points"), std::string::npos);
}

TEST(PkiOperationTest, A05_ACrlThatCannotBeKeptIsGivenToNobodyWhoWaitedForIt) {
    ServiceLab lab;
    auto request = lab.request();
    request.type = scep::MessageType::kGetCrl;
    request.content = lab.certificates.signing.issuer_and_serial();
    lab.store->writes_fail = true;
    for (const Asked& asked : lab.ask_together({request, request, request})) {
        EXPECT_EQ(asked.outcome(), "503");
        EXPECT_EQ(asked.record.code, "CrlUnavailable");
    }
    lab.store->writes_fail = false;
    for (const Asked& asked : lab.ask_together({request, request, request}))
        EXPECT_EQ(asked.record.code, "Success");
}

TEST(PkiOperationTest, NoTemplateForThePurposeReachesNoCa) {
    ServiceLab lab;
    lab.endpoint.templates = {"", "", ""};
    const Asked asked = lab.ask(lab.request());
    EXPECT_EQ(asked.outcome(), "badRequest");
    EXPECT_EQ(asked.record.code, "NoTemplateForPurpose");
    EXPECT_TRUE(asked.record.ca_result.empty());
}

TEST(PkiOperationTest, WhatTheCaHasToSayStandsInTheLog) {
    ServiceLab lab;
    const std::int64_t end = lab.certificates.ca.not_after();
    lab.clock->set(end - kDay);
    EXPECT_EQ(lab.ask(lab.request()).record.notes,
              std::vector{"notAfter clamped to the CA's, " + certs::utc_text(end)});
}

TEST(PkiOperationTest, T10_TheWindowOfSigningTimesHasBothItsEnds) {
    ServiceLab lab;
    lab.endpoint.shape.signing_time_window = 60;
    for (const auto& [away, expected] : {std::pair{-61, "badTime"}, std::pair{-60, "success"},
                                         std::pair{60, "success"}, std::pair{61, "badTime"}}) {
        auto request = lab.request();
        request.transaction_id = "at " + std::to_string(away);
        request.now = kNow + away;
        EXPECT_EQ(lab.ask(request).outcome(), expected) << away;
    }
}

// Each has looked before any of them wrote: the store decides.
TEST(PkiOperationTest, R_T09_C01_RequestsThatComeTogetherGetOneCertificateForOneChallenge) {
    ServiceLab lab;
    lab.module->redemption = Redemption{"fake", Bytes(16, 1), kNow + kDay};
    std::vector<scep::ClientRequest> together(6, lab.request());
    for (std::size_t i = 0; i < together.size(); ++i)
        together[i].transaction_id = "together-" + std::to_string(i);
    std::vector<std::string> outcomes;
    for (const Asked& each : lab.ask_together(together))
        outcomes.push_back(each.outcome());
    EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), "success"), 1);
    EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), "badMessageCheck"), 5);
    EXPECT_EQ(lab.issued(), 1U);
}

TEST(PkiOperationTest, TheLogSaysHowAMessageHadToBeRead) {
    ServiceLab lab;
    auto request = lab.request();
    request.transaction_id = "a user@example";
    const Asked asked = lab.ask(request);
    EXPECT_EQ(asked.record.key_transport, "RSA-PKCS1");
    EXPECT_EQ(asked.record.decode_path, "transaction-id-string-type,transaction-id-characters");
}

}  // namespace
}  // namespace scepgate::server::testing::this_file
