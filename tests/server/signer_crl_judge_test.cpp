#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "certs/crl_builder.hpp"
#include "certs/name.hpp"
#include "certs/signed_structure.hpp"
#include "server/signer/crl_judge.hpp"
#include "tests/certs/support/key_fixtures.hpp"

namespace scepgate::server::signer::this_file {
namespace {

using certs::CrlContents;
using certs::Digest;
using certs::RevocationReason;
using certs::testing::ec_key;
using certs::testing::rsa_key;

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::int64_t kDay = 86'400;

class SignerCrlTest : public ::testing::Test {
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
        rules.urls = {{"http://a.example/c", "http://b.example/c"}, {"http://a.example/d"}};
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

    /// As the signer judges it, with this on record.
    Result<CrlChanges> judge(std::vector<RevocationOnRecord> on_record = {}) {
        judged = judge_crl(tbs(contents, revoked), rules);
        if (!judged) return judged.error();
        std::size_t at = 0;
        return compare_with_records(
            *judged,
            [&]() -> Result<std::optional<RevocationOnRecord>> {
                if (at == on_record.size()) return std::optional<RevocationOnRecord>();
                return std::optional(on_record[at++]);
            },
            rules);
    }

    void expect_denied(std::string_view why, std::vector<RevocationOnRecord> on_record = {}) {
        const auto outcome = judge(std::move(on_record));
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().code, Errc::kDenied) << outcome.error().detail;
        EXPECT_NE(outcome.error().detail.find(why), std::string::npos) << outcome.error().detail;
    }

    static RevocationOnRecord for_ever(std::uint8_t serial, std::int64_t number = 6,
                                       std::int64_t revoked_at = kNow - kDay) {
        return {{serial}, revoked_at, number, false};
    }
    static RevocationOnRecord on_hold(std::uint8_t serial, std::int64_t number = 6) {
        return {{serial}, kNow - kDay, number, true};
    }
    static certs::RevokedCertificate entry(std::uint8_t serial, RevocationReason reason) {
        return {{serial}, kNow - kDay, reason};
    }
    static std::vector<std::string> serials(const CrlChanges& changes) {
        std::vector<std::string> all;
        for (const auto& each : changes.revoked)
            all.push_back("+" + to_hex(each.serial));
        for (const Bytes& each : changes.released)
            all.push_back("-" + to_hex(each));
        return all;
    }

    Result<JudgedCrl> judged;
    Bytes key_identifier = Bytes(20, 1);
    Bytes issuer = certs::Name::from_text("CN=Test CA").value().der();
    CrlContents contents;
    Revoked revoked;
    CrlRules rules;
    std::optional<std::int64_t> expiry_of_2 = kNow + 100 * kDay;
};

TEST_F(SignerCrlTest, TakesTheNextOneAndSaysWhatChanges) {
    revoked = {entry(5, RevocationReason::kSuperseded)};
    const auto changes = judge({on_hold(2)});
    ASSERT_TRUE(changes) << changes.error().detail;
    EXPECT_EQ(judged->digest, Digest::kSha256);
    EXPECT_EQ(judged->number, 7);
    EXPECT_EQ(serials(*changes), (std::vector<std::string>{"+05", "-02"}));
}

TEST_F(SignerCrlTest, ComparesNumbersOfAnyLength) {
    const auto reason = RevocationReason::kSuperseded;
    revoked = {{{0x02, 0x00}, kNow, reason}, {{0xFF}, kNow, reason}, {{0x03}, kNow, reason}};
    const auto same = judge({for_ever(0x03), for_ever(0xFF), {{0x02, 0x00}, kNow, 6, false}});
    ASSERT_TRUE(same) << same.error().detail;
    EXPECT_TRUE(serials(*same).empty());
}

TEST_F(SignerCrlTest, RefusesANumberThatNoStoreOfOursCounts) {
    EXPECT_EQ(crl_number(Bytes(8, 0x7F)).value(), 0x7F7F7F7F7F7F7F7F);
    EXPECT_FALSE(crl_number(Bytes(8, 0x80)));
    EXPECT_FALSE(crl_number({}));
}

TEST_F(SignerCrlTest, RefusesANumberThatLeavesTheNextOnesNoRoom) {
    const auto follows = [this](std::int64_t number, std::optional<std::int64_t> last) {
        contents.number = number;
        const auto crl = judge_crl(tbs(contents), rules).value();
        const auto outcome = judge_number(crl, last, rules);
        EXPECT_TRUE(outcome || outcome.error().code == Errc::kDenied);
        return bool(outcome);
    };
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t kAhead = 1'000'000;
    EXPECT_TRUE(follows(kNow + 600 + kAhead, kNow));
    EXPECT_FALSE(follows(kNow + 601 + kAhead, kNow));
    EXPECT_FALSE(follows(std::int64_t{1} << 62, kNow));
    EXPECT_FALSE(follows(std::int64_t{1} << 62, 1));
    constexpr std::int64_t kElsewhere = 20'260'101'000'000;
    EXPECT_TRUE(follows(kElsewhere + kAhead, kElsewhere)) << "after another program's";
    EXPECT_FALSE(follows(kElsewhere + kAhead + 1, kElsewhere));
    EXPECT_TRUE(follows(kElsewhere, std::nullopt)) << "the first sets the number";
    EXPECT_TRUE(follows(kMost, kMost - 1)) << "nothing overflows";
}

TEST_F(SignerCrlTest, RefusesASerialNumberThatNoCertificateHas) {
    const auto reason = RevocationReason::kSuperseded;
    revoked = {{Bytes(20, 0xFF), kNow, reason}};
    EXPECT_TRUE(judge());
    revoked = {{Bytes(21, 0x01), kNow, reason}};
    expect_denied("over 20 octets");
    Bytes octets = tbs(contents, {{{0x77}, kNow, reason}});
    const Bytes serial{0x02, 0x01, 0x77};
    const auto at = std::search(octets.begin(), octets.end(), serial.begin(), serial.end());
    ASSERT_NE(at, octets.end());
    at[2] = 0;
    const auto none = judge_crl(octets, rules);
    ASSERT_TRUE(none) << none.error().detail;
    const auto refused = compare_with_records(
        *none, [] { return std::optional<RevocationOnRecord>(); }, rules);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kDenied);
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
    contents.this_update = kNow - ca_backend::kCrlBackdate - 601;
    expect_denied("thisUpdate");
    contents.this_update = kNow;
    contents.next_update = kNow + 32 * kDay;
    expect_denied("crl_validity");
    // As servers make them, also with a clock that is a little late.
    contents.this_update = kNow - ca_backend::kCrlBackdate - 30;
    contents.next_update = kNow - 30 + 31 * kDay;
    EXPECT_TRUE(judge());
    contents.next_update += 1;
    expect_denied("crl_validity");
}

TEST_F(SignerCrlTest, RefusesToForgetWhatWasRevoked) {
    expect_denied("leaves out", {for_ever(2)});
    revoked = {entry(2, RevocationReason::kCertificateHold)};
    expect_denied("on hold", {for_ever(2)});
    revoked = {entry(2, RevocationReason::kSuperseded)};
    EXPECT_TRUE(serials(judge({for_ever(2)}).value()).empty());
    EXPECT_EQ(serials(judge({on_hold(2)}).value()), std::vector<std::string>{"+02"})
        << "from now on it is for ever";
}

TEST_F(SignerCrlTest, RefusesToRevokeAtATimeThatIsStillToCome) {
    const auto at = [](std::int64_t time) {
        return Revoked{{{5}, time, RevocationReason::kSuperseded}};
    };
    revoked = at(kNow + 600);
    EXPECT_TRUE(judge()) << "clocks differ";
    revoked = at(kNow + 601);
    expect_denied("revokes certificate 05 at 2027");
    expect_denied("revokes certificate 05 at 2027", {for_ever(5)});
    expect_denied("revokes certificate 05 at 2027", {on_hold(5)});
}

TEST_F(SignerCrlTest, SaysOnceThatTheKeyOfARevokedCertificateIsCompromised) {
    revoked = {entry(5, RevocationReason::kKeyCompromise)};
    auto known = for_ever(5);
    EXPECT_EQ(serials(judge({known}).value()), std::vector<std::string>{"+05"});
    known.compromised = true;
    EXPECT_TRUE(serials(judge({known}).value()).empty());
}

TEST_F(SignerCrlTest, ForgetsWhatHasExpired) {
    expiry_of_2 = kNow - 1;
    EXPECT_EQ(serials(judge({for_ever(2)}).value()), std::vector<std::string>{"-02"});
    expiry_of_2 = std::nullopt;  // not signed here: when it has expired for certain
    expect_denied("leaves out", {for_ever(2)});
    EXPECT_TRUE(judge({for_ever(2, 6, kNow - 365 * kDay)}));
}

TEST_F(SignerCrlTest, AsksOfADeltaWhatWasRevokedSinceItsBase) {
    contents.base_number = 5;
    EXPECT_TRUE(serials(judge({for_ever(2, 5)}).value()).empty()) << "the base has it";
    expect_denied("leaves out", {for_ever(2, 6)});
    expiry_of_2 = kNow - 1;
    EXPECT_EQ(serials(judge({for_ever(2, 6)}).value()), std::vector<std::string>{"-02"});
    revoked = {entry(2, RevocationReason::kSuperseded), entry(9, RevocationReason::kSuperseded)};
    EXPECT_EQ(serials(judge({for_ever(2, 6)}).value()), std::vector<std::string>{"+09"});
    EXPECT_EQ(judged->base, 5);
}

TEST_F(SignerCrlTest, LetsADeltaTakeBackAHoldAndNothingElse) {
    contents.base_number = 5;
    revoked = {entry(2, RevocationReason::kRemoveFromCrl)};
    EXPECT_EQ(serials(judge({on_hold(2, 5)}).value()), std::vector<std::string>{"-02"});
    EXPECT_TRUE(serials(judge().value()).empty()) << "said once more; it is off the record";
    expect_denied("takes back", {for_ever(2, 5)});
    revoked = {};
    EXPECT_EQ(serials(judge({on_hold(2, 6)}).value()), std::vector<std::string>{"-02"})
        << "held since the base, and not any more";
    EXPECT_TRUE(serials(judge({on_hold(2, 5)}).value()).empty()) << "the base has it on hold";
}

TEST_F(SignerCrlTest, TakesACrlThatNamesWhereItIsButNoneOfSomeCertificatesAlone) {
    contents.issuing_distribution_point = certs::IssuingDistributionPoint{rules.urls.complete};
    contents.freshest_crl_urls = rules.urls.freshest;
    EXPECT_TRUE(judge());
    contents.issuing_distribution_point->only_user_certificates = true;
    expect_denied("some certificates");
}

TEST_F(SignerCrlTest, RefusesToNameAnotherPlaceThanItsCertificatesDo) {
    contents.freshest_crl_urls = {"http://other.example/d"};
    expect_denied("freshest_crl_urls");
    contents.freshest_crl_urls = {};
    contents.issuing_distribution_point = certs::IssuingDistributionPoint{{"http://a.example/c"}};
    expect_denied("crl_urls");
}

TEST_F(SignerCrlTest, PassesOnThatTheRecordsCannotBeRead) {
    const auto crl = judge_crl(tbs(contents), rules).value();
    const auto failed = compare_with_records(
        crl,
        []() -> Result<std::optional<RevocationOnRecord>> {
            return Error{Errc::kUnavailable, "disk"};
        },
        rules);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::kUnavailable);
}

TEST_F(SignerCrlTest, RefusesAWeakDigestAndAnotherKindOfKey) {
    const auto weak = judge_crl(tbs(contents, {}, ec_key(), Digest::kSha1), rules);
    ASSERT_FALSE(weak);
    EXPECT_EQ(weak.error().code, Errc::kDenied);
    const auto rsa = judge_crl(tbs(contents, {}, rsa_key()), rules);
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
    EXPECT_FALSE(judge_crl(parts.to_be_signed, rules));
    EXPECT_FALSE(judge_crl(Bytes(32, 7), rules));
    EXPECT_FALSE(judge_crl({}, rules));
    Bytes longer = tbs(contents);
    longer.push_back(0);
    EXPECT_FALSE(judge_crl(longer, rules));
}

}  // namespace
}  // namespace scepgate::server::signer::this_file
