#include "scep/ca_info.hpp"

#include <gtest/gtest.h>

#include "tests/certs/support/ossl_cms.hpp"
#include "tests/scep/support/ra_pki.hpp"

namespace scepgate::scep::this_file {
namespace {

using testing::pki;

std::string capabilities_text(const Capabilities& capabilities) {
    const StaticReply reply = ca_capabilities(capabilities);
    EXPECT_EQ(reply.content_type, "text/plain");
    return std::string(as_text(reply.body));
}

TEST(CaInfoTest, R_D01_ListsEverythingExplicitlyOneWordALine) {
    EXPECT_EQ(capabilities_text({.algorithms = {}, .renewal = true, .next_ca = true}),
              "AES\nDES3\nSHA-1\nSHA-256\nSHA-384\nSHA-512\nPOSTPKIOperation\nRenewal\n"
              "SCEPStandard\nGetNextCACert\n");
}

TEST(CaInfoTest, R_D03_ListsOnlyWhatWorks) {
    AlgorithmRules strict;
    strict.sha1 = false;
    strict.des3 = false;
    EXPECT_EQ(capabilities_text({.algorithms = strict}),
              "AES\nSHA-256\nSHA-384\nSHA-512\nPOSTPKIOperation\nSCEPStandard\n");
}

TEST(CaInfoTest, R_A23_SingleDesIsNeverListed) {
    AlgorithmRules lax;
    lax.des = true;
    EXPECT_EQ(capabilities_text({.algorithms = lax}), capabilities_text({}));
}

TEST(CaInfoTest, R_E09_OneCaCertificateIsItsBareDer) {
    const StaticReply reply = ca_certificate(pki().ca);
    EXPECT_EQ(reply.content_type, "application/x-x509-ca-cert");
    EXPECT_TRUE(equal(reply.body, pki().ca.der()));
}

TEST(CaInfoTest, R_E10_TheBundleKeepsItsOrder) {
    const StaticReply reply =
        ra_certificates({pki().signing, pki().encryption, pki().ca, pki().root});
    EXPECT_EQ(reply.content_type, "application/x-x509-ca-ra-cert");
    const std::vector<Bytes> expected{to_bytes(pki().signing.der()),
                                      to_bytes(pki().encryption.der()), to_bytes(pki().ca.der()),
                                      to_bytes(pki().root.der())};
    const certs::testing::OsslCms cms(reply.body);
    EXPECT_EQ(cms.certificates(), expected);
    EXPECT_EQ(sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms.get())), 0);
    EXPECT_FALSE(cms.has_content());
}

TEST(CaInfoTest, R_E10_ACertificateInTwoRolesStandsOnce) {
    const StaticReply reply = ra_certificates({pki().signing, pki().signing, pki().ca});
    EXPECT_EQ(certs::testing::OsslCms(reply.body).certificates().size(), 2U);
}

TEST(CaInfoTest, R_E20_TheNextCaIsSignedNowByThePresentOne) {
    const auto reply = next_ca_certificates({pki().ca}, pki().signer(), testing::kNow);
    ASSERT_TRUE(reply) << reply.error().detail;
    const auto data = certs::parse_signed_data(reply->body);
    ASSERT_TRUE(data) << data.error().detail;
    ASSERT_EQ(data->signers.size(), 1U);
    EXPECT_TRUE(data->signers.front().signer.names(pki().signing));
    const auto time = data->signers.front().single_attribute(certs::oid::kSigningTime);
    ASSERT_TRUE(time) << time.error().detail;
    EXPECT_TRUE(equal(time->whole, certs::der::time(testing::kNow)));
}

}  // namespace
}  // namespace scepgate::scep::this_file
