// CRLs: what is made is what OpenSSL reads, and what is not a sound complete CRL is refused.
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "certs/certificate_builder.hpp"
#include "certs/crl_builder.hpp"
#include "certs/oids.hpp"
#include "tests/certs/support/key_fixtures.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::ec_key;
using testing::rsa_key;
using X509CrlPtr = std::unique_ptr<X509_CRL, Deleter<X509_CRL_free>>;

constexpr std::int64_t kNow = 1'795'000'000;

CrlContents contents() {
    CrlContents made;
    made.issuer_der = to_bytes(Name::from_text("CN=Test CA,O=Example").value().der());
    made.authority_key_identifier = rsa_key().public_key().key_identifier();
    made.number = 300;
    made.this_update = kNow;
    made.next_update = kNow + 7 * 86400;
    return made;
}

Result<Crl> build_crl(const CrlContents& all, const std::vector<RevokedCertificate>& revoked = {},
                      const PrivateKey& signer = rsa_key()) {
    CrlBuilder builder(all);
    for (const RevokedCertificate& one : revoked) {
        if (const auto added = builder.add(one); !added) return added.error();
    }
    return std::move(builder).sign(signer, Digest::kSha256);
}

const std::vector<RevokedCertificate>& three_revoked() {
    static const std::vector<RevokedCertificate> all = {
        {{0x80, 0x01}, kNow - 100, RevocationReason::kKeyCompromise},
        {{0x05}, kNow - 200, RevocationReason::kUnspecified},
        {Bytes(16, 0x7F), kNow - 300, RevocationReason::kCertificateHold},
    };
    return all;
}

X509CrlPtr to_ossl(const Crl& crl) {
    const unsigned char* at = crl.der().data();
    return X509CrlPtr(d2i_X509_CRL(nullptr, &at, static_cast<long>(crl.der().size())));
}

TEST(CrlTest, ReadsWhatItMade) {
    const Crl crl = build_crl(contents(), three_revoked()).value();
    EXPECT_TRUE(equal(crl.issuer_der(), contents().issuer_der));
    EXPECT_EQ(crl.this_update(), kNow);
    EXPECT_EQ(crl.next_update(), kNow + 7 * 86400);
    EXPECT_EQ(to_hex(crl.number()), "012c");
    EXPECT_TRUE(equal(*crl.authority_key_identifier(), contents().authority_key_identifier));
    ASSERT_EQ(crl.entries().size(), 3U);
    const Bytes with_sign_octet{0x00, 0x80, 0x01};
    const auto found = crl.find(with_sign_octet);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->revoked_at, kNow - 100);
    EXPECT_EQ(found->reason, RevocationReason::kKeyCompromise);
    EXPECT_EQ(crl.find(Bytes{0x05})->reason, RevocationReason::kUnspecified);
    EXPECT_EQ(crl.find(Bytes(16, 0x7F))->reason, RevocationReason::kCertificateHold);
    EXPECT_FALSE(crl.find(Bytes{0x06}));
    EXPECT_FALSE(crl.find({}));
}

TEST(CrlTest, KnowsWhoSignedIt) {
    for (const PrivateKey* signer : {&rsa_key(), &ec_key()}) {
        const Crl crl = build_crl(contents(), {}, *signer).value();
        EXPECT_TRUE(crl.signed_by(signer->public_key()));
        EXPECT_FALSE(crl.signed_by((signer == &ec_key() ? rsa_key() : ec_key()).public_key()));
        Bytes altered = to_bytes(crl.der());
        altered.back() ^= 1;
        const auto read = Crl::from_der(altered);
        EXPECT_FALSE(read && read->signed_by(signer->public_key()));
    }
    EXPECT_FALSE(Crl().signed_by(rsa_key().public_key()));
}

TEST(CrlTest, IsVerifiedAndReadByOpenssl) {
    for (const PrivateKey* signer : {&rsa_key(), &ec_key()}) {
        const Crl crl = build_crl(contents(), three_revoked(), *signer).value();
        const X509CrlPtr other = to_ossl(crl);
        ASSERT_NE(other, nullptr);
        EXPECT_EQ(X509_CRL_verify(other.get(), signer->public_key().evp()), 1);
        EXPECT_EQ(X509_CRL_get_version(other.get()), X509_CRL_VERSION_2);
        EXPECT_EQ(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(other.get())), 3);
        X509_REVOKED* revoked = nullptr;
        const std::unique_ptr<ASN1_INTEGER, Deleter<ASN1_INTEGER_free>> serial(ASN1_INTEGER_new());
        ASN1_INTEGER_set_uint64(serial.get(), 0x8001);
        ASSERT_EQ(X509_CRL_get0_by_serial(other.get(), &revoked, serial.get()), 1);
        int critical = 0;
        const std::unique_ptr<ASN1_ENUMERATED, Deleter<ASN1_ENUMERATED_free>> reason(
            static_cast<ASN1_ENUMERATED*>(
                X509_REVOKED_get_ext_d2i(revoked, NID_crl_reason, &critical, nullptr)));
        ASSERT_NE(reason, nullptr);
        EXPECT_EQ(ASN1_ENUMERATED_get(reason.get()), 1);
        const std::unique_ptr<ASN1_INTEGER, Deleter<ASN1_INTEGER_free>> number(
            static_cast<ASN1_INTEGER*>(
                X509_CRL_get_ext_d2i(other.get(), NID_crl_number, &critical, nullptr)));
        ASSERT_NE(number, nullptr);
        EXPECT_EQ(ASN1_INTEGER_get(number.get()), 300);
        EXPECT_EQ(critical, 0);
    }
}

TEST(CrlTest, LeavesAnEmptyListOut) {
    const Crl crl = build_crl(contents()).value();
    EXPECT_TRUE(crl.entries().empty());
    EXPECT_EQ(X509_CRL_get_REVOKED(to_ossl(crl).get()), nullptr) << "RFC 5280 section 5.1.2.6";
}

TEST(CrlTest, MakesNoneThatIsNotSound) {
    EXPECT_FALSE(build_crl(contents(), {{{0x05}, kNow}, {{0x07}, kNow}, {{0x00, 0x05}, kNow}}))
        << "a serial number twice";
    EXPECT_FALSE(build_crl(contents(), {{{0x05}, kNow}, {{0x05}, kNow}}));
    EXPECT_FALSE(build_crl(contents(), {{{}, kNow}}));
    EXPECT_FALSE(build_crl(contents(), {{{0x00}, kNow}}));
    EXPECT_FALSE(build_crl(contents(), {{{0x05}, std::int64_t{1} << 60}}));
    EXPECT_FALSE(build_crl(contents(), {{{0x05}, kNow, RevocationReason::kRemoveFromCrl}}))
        << "removeFromCRL is for delta CRLs";
    auto bad = contents();
    bad.number = 0;
    EXPECT_FALSE(build_crl(bad));
    bad = contents();
    bad.next_update = bad.this_update - 1;
    EXPECT_FALSE(build_crl(bad));
    bad.next_update = std::int64_t{1} << 60;
    EXPECT_FALSE(build_crl(bad));
    bad = contents();
    bad.issuer_der = {};
    EXPECT_FALSE(build_crl(bad));
    bad = contents();
    bad.issuer_der.push_back(0x05);  // would shift what follows
    EXPECT_FALSE(build_crl(bad));
}

/// A CRL from its parts; every part a test does not name is that of a sound one.
struct RawCrl {
    Bytes version = der::integer(1);
    Bytes inner_algorithm = signature_identifier({KeyType::kRsa, Digest::kSha256});
    Bytes issuer = contents().issuer_der;
    Bytes this_update = der::time(kNow);
    Bytes next_update = der::time(kNow + 86400);
    Bytes entries = {};
    Bytes extensions = {};  ///< Extensions, without its tag [0]
    Bytes trailing = {};

    [[nodiscard]] Result<Crl> read(CrlScope scope = CrlScope::kComplete) const {
        const Bytes wrapped =
            extensions.empty() ? Bytes{} : der::element(context_constructed(0), extensions);
        const Bytes tbs = der::sequence(
            {version, inner_algorithm, issuer, this_update, next_update, entries, wrapped});
        Bytes all = der::sequence({tbs, signature_identifier({KeyType::kRsa, Digest::kSha256}),
                                   der::bit_string(Bytes(256, 1))});
        all.insert(all.end(), trailing.begin(), trailing.end());
        return Crl::from_der(all, scope);
    }
};

Bytes entry(const Bytes& serial, const Bytes& extensions = {}) {
    return der::sequence({der::element(DerTag::kInteger, serial), der::time(kNow), extensions});
}

TEST(CrlTest, RefusesWhatIsNotACrlInDer) {
    EXPECT_TRUE(RawCrl{}.read());
    EXPECT_FALSE(Crl::from_der(ByteView()));
    EXPECT_FALSE(RawCrl{.trailing = {0x00}}.read());
    EXPECT_FALSE(RawCrl{.version = {}}.read()) << "version 1";
    EXPECT_FALSE(RawCrl{.version = der::integer(2)}.read());
    EXPECT_FALSE(RawCrl{.next_update = {}}.read());
    EXPECT_FALSE(
        RawCrl{.inner_algorithm = signature_identifier({KeyType::kRsa, Digest::kSha512})}.read());
    EXPECT_FALSE(RawCrl{.entries = der::sequence({entry({0x00, 0x05})})}.read()) << "padded";
    EXPECT_FALSE(RawCrl{.entries = der::sequence({entry({0x85})})}.read()) << "negative";
    EXPECT_FALSE(RawCrl{.entries = der::sequence({entry({})})}.read());
    EXPECT_FALSE(RawCrl{.entries = der::sequence({entry({5}), entry({5})})}.read());
    EXPECT_TRUE(RawCrl{.entries = der::sequence({entry({5}), entry({4})})}.read());
}

TEST(CrlTest, RefusesAnUnknownCriticalExtension) {
    const auto with = [](bool critical) {
        const oid::Octets<3> unknown{0x55, 0x1D, 0x63};
        const Bytes extension = encode_extension(unknown, critical, der::sequence({}));
        return RawCrl{.extensions = der::sequence({extension})}.read();
    };
    EXPECT_FALSE(with(true));
    EXPECT_TRUE(with(false));
}

TEST(CrlTest, RefusesEntriesThatMeanSomethingElse) {
    const auto with = [](ByteView oid, bool critical, const Bytes& value) {
        const Bytes extensions = der::sequence({encode_extension(oid, critical, value)});
        return RawCrl{.entries = der::sequence({entry({5}, extensions)})}.read();
    };
    const auto reason = [](std::uint8_t number) {
        return der::element(DerTag::kEnumerated, {&number, 1});
    };
    EXPECT_EQ(with(oid::kReasonCode, false, reason(1))->find(Bytes{5})->reason,
              RevocationReason::kKeyCompromise);
    EXPECT_FALSE(with(oid::kReasonCode, false, reason(7)));
    EXPECT_FALSE(with(oid::kReasonCode, false, reason(8))) << "removeFromCRL";
    EXPECT_FALSE(with(oid::kReasonCode, false, der::integer(1)));
    EXPECT_FALSE(with(oid::kCertificateIssuer, true, der::sequence({})));
    EXPECT_FALSE(with(oid::kCertificateIssuer, false, der::sequence({}))) << "an indirect CRL";
}

TEST(CrlTest, GivesEntriesInTheOrderOfTheirSerialNumbers) {
    // Also numbers that agree in length and in many leading octets.
    Bytes low(16, 0x7F);
    Bytes high = low;
    high.back() = 0x80;
    const std::vector<RevokedCertificate> revoked = {
        {high, kNow - 1}, {{0x01, 0x00}, kNow - 2}, {low, kNow - 3}, {{0x7F}, kNow - 4}};
    const Crl crl = build_crl(contents(), revoked).value();
    std::vector<std::int64_t> order;
    for (const Crl::Entry entry : crl.entries())
        order.push_back(kNow - entry.revoked_at);
    EXPECT_EQ(order, (std::vector<std::int64_t>{4, 2, 3, 1}));
    for (const RevokedCertificate& one : revoked)
        EXPECT_EQ(crl.find(one.serial)->revoked_at, one.revoked_at);
}

TEST(CrlTest, HasRoomForManyEntriesAnnouncedOrNot) {
    constexpr std::size_t kMany = 20'000;  // more than a length of two octets can say
    Bytes first;
    for (const std::size_t expected : {std::size_t{0}, kMany}) {
        CrlBuilder builder(contents(), expected);
        for (std::size_t i = 0; i < kMany; ++i) {
            const Bytes serial{0x01, static_cast<std::uint8_t>(i >> 8U),
                               static_cast<std::uint8_t>(i)};
            ASSERT_TRUE(builder.add({serial, kNow, RevocationReason::kSuperseded}));
        }
        EXPECT_EQ(builder.size(), kMany);
        const Crl crl = std::move(builder).sign(rsa_key(), Digest::kSha256).value();
        EXPECT_EQ(crl.entries().size(), kMany);
        EXPECT_TRUE(crl.find(Bytes{0x01, 0x4E, 0x1F}));
        EXPECT_FALSE(crl.find(Bytes{0x01, 0x4E, 0x20}));
        EXPECT_EQ(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(to_ossl(crl).get())), int{kMany});
        if (first.empty()) first = to_bytes(crl.der());
        EXPECT_TRUE(equal(crl.der(), first));
    }
}

TEST(CrlTest, GivesOutNoSignatureThatDoesNotVerify) {
    class Faulty final : public KeyOperations {
    public:
        Result<Bytes> sign(Digest digest, ByteView data) const override {
            auto signature = rsa_key().sign(digest, data);
            signature->back() ^= 1;
            return signature;
        }
    };
    const auto key =
        PrivateKey::from_operations(rsa_key().public_key(), std::make_shared<Faulty>());
    const auto made = build_crl(contents(), three_revoked(), key);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::kUnavailable);
}

TEST(CrlTest, RefusesEveryTruncation) {
    const Crl crl = build_crl(contents(), three_revoked(), ec_key()).value();
    for (std::size_t size = 0; size < crl.der().size(); ++size)
        EXPECT_FALSE(Crl::from_der(crl.der().first(size))) << size;
}

TEST(CrlTest, WritesPem) {
    const Crl crl = build_crl(contents(), {}, ec_key()).value();
    const std::string pem = crl.pem();
    const BioPtr memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const X509CrlPtr read(PEM_read_bio_X509_CRL(memory.get(), nullptr, nullptr, nullptr));
    ASSERT_NE(read, nullptr);
    EXPECT_EQ(i2d_X509_CRL(read.get(), nullptr), static_cast<int>(crl.der().size()));
}

TEST(RevocationReasonTest, IsReadByName) {
    for (std::int64_t number = 0; number <= 10; ++number) {
        const auto reason = revocation_reason_from_number(number);
        EXPECT_EQ(bool(reason), number != 7);
        if (reason) {
            EXPECT_EQ(revocation_reason_from_text(to_text(*reason)).value(), *reason);
        }
    }
    EXPECT_EQ(revocation_reason_from_text("KEYCOMPROMISE").value(),
              RevocationReason::kKeyCompromise);
    const auto unknown = revocation_reason_from_text("bored");
    ASSERT_FALSE(unknown);
    EXPECT_NE(unknown.error().detail.find("superseded"), std::string::npos);
}

}  // namespace
}  // namespace scepgate::certs::this_file
