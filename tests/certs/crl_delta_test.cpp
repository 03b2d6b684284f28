// Delta CRLs, issuing distribution points, freshest CRLs and invalidity dates (RFC 5280 section 5).
#include <gtest/gtest.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "certs/ca_oids.hpp"
#include "certs/crl_builder.hpp"
#include "certs/name.hpp"
#include "certs/oids.hpp"
#include "tests/certs/support/key_fixtures.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::rsa_key;
using X509CrlPtr = std::unique_ptr<X509_CRL, Deleter<X509_CRL_free>>;

constexpr std::int64_t kNow = 1'795'000'000;
const std::string kUrl = "http://pki.example/lab.crl";

CrlContents contents() {
    CrlContents made;
    made.issuer_der = to_bytes(Name::from_text("CN=Test CA").value().der());
    made.authority_key_identifier = rsa_key().public_key().key_identifier();
    made.number = 300;
    made.this_update = kNow;
    made.next_update = kNow + 86400;
    return made;
}

CrlContents delta() {
    CrlContents made = contents();
    made.base_number = 256;
    return made;
}

Result<Crl> build(const CrlContents& all, const std::vector<RevokedCertificate>& revoked = {}) {
    CrlBuilder builder(all);
    for (const RevokedCertificate& one : revoked) {
        if (const auto added = builder.add(one); !added) return added.error();
    }
    return std::move(builder).sign(rsa_key(), Digest::kSha256);
}

X509CrlPtr to_ossl(const Crl& crl) {
    const unsigned char* at = crl.der().data();
    return X509CrlPtr(d2i_X509_CRL(nullptr, &at, static_cast<long>(crl.der().size())));
}

/// The extension as OpenSSL decodes it, and whether it is critical (-1: it is not there).
template <class T, auto Free>
struct OsslExtension {
    OsslExtension(const X509CrlPtr& crl, int nid)
        : value(static_cast<T*>(X509_CRL_get_ext_d2i(crl.get(), nid, &critical, nullptr))) {}
    int critical = 0;
    std::unique_ptr<T, Deleter<Free>> value;
};

TEST(DeltaCrlTest, SaysWhatItIsADeltaTo) {
    const Crl crl = build(delta(), {{{0x05}, kNow - 1, RevocationReason::kRemoveFromCrl}}).value();
    EXPECT_EQ(to_hex(crl.base_number().value()), "0100");
    EXPECT_EQ(to_hex(crl.number()), "012c");
    EXPECT_FALSE(crl.is_complete());
    EXPECT_EQ(crl.find(Bytes{0x05})->reason, RevocationReason::kRemoveFromCrl);
    const OsslExtension<ASN1_INTEGER, ASN1_INTEGER_free> base(to_ossl(crl), NID_delta_crl);
    ASSERT_TRUE(base.value);
    EXPECT_EQ(ASN1_INTEGER_get(base.value.get()), 256);
    EXPECT_EQ(base.critical, 1);
}

TEST(DeltaCrlTest, IsNotTakenForACompleteOne) {
    const Crl crl = build(delta()).value();
    const auto taken = Crl::from_der(crl.der());
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, Errc::kUnsupported);
    EXPECT_TRUE(Crl::from_der(crl.der(), CrlScope::kAny));
}

TEST(DeltaCrlTest, IsBuiltOnALowerNumberOnly) {
    auto bad = delta();
    for (const std::int64_t base : {std::int64_t{0}, std::int64_t{-1}, bad.number}) {
        bad.base_number = base;
        EXPECT_FALSE(build(bad)) << base;
    }
}

TEST(DeltaCrlTest, NamesNoFreshestCrl) {
    auto bad = delta();
    bad.freshest_crl_urls = {kUrl};
    EXPECT_FALSE(build(bad));
}

TEST(CrlExtensionTest, NamesWhereItsDeltasAre) {
    auto with = contents();
    with.freshest_crl_urls = {kUrl, "http://other.example/d.crl"};
    const Crl crl = build(with).value();
    EXPECT_EQ(crl.freshest_crl_urls(), with.freshest_crl_urls);
    EXPECT_TRUE(crl.is_complete());
    const OsslExtension<CRL_DIST_POINTS, CRL_DIST_POINTS_free> points(to_ossl(crl),
                                                                      NID_freshest_crl);
    ASSERT_TRUE(points.value);
    EXPECT_EQ(points.critical, 0);
    ASSERT_EQ(sk_DIST_POINT_num(points.value.get()), 1);
    const auto* names = sk_DIST_POINT_value(points.value.get(), 0)->distpoint->name.fullname;
    ASSERT_EQ(sk_GENERAL_NAME_num(names), 2);
    EXPECT_EQ(sk_GENERAL_NAME_value(names, 0)->type, GEN_URI);
}

TEST(CrlExtensionTest, NamesWhereItIsPublishedAndIsCompleteStill) {
    auto with = contents();
    with.issuing_distribution_point = IssuingDistributionPoint{{kUrl}};
    const Crl crl = build(with).value();
    EXPECT_EQ(crl.issuing_distribution_point(), with.issuing_distribution_point);
    EXPECT_TRUE(Crl::from_der(crl.der()));
    const OsslExtension<ISSUING_DIST_POINT, ISSUING_DIST_POINT_free> point(
        to_ossl(crl), NID_issuing_distribution_point);
    ASSERT_TRUE(point.value);
    EXPECT_EQ(point.critical, 1);
    EXPECT_EQ(sk_GENERAL_NAME_num(point.value->distpoint->name.fullname), 1);
    EXPECT_LE(point.value->onlyuser, 0);
}

TEST(CrlExtensionTest, OfSomeCertificatesAloneIsNotTakenForACompleteOne) {
    for (const bool user : {true, false}) {
        auto with = contents();
        with.issuing_distribution_point = IssuingDistributionPoint{{}, user, !user};
        const Crl crl = build(with).value();
        EXPECT_EQ(crl.issuing_distribution_point(), with.issuing_distribution_point);
        const auto taken = Crl::from_der(crl.der());
        ASSERT_FALSE(taken);
        EXPECT_EQ(taken.error().code, Errc::kUnsupported);
        const OsslExtension<ISSUING_DIST_POINT, ISSUING_DIST_POINT_free> point(
            to_ossl(crl), NID_issuing_distribution_point);
        ASSERT_TRUE(point.value);
        EXPECT_EQ(point.value->onlyuser > 0, user);
        EXPECT_EQ(point.value->onlyCA > 0, !user);
    }
}

TEST(CrlExtensionTest, MakesNoIssuingDistributionPointThatSaysNothing) {
    auto bad = contents();
    bad.issuing_distribution_point = IssuingDistributionPoint{};
    EXPECT_FALSE(build(bad)) << "RFC 5280 section 5.2.5 forbids an empty one";
    bad.issuing_distribution_point = IssuingDistributionPoint{{}, true, true};
    EXPECT_FALSE(build(bad));
    bad.issuing_distribution_point = IssuingDistributionPoint{{"no uri"}};
    EXPECT_FALSE(build(bad));
}

TEST(CrlExtensionTest, ReadsIssuingDistributionPointsOfOthers) {
    const auto read = [](std::initializer_list<Bytes> fields) {
        Bytes all;
        for (const Bytes& field : fields)
            all.insert(all.end(), field.begin(), field.end());
        return parse_issuing_distribution_point(der::element(DerTag::kSequence, all));
    };
    const auto flag = [](unsigned number, std::uint8_t octet) {
        return der::element(context_primitive(number), {&octet, 1});
    };
    const auto name = [](unsigned form, const Bytes& names) {
        return der::element(context_constructed(0), der::element(context_constructed(form), names));
    };
    const Bytes directory = der::element(context_constructed(4), contents().issuer_der);
    const Bytes uri = der::element(context_primitive(6), as_bytes(kUrl));
    EXPECT_EQ(read({name(0, der::concat({directory, uri}))})->uris, std::vector{kUrl});
    EXPECT_TRUE(read({flag(1, 0)})->covers_all()) << "an explicit FALSE says nothing";
    EXPECT_FALSE(read({flag(1, 1)})) << "TRUE is FF";
    EXPECT_FALSE(read({flag(2, 0xFF), flag(1, 0xFF)})) << "out of order";
    EXPECT_FALSE(read({flag(1, 0xFF), flag(2, 0xFF)})) << "it would cover nothing";
    EXPECT_FALSE(read({name(2, uri)}));
    EXPECT_FALSE(read({name(0, der::element(context_primitive(6), Bytes{0x68, 0x0A}))}));
    const auto unsupported = [](const auto& result) {
        return !result && result.error().code == Errc::kUnsupported;
    };
    EXPECT_TRUE(unsupported(read({name(1, uri)})));
    EXPECT_TRUE(unsupported(read({flag(3, 0x00)}))) << "onlySomeReasons";
    EXPECT_TRUE(unsupported(read({flag(4, 0xFF)}))) << "indirectCRL";
    EXPECT_TRUE(unsupported(read({flag(5, 0xFF)}))) << "attribute certificates";
}

TEST(CrlExtensionTest, ReadsDistributionPointsOfOthers) {
    const Bytes uri = der::element(context_primitive(6), as_bytes(kUrl));
    const Bytes full =
        der::element(context_constructed(0), der::element(context_constructed(0), uri));
    const Bytes relative =
        der::element(context_constructed(0), der::element(context_constructed(1), Bytes{}));
    const Bytes issuer = der::element(context_constructed(2), contents().issuer_der);
    const auto points = parse_distribution_points(
        der::sequence({der::sequence({full}), der::sequence({issuer}), der::sequence({relative}),
                       der::sequence({full, issuer})}));
    ASSERT_TRUE(points) << points.error().detail;
    EXPECT_EQ(*points, (std::vector{kUrl, kUrl}));
    EXPECT_FALSE(parse_distribution_points(full));
    EXPECT_FALSE(parse_distribution_points(der::sequence({full})));
}

TEST(CrlEntryTest, TellsSinceWhenTheKeyIsSuspect) {
    const std::int64_t suspected = kNow - 86400;
    const Crl crl = build(contents(), {{{0x05}, kNow, RevocationReason::kKeyCompromise, suspected},
                                       {{0x06}, kNow, RevocationReason::kUnspecified, suspected},
                                       {{0x07}, kNow, RevocationReason::kSuperseded}})
                        .value();
    EXPECT_EQ(crl.find(Bytes{0x05})->invalidity_date, suspected);
    EXPECT_EQ(crl.find(Bytes{0x05})->reason, RevocationReason::kKeyCompromise);
    EXPECT_EQ(crl.find(Bytes{0x06})->invalidity_date, suspected);
    EXPECT_FALSE(crl.find(Bytes{0x07})->invalidity_date);
    const X509CrlPtr other = to_ossl(crl);
    X509_REVOKED* revoked = nullptr;
    const std::unique_ptr<ASN1_INTEGER, Deleter<ASN1_INTEGER_free>> serial(ASN1_INTEGER_new());
    ASN1_INTEGER_set_uint64(serial.get(), 5);
    ASSERT_EQ(X509_CRL_get0_by_serial(other.get(), &revoked, serial.get()), 1);
    int critical = 0;
    const std::unique_ptr<ASN1_GENERALIZEDTIME, Deleter<ASN1_GENERALIZEDTIME_free>> date(
        static_cast<ASN1_GENERALIZEDTIME*>(
            X509_REVOKED_get_ext_d2i(revoked, NID_invalidity_date, &critical, nullptr)));
    ASSERT_TRUE(date);
    EXPECT_EQ(ASN1_TIME_cmp_time_t(date.get(), suspected), 0);
    EXPECT_EQ(critical, 0);
}

}  // namespace
}  // namespace scepgate::certs::this_file
