#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "certs/crl_builder.hpp"
#include "certs/name.hpp"
#include "certs/signed_structure.hpp"
#include "server/signer/crl_judge.hpp"
#include "tests/certs/support/key_fixtures.hpp"

namespace scepgate::server::signer {
namespace {

using certs::CrlContents;
using certs::Digest;
using certs::RevocationReason;
using certs::testing::ec_key;
using certs::testing::rsa_key;

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::int64_t kDay = 86'400;

class SignerCrlTest : public testing::Test {
protected:
    SignerCrlTest() {
        contents.issuer_der = issuer;
        contents.authority_key_identifier = key_identifier;
        contents.number = 7;
        contents.this_update = kNow;
        contents.next_update = kNow + 7 * kDay;
        rules.issuer_der = issuer;
        rules.key_identifier = key_identifier;
        rules.key_type = certs::KeyType::kEc;
        rules.now = kNow;
        rules.longest_validity = 31 * kDay;
        rules.longest_certificate = 365 * kDay;
        rules.not_after = [this](ByteView serial) -> std::optional<std::int64_t> {
            if (serial.front() == 2) return expiry_of_2;
            return std::nullopt;
        };
    }

    using Revoked = std::vector<certs::RevokedCertificate>;

    static Bytes tbs(const CrlContents& of, const Revoked& revoked = {},
                     const certs::PrivateKey& key = ec_key(), Digest digest = Digest::kSha256) {
        certs::CrlBuilder builder(of);
        for (const certs::RevokedCertificate& one : revoked)
            builder.add(one).value();
        return to_bytes(std::move(builder).sign(key, digest).value().to_be_signed());
    }

    Result<JudgedCrl> judge(ByteView last_complete = {}, const Bytes& last_number = {6}) {
        return judge_crl(tbs(contents, revoked), last_number, last_complete, rules);
    }

    void expect_denied(std::string_view why, ByteView last_complete = {},
                       const Bytes& last_number = {6}) {
        const auto judged = judge(last_complete, last_number);
        ASSERT_FALSE(judged);
        EXPECT_EQ(judged.error().code, Errc::kDenied) << judged.error().detail;
        EXPECT_NE(judged.error().detail.find(why), std::string::npos) << judged.error().detail;
    }

    /// A CRL from before, with serial number 2 revoked for this reason.
    Bytes before(RevocationReason reason, std::int64_t revoked_at = kNow - kDay) {
        CrlContents last = contents;
        last.number = 6;
        return tbs(last, {{{2}, revoked_at, reason}});
    }

    Bytes key_identifier = Bytes(20, 1);
    Bytes issuer = certs::Name::from_text("CN=Test CA").value().der();
    CrlContents contents;
    Revoked revoked;
    CrlRules rules;
    std::optional<std::int64_t> expiry_of_2 = kNow + 100 * kDay;
};

TEST_F(SignerCrlTest, TakesTheNextOne) {
    revoked = {{{5}, kNow - 5, RevocationReason::kSuperseded}};
    const auto judged = judge(before(RevocationReason::kCertificateHold));
    ASSERT_TRUE(judged) << judged.error().detail;
    EXPECT_EQ(judged->digest, Digest::kSha256);
    EXPECT_EQ(judged->crl.entries().size(), 1U);
}

TEST_F(SignerCrlTest, RefusesANumberThatDoesNotGrow) {
    expect_denied("number", {}, {7});
    expect_denied("number", {}, {8});
    expect_denied("number", {}, {1, 0});
}

TEST_F(SignerCrlTest, RefusesAnotherIssuerOrKey) {
    contents.issuer_der = certs::Name::from_text("CN=Other CA").value().der();
    expect_denied("issuer");
    contents.issuer_der = issuer;
    contents.authority_key_identifier = Bytes(20, 2);
    expect_denied("key");
}

TEST_F(SignerCrlTest, RefusesTimesThatAreNotNow) {
    contents.this_update = kNow + kDay;
    expect_denied("thisUpdate");
    contents.this_update = kNow - kDay;
    expect_denied("thisUpdate");
    contents.this_update = kNow;
    contents.next_update = kNow + 32 * kDay;
    expect_denied("crl_validity");
}

TEST_F(SignerCrlTest, RefusesToForgetWhatWasRevoked) {
    expect_denied("leaves out", before(RevocationReason::kKeyCompromise));
    revoked = {{{2}, kNow - kDay, RevocationReason::kCertificateHold}};
    expect_denied("on hold", before(RevocationReason::kKeyCompromise));
    revoked = {{{2}, kNow - kDay, RevocationReason::kSuperseded}};
    EXPECT_TRUE(judge(before(RevocationReason::kKeyCompromise)));
}

TEST_F(SignerCrlTest, ForgetsWhatHasExpired) {
    expiry_of_2 = kNow - 1;
    EXPECT_TRUE(judge(before(RevocationReason::kKeyCompromise)));
    expiry_of_2 = std::nullopt;  // not signed here: when it has expired for certain
    expect_denied("leaves out", before(RevocationReason::kKeyCompromise));
    EXPECT_TRUE(judge(before(RevocationReason::kKeyCompromise, kNow - 365 * kDay)));
}

TEST_F(SignerCrlTest, RefusesAWeakDigestAndAnotherKindOfKey) {
    const auto weak = judge_crl(tbs(contents, {}, ec_key(), Digest::kSha1), {}, {}, rules);
    ASSERT_FALSE(weak);
    EXPECT_EQ(weak.error().code, Errc::kDenied);
    const auto rsa = judge_crl(tbs(contents, {}, rsa_key()), {}, {}, rules);
    ASSERT_FALSE(rsa);
    EXPECT_EQ(rsa.error().code, Errc::kDenied);
}

TEST_F(SignerCrlTest, SignsNothingElseWithTheCrlKey) {
    certs::CertificateContents made;
    made.serial = {1};
    made.issuer_der = issuer;
    made.subject_der = issuer;
    made.not_before = kNow;
    made.not_after = kNow + kDay;
    made.spki = to_bytes(ec_key().public_key().spki());
    made.extensions = {certs::basic_constraints_extension(true)};
    const auto certificate = certs::build_certificate(made, ec_key(), Digest::kSha256).value();
    const auto parts = certs::read_signed_structure(certificate.der(), "certificate").value();
    EXPECT_FALSE(judge_crl(parts.to_be_signed, {}, {}, rules));
    EXPECT_FALSE(judge_crl(Bytes(32, 7), {}, {}, rules));
    EXPECT_FALSE(judge_crl({}, {}, {}, rules));
    Bytes longer = tbs(contents);
    longer.push_back(0);
    EXPECT_FALSE(judge_crl(longer, {}, {}, rules));
}

}  // namespace
}  // namespace scepgate::server::signer
