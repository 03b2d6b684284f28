// Which certificate of a GetCACert answer plays which part, and which are refused.
#include <gtest/gtest.h>

#include "scep/ca_info.hpp"
#include "tests/scep/support/ra_pki.hpp"

namespace scepgate::scep::this_file {
namespace {

using certs::Certificate;
using testing::kNow;
using testing::kYear;
using testing::make_certificate;
using testing::pki;
using testing::RaPki;

Result<CaCertificates> parse(const std::vector<Certificate>& bundle) {
    return parse_ca_certificates(ra_certificates(bundle).body, kNow);
}

void expect_refused(const std::vector<Certificate>& bundle, Errc code) {
    const auto parsed = parse(bundle);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code, code) << parsed.error().detail;
}

TEST(ClientCaCertificatesTest, R_A05_ASingleCaHasAllParts) {
    const auto parsed = parse_ca_certificates(ca_certificate(pki().root).body, kNow);
    ASSERT_TRUE(parsed) << parsed.error().detail;
    EXPECT_EQ(parsed->ca, pki().root);
    EXPECT_EQ(parsed->signing, pki().root);
    EXPECT_EQ(parsed->encryption, pki().root);
    EXPECT_EQ(parsed->chain, std::vector{pki().root});
}

TEST(ClientCaCertificatesTest, R_K05_ASingleCaInAListIsTheSame) {
    const auto parsed = parse({pki().ca});
    ASSERT_TRUE(parsed) << parsed.error().detail;
    EXPECT_EQ(parsed->encryption, pki().ca);
}

TEST(ClientCaCertificatesTest, R_O09_RasGetTheirPartsByKeyUsageInWhateverOrder) {
    std::vector<Certificate> bundle{pki().signing, pki().encryption, pki().ca, pki().root};
    for (std::size_t turn = 0; turn < bundle.size(); ++turn) {
        std::rotate(bundle.begin(), bundle.begin() + 1, bundle.end());
        const auto parsed = parse(bundle);
        ASSERT_TRUE(parsed) << parsed.error().detail;
        EXPECT_EQ(parsed->ca, pki().ca);
        EXPECT_EQ(parsed->signing, pki().signing);
        EXPECT_EQ(parsed->encryption, pki().encryption);
        EXPECT_EQ(parsed->chain, (std::vector{pki().ca, pki().root}));
    }
}

TEST(ClientCaCertificatesTest, OneRaForBothIsTaken) {
    for (const testing::Usage& usage :
         {testing::Usage{},
          testing::Usage{certs::KeyUsage{certs::KeyUsageBit::kDigitalSignature,
                                         certs::KeyUsageBit::kKeyEncipherment}}}) {
        const Certificate both = RaPki::ra({.subject = "CN=RA", .usage = usage}, testing::ra_key());
        const auto parsed = parse({both, pki().ca});
        ASSERT_TRUE(parsed) << parsed.error().detail;
        EXPECT_EQ(parsed->signing, both);
        EXPECT_EQ(parsed->encryption, both);
        EXPECT_EQ(parsed->ca, pki().ca);
    }
}

TEST(ClientCaCertificatesTest, WhatNoRaDoesTheCaDoes) {
    const auto signs = parse({pki().signing, pki().ca});
    ASSERT_TRUE(signs);
    EXPECT_EQ(signs->signing, pki().signing);
    EXPECT_EQ(signs->encryption, pki().ca);
    const auto deciphers = parse({pki().encryption, pki().ca});
    ASSERT_TRUE(deciphers);
    EXPECT_EQ(deciphers->signing, pki().ca);
    EXPECT_EQ(deciphers->encryption, pki().encryption);
}

TEST(ClientCaCertificatesTest, WithoutRaTheIssuingCaIsTheLowest) {
    for (const auto& bundle :
         {std::vector{pki().ca, pki().root}, std::vector{pki().root, pki().ca}}) {
        const auto parsed = parse(bundle);
        ASSERT_TRUE(parsed) << parsed.error().detail;
        EXPECT_EQ(parsed->ca, pki().ca);
        EXPECT_EQ(parsed->chain, (std::vector{pki().ca, pki().root}));
    }
}

TEST(ClientCaCertificatesTest, R_A08_RefusesAnRaThatNoCaSigned) {
    const Certificate foreign =
        make_certificate({.subject = "CN=RA", .usage = testing::kSigns},
                         testing::attacker_key().public_key(), "CN=CA", testing::attacker_key());
    expect_refused({foreign, pki().ca}, Errc::kBadSignature);
    expect_refused({pki().signing, foreign, pki().ca}, Errc::kBadSignature);
    const Certificate self_signed =
        make_certificate({.subject = "CN=RA", .usage = testing::kSigns},
                         testing::attacker_key().public_key(), "CN=RA", testing::attacker_key());
    expect_refused({pki().encryption, self_signed, pki().ca}, Errc::kBadSignature);
}

TEST(ClientCaCertificatesTest, R_A08_RefusesAnRaOfAnotherCaInTheBundle) {
    const Certificate by_root =
        make_certificate({.subject = "CN=RA", .usage = testing::kSigns},
                         testing::ra_key().public_key(), "CN=Root", testing::root_key());
    expect_refused({pki().encryption, by_root, pki().ca, pki().root}, Errc::kBadSignature);
}

certs::ExtendedKeyUsage usages(std::initializer_list<ByteView> oids) {
    certs::ExtendedKeyUsage all;
    for (const ByteView oid : oids)
        all.push_back(to_bytes(oid));
    return all;
}

Certificate with_usages(const certs::ExtendedKeyUsage& extended) {
    const certs::KeyUsage both{certs::KeyUsageBit::kDigitalSignature,
                               certs::KeyUsageBit::kKeyEncipherment};
    return RaPki::ra({.subject = "CN=leaf", .usage = both, .extended = extended},
                     testing::ra_key());
}

TEST(ClientCaCertificatesTest, R_A08_RefusesADevicesCertificateAsRa) {
    for (const auto& extended :
         {usages({certs::oid::kEkuClientAuth}),
          usages({certs::oid::kEkuServerAuth, certs::oid::kEkuClientAuth})}) {
        const Certificate device = with_usages(extended);
        expect_refused({device, pki().ca}, Errc::kDenied);
        expect_refused({pki().signing, pki().encryption, device, pki().ca}, Errc::kDenied);
    }
}

TEST(ClientCaCertificatesTest, TakesTheExtendedKeyUsagesOfRas) {
    for (const auto& extended :
         {usages({certs::oid::kEkuCmcRa}), usages({certs::oid::kEkuEnrollmentAgent}),
          usages({certs::oid::kEkuAny}),
          usages({certs::oid::kEkuClientAuth, certs::oid::kEkuCmcRa})}) {
        const Certificate ra = with_usages(extended);
        const auto parsed = parse({ra, pki().ca});
        ASSERT_TRUE(parsed) << parsed.error().detail;
        EXPECT_EQ(parsed->signing, ra);
        EXPECT_EQ(parsed->encryption, ra);
    }
}

TEST(ClientCaCertificatesTest, R_A08_RefusesWhatIsNotValidNow) {
    for (const auto& [from, until] :
         {std::pair{kNow - kYear, kNow - 1}, std::pair{kNow + 1, kNow + kYear}}) {
        const Certificate ra = RaPki::ra(
            {.subject = "CN=RA", .usage = testing::kSigns, .not_before = from, .not_after = until},
            testing::ra_key());
        expect_refused({ra, pki().encryption, pki().ca}, Errc::kDenied);
        const Certificate ca = make_certificate(
            {.subject = "CN=CA", .ca = true, .usage = {}, .not_before = from, .not_after = until},
            testing::ca_key().public_key(), "CN=Root", testing::root_key());
        expect_refused({pki().signing, pki().encryption, ca, pki().root}, Errc::kDenied);
        expect_refused({ca}, Errc::kDenied);
    }
}

TEST(ClientCaCertificatesTest, AnExpiredRaBesideItsSuccessorIsPassedOver) {
    const Certificate old = RaPki::ra({.subject = "CN=RA",
                                       .usage = testing::kSigns,
                                       .not_before = kNow - kYear,
                                       .not_after = kNow - 1},
                                      testing::ra_key());
    const auto parsed = parse({old, pki().signing, pki().encryption, pki().ca});
    ASSERT_TRUE(parsed) << parsed.error().detail;
    EXPECT_EQ(parsed->signing, pki().signing);
}

TEST(ClientCaCertificatesTest, AChainStopsAtAMissingOrForeignRoot) {
    EXPECT_EQ(parse({pki().signing, pki().ca}).value().chain, std::vector{pki().ca});
    const Certificate impostor =
        make_certificate({.subject = "CN=Root", .ca = true, .usage = {}},
                         testing::attacker_key().public_key(), "CN=Root", testing::attacker_key());
    EXPECT_EQ(parse({pki().signing, pki().ca, impostor}).value().chain, std::vector{pki().ca});
}

TEST(ClientCaCertificatesTest, RefusesTwoCasThatCouldBothIssue) {
    const Certificate other =
        make_certificate({.subject = "CN=Other", .ca = true, .usage = {}},
                         testing::attacker_key().public_key(), "CN=Other", testing::attacker_key());
    expect_refused({pki().ca, other}, Errc::kMalformed);
}

TEST(ClientCaCertificatesTest, RefusesABundleWithoutCa) {
    expect_refused({pki().signing}, Errc::kMalformed);
    expect_refused({}, Errc::kMalformed);
    EXPECT_FALSE(parse_ca_certificates(pki().signing.der(), kNow));
}

TEST(ClientCaCertificatesTest, R_K05_RefusesWhatIsNeitherCertificateNorList) {
    Bytes trailing = to_bytes(pki().root.der());
    trailing.push_back(0);
    for (const Bytes& body : {Bytes(), to_bytes(as_bytes("<html>not found</html>")), trailing}) {
        const auto parsed = parse_ca_certificates(body, kNow);
        ASSERT_FALSE(parsed);
        EXPECT_EQ(parsed.error().code, Errc::kMalformed);
    }
}

}  // namespace
}  // namespace scepgate::scep::this_file
