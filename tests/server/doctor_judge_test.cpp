#include <algorithm>

#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include "scep/ca_info.hpp"
#include "server/doctor/judge_answer.hpp"
#include "server/doctor/judge_ca.hpp"
#include "server/doctor/judge_tls.hpp"
#include "server/doctor/messages.hpp"
#include "tests/scep/support/ra_pki.hpp"

namespace scepgate::server::doctor::this_file {
namespace {

namespace st = scep::testing;

Reply reply_of(long status, std::string type, ByteView body) {
    Reply reply;
    reply.status = status;
    if (!type.empty()) reply.fields.emplace_back("Content-Type", std::move(type));
    reply.body = to_bytes(body);
    return reply;
}
Reply text_reply(long status, std::string type, std::string_view text) {
    return reply_of(status, std::move(type), as_bytes(text));
}

bool names(const Remedies& remedies, std::string_view where, std::string_view setting) {
    return std::any_of(remedies.begin(), remedies.end(), [&](const Remedy& remedy) {
        return remedy.where == where && remedy.setting.find(setting) != std::string::npos;
    });
}

TEST(DoctorAnswer, TellsALoginFromARedirectAndFromAPage) {
    Reply away = text_reply(302, "text/html", "");
    away.fields.emplace_back("location", "https://login.example/oauth2/authorize");
    EXPECT_NE(obstacle_in(away)->cause.find("pre-authentication"), std::string::npos);
    EXPECT_TRUE(names(obstacle_in(away)->remedies, "Entra application proxy", "Passthrough"));
    Reply moved = text_reply(301, "", "");
    moved.fields.emplace_back("Location", "https://scep.example/scep");
    EXPECT_EQ(obstacle_in(moved)->cause.find("pre-authentication"), std::string::npos);
    const auto page = obstacle_in(text_reply(200, "text/plain", "\n<!DOCTYPE HTML><h1>Welcome"));
    ASSERT_TRUE(page);
    EXPECT_NE(page->cause.find("page for people"), std::string::npos);
    EXPECT_FALSE(obstacle_in(text_reply(200, "text/plain", "AES\nSHA-256\n")));
}

TEST(DoctorAnswer, TellsALimitFromASilentHang) {
    Reply hang;
    hang.broke = Break::kTimeout;
    EXPECT_NE(obstacle_of_length(hang, Fault::kLongLine).cause.find("silent hang"),
              std::string::npos);
    Reply reset;
    reset.broke = Break::kCut;
    EXPECT_NE(obstacle_of_length(reset, Fault::kLongLine).cause.find("cut"), std::string::npos);
    const auto said = obstacle_of_length(text_reply(414, "text/html", "<html>"), Fault::kLongLine);
    EXPECT_NE(said.cause.find("said plainly"), std::string::npos);
    EXPECT_TRUE(names(said.remedies, "nginx", "large_client_header_buffers"));
    EXPECT_TRUE(names(said.remedies, "IIS/ARR", "maxQueryString"));
    const auto gateway = obstacle_of_length(text_reply(502, "", ""), Fault::kLongLine);
    EXPECT_NE(gateway.cause.find("does not reach"), std::string::npos);
}

TEST(DoctorCapabilities, WantNoCharsetAndPlainText) {
    EXPECT_EQ(judge_capabilities_type(text_reply(200, "text/plain", "AES")).outcome, Outcome::kOk);
    EXPECT_EQ(judge_capabilities_type(text_reply(200, "text/plain; charset=utf-8", "AES")).outcome,
              Outcome::kFailed);
    EXPECT_EQ(judge_capabilities_type(text_reply(200, "application/x-other", "AES")).outcome,
              Outcome::kWarning);
    EXPECT_EQ(judge_capabilities(text_reply(200, "", "AES\nSHA-256\nPOSTPKIOperation\n")).outcome,
              Outcome::kOk);
    EXPECT_EQ(judge_capabilities(text_reply(200, "", "POSTPKIOperation\nDES3\n")).outcome,
              Outcome::kWarning);
    EXPECT_EQ(judge_capabilities(text_reply(200, "", "")).outcome, Outcome::kFailed);
    EXPECT_EQ(judge_capabilities(text_reply(200, "", "AES\n\x1f\x8b")).outcome, Outcome::kFailed);
}

class DoctorCa : public ::testing::Test {
protected:
    static Reply bundle(const std::vector<certs::Certificate>& all) {
        const auto made = scep::ra_certificates(all);
        return reply_of(200, std::string(made.content_type), made.body);
    }
    st::RaPki pki;
};

TEST_F(DoctorCa, TheTypeBelongsToWhatIsSent) {
    const Reply whole = bundle({pki.signing, pki.encryption, pki.ca, pki.root});
    EXPECT_EQ(judge_ca_type(whole).outcome, Outcome::kOk);
    Reply wrong = reply_of(200, "application/x-x509-ca-cert", whole.body);
    EXPECT_EQ(judge_ca_type(wrong).outcome, Outcome::kFailed);
    EXPECT_EQ(judge_ca_type(reply_of(200, "application/x-x509-ca-cert", pki.root.der())).outcome,
              Outcome::kOk);
    const Finding cached = judge_ca_type(text_reply(200, "text/plain", "AES\n"));
    EXPECT_EQ(cached.outcome, Outcome::kFailed);
    EXPECT_NE(cached.cause.find("cache"), std::string::npos);
}

TEST_F(DoctorCa, AListLeadsToTheRoot) {
    for (const bool with_root : {true, false}) {
        std::vector<certs::Certificate> all{pki.signing, pki.encryption, pki.ca};
        if (with_root) all.push_back(pki.root);
        const Reply reply = bundle(all);
        const auto parsed = scep::parse_ca_certificates(reply.body, st::kNow);
        ASSERT_TRUE(parsed);
        EXPECT_EQ(judge_ca_bundle(reply, parsed).outcome, Outcome::kOk);
        EXPECT_EQ(judge_ca_root(reply, *parsed).outcome,
                  with_root ? Outcome::kOk : Outcome::kFailed);
    }
}

TEST_F(DoctorCa, AListHasRaCertificatesWithUsages) {
    const Reply bare = bundle({pki.ca, pki.root});
    const auto without = scep::parse_ca_certificates(bare.body, st::kNow);
    ASSERT_TRUE(without);
    EXPECT_NE(judge_ca_usages(bare, *without).cause.find("-67731"), std::string::npos);
    const auto silent = st::RaPki::ra({.subject = "CN=RA", .usage = {}}, st::ra_key());
    const Reply mute = bundle({silent, pki.ca, pki.root});
    const auto unsaid = scep::parse_ca_certificates(mute.body, st::kNow);
    ASSERT_TRUE(unsaid);
    EXPECT_EQ(judge_ca_usages(mute, *unsaid).outcome, Outcome::kFailed);
    const Reply whole = bundle({pki.signing, pki.encryption, pki.ca, pki.root});
    EXPECT_EQ(judge_ca_usages(whole, *scep::parse_ca_certificates(whole.body, st::kNow)).outcome,
              Outcome::kOk);
}

TEST_F(DoctorCa, AnEndWithin30DaysIsAWarning) {
    constexpr std::int64_t kDay = 24 * 60 * 60;
    const auto ca = pki.certificates();
    EXPECT_EQ(judge_ca_validity(ca, st::kNow).outcome, Outcome::kOk);
    EXPECT_EQ(judge_ca_validity(ca, st::kNow + st::kYear - 29 * kDay).outcome, Outcome::kWarning);
    EXPECT_EQ(judge_ca_validity(ca, st::kNow + st::kYear + kDay).outcome, Outcome::kFailed);
}

TEST_F(DoctorCa, AnIntermediateThatWasNotSentIsMissed) {
    TlsView view;
    view.done = true;
    view.sent = {pki.signing, pki.ca};
    view.verified = {pki.signing, pki.ca, pki.root};
    EXPECT_EQ(judge_chain(view).outcome, Outcome::kOk);
    view.sent = {pki.signing};
    EXPECT_EQ(judge_chain(view).outcome, Outcome::kFailed);
    view.verified.clear();
    view.verify_error = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    EXPECT_NE(judge_chain(view).cause.find("intermediate"), std::string::npos);
    // Dates are another check's.
    view.verify_error = X509_V_ERR_CERT_HAS_EXPIRED;
    EXPECT_EQ(judge_chain(view).outcome, Outcome::kOk);
    EXPECT_EQ(judge_validity(view, st::kNow + 2 * st::kYear).outcome, Outcome::kFailed);
}

class DoctorMessages : public DoctorCa {
protected:
    /// As a server refuses `sealed`.
    [[nodiscard]] Reply refusal(const Sealed& sealed) const {
        scep::ReplyAddress to;
        to.transaction_id = sealed.request.transaction_id;
        to.recipient_nonce = sealed.request.sender_nonce;
        const auto made =
            scep::encode_failure(to, FailInfo::kBadMessageCheck, pki.signer(), st::kNow);
        return reply_of(200, "application/x-pki-message", made.value());
    }
    Messages messages = Messages::make(st::kNow).value();
    std::vector<scep::CaCertificates> cas{pki.certificates()};
};

TEST_F(DoctorMessages, OnlyASignedReplyToThisMessageProvesThatItArrived) {
    const Sealed first = messages.seal(100).value();
    const Sealed second = messages.seal(100).value();
    EXPECT_EQ(judge_arrival(refusal(first), first.request, cas, nullptr).arrival, Arrival::kProven);
    EXPECT_EQ(judge_arrival(refusal(first), second.request, cas, nullptr).arrival, Arrival::kStale);
    EXPECT_EQ(judge_arrival(reply_of(200, "", pki.root.der()), first.request, cas, nullptr).arrival,
              Arrival::kLost);
    st::RaPki other;
    other.signing = st::RaPki::ra({.subject = "CN=other", .usage = st::kSigns}, st::old_ra_key());
    const std::vector<scep::CaCertificates> others{other.certificates()};
    EXPECT_EQ(judge_arrival(refusal(first), first.request, others, nullptr).arrival,
              Arrival::kStranger);
}

TEST_F(DoctorMessages, OtherAnswersAreComparedWithTheFirst) {
    const Sealed sealed = messages.seal(100).value();
    const Reply own = text_reply(500, "text/plain", "cannot decrypt");
    EXPECT_EQ(judge_arrival(own, sealed.request, cas, nullptr).arrival, Arrival::kLost);
    EXPECT_EQ(judge_arrival(own, sealed.request, cas, &own).arrival, Arrival::kAlike);
    const Reply page = text_reply(400, "text/html", "<html>Bad Request");
    EXPECT_EQ(judge_arrival(page, sealed.request, cas, &own).arrival, Arrival::kLost);
}

TEST_F(DoctorMessages, NoServerCanOpenThem) {
    const Sealed sealed = messages.seal(100).value();
    const auto read = scep::read_signed_request(sealed.der);
    ASSERT_TRUE(read);
    EXPECT_FALSE(scep::open_request(*read, pki.recipients(), {}));
}

TEST_F(DoctorMessages, HaveTheLengthThatIsAskedForAndEveryLetterThatBreaks) {
    for (const std::size_t octets : {4096UL, 16384UL, 65536UL}) {
        const Sealed sealed = messages.seal_to(octets, &spell_escaped).value();
        const std::string text = to_base64(sealed.der);
        const std::string query = spell_escaped(text);
        EXPECT_LE(query.size(), octets);
        EXPECT_GE(query.size(), octets - octets / 25);
        EXPECT_NE(text.find('+'), std::string::npos);
        EXPECT_NE(text.find('/'), std::string::npos);
        EXPECT_EQ(query.find_first_of("+/="), std::string::npos);
    }
}

}  // namespace
}  // namespace scepgate::server::doctor::this_file
