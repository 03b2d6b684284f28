#include "certs/oids.hpp"

#include <gtest/gtest.h>

namespace scepgate::certs::this_file {
namespace {

TEST(OidsTest, EveryConstantIsWhatItsStandardSays) {
    const std::pair<ByteView, const char*> table[] = {
        {oid::kCommonName, "2.5.4.3"},
        {oid::kSurname, "2.5.4.4"},
        {oid::kSerialNumber, "2.5.4.5"},
        {oid::kCountryName, "2.5.4.6"},
        {oid::kLocalityName, "2.5.4.7"},
        {oid::kStateOrProvinceName, "2.5.4.8"},
        {oid::kStreetAddress, "2.5.4.9"},
        {oid::kOrganizationName, "2.5.4.10"},
        {oid::kOrganizationalUnitName, "2.5.4.11"},
        {oid::kTitle, "2.5.4.12"},
        {oid::kGivenName, "2.5.4.42"},
        {oid::kEmailAddress, "1.2.840.113549.1.9.1"},
        {oid::kUnstructuredName, "1.2.840.113549.1.9.2"},
        {oid::kUnstructuredAddress, "1.2.840.113549.1.9.8"},
        {oid::kDomainComponent, "0.9.2342.19200300.100.1.25"},
        {oid::kUserId, "0.9.2342.19200300.100.1.1"},
        {oid::kChallengePassword, "1.2.840.113549.1.9.7"},
        {oid::kExtensionRequest, "1.2.840.113549.1.9.14"},
        {oid::kMicrosoftExtensionRequest, "1.3.6.1.4.1.311.2.1.14"},
        {oid::kVeriSignExtensionRequest, "2.16.840.1.113733.1.9.8"},
        {oid::kSubjectKeyIdentifier, "2.5.29.14"},
        {oid::kKeyUsage, "2.5.29.15"},
        {oid::kSubjectAltName, "2.5.29.17"},
        {oid::kBasicConstraints, "2.5.29.19"},
        {oid::kCrlDistributionPoints, "2.5.29.31"},
        {oid::kAuthorityKeyIdentifier, "2.5.29.35"},
        {oid::kExtKeyUsage, "2.5.29.37"},
        {oid::kAuthorityInfoAccess, "1.3.6.1.5.5.7.1.1"},
        {oid::kAdOcsp, "1.3.6.1.5.5.7.48.1"},
        {oid::kAdCaIssuers, "1.3.6.1.5.5.7.48.2"},
        {oid::kUserPrincipalName, "1.3.6.1.4.1.311.20.2.3"},
        {oid::kNtdsCaSecurity, "1.3.6.1.4.1.311.25.2"},
        {oid::kNtdsObjectSid, "1.3.6.1.4.1.311.25.2.1"},
        {oid::kEkuAny, "2.5.29.37.0"},
        {oid::kEkuServerAuth, "1.3.6.1.5.5.7.3.1"},
        {oid::kEkuClientAuth, "1.3.6.1.5.5.7.3.2"},
        {oid::kEkuCodeSigning, "1.3.6.1.5.5.7.3.3"},
        {oid::kEkuEmailProtection, "1.3.6.1.5.5.7.3.4"},
        {oid::kEkuIpsecIke, "1.3.6.1.5.5.7.3.17"},
        {oid::kEkuTimeStamping, "1.3.6.1.5.5.7.3.8"},
        {oid::kEkuOcspSigning, "1.3.6.1.5.5.7.3.9"},
        {oid::kEkuCmcRa, "1.3.6.1.5.5.7.3.28"},
        {oid::kEkuSmartcardLogon, "1.3.6.1.4.1.311.20.2.2"},
        {oid::kEkuEnrollmentAgent, "1.3.6.1.4.1.311.20.2.1"},
        {oid::kRsaEncryption, "1.2.840.113549.1.1.1"},
        {oid::kMd5WithRsa, "1.2.840.113549.1.1.4"},
        {oid::kSha1WithRsa, "1.2.840.113549.1.1.5"},
        {oid::kRsaesOaep, "1.2.840.113549.1.1.7"},
        {oid::kMgf1, "1.2.840.113549.1.1.8"},
        {oid::kPSpecified, "1.2.840.113549.1.1.9"},
        {oid::kRsassaPss, "1.2.840.113549.1.1.10"},
        {oid::kSha256WithRsa, "1.2.840.113549.1.1.11"},
        {oid::kSha384WithRsa, "1.2.840.113549.1.1.12"},
        {oid::kSha512WithRsa, "1.2.840.113549.1.1.13"},
        {oid::kEcPublicKey, "1.2.840.10045.2.1"},
        {oid::kP256, "1.2.840.10045.3.1.7"},
        {oid::kP384, "1.3.132.0.34"},
        {oid::kP521, "1.3.132.0.35"},
        {oid::kEcdsaWithSha1, "1.2.840.10045.4.1"},
        {oid::kEcdsaWithSha256, "1.2.840.10045.4.3.2"},
        {oid::kEcdsaWithSha384, "1.2.840.10045.4.3.3"},
        {oid::kEcdsaWithSha512, "1.2.840.10045.4.3.4"},
        {oid::kMd5, "1.2.840.113549.2.5"},
        {oid::kSha1, "1.3.14.3.2.26"},
        {oid::kSha256, "2.16.840.1.101.3.4.2.1"},
        {oid::kSha384, "2.16.840.1.101.3.4.2.2"},
        {oid::kSha512, "2.16.840.1.101.3.4.2.3"},
        {oid::kDesCbc, "1.3.14.3.2.7"},
        {oid::kDesEde3Cbc, "1.2.840.113549.3.7"},
        {oid::kAes128Cbc, "2.16.840.1.101.3.4.1.2"},
        {oid::kAes192Cbc, "2.16.840.1.101.3.4.1.22"},
        {oid::kAes256Cbc, "2.16.840.1.101.3.4.1.42"},
        {oid::kAes256Gcm, "2.16.840.1.101.3.4.1.46"},
        {oid::kAes128Wrap, "2.16.840.1.101.3.4.1.5"},
        {oid::kAes256Wrap, "2.16.840.1.101.3.4.1.45"},
        {oid::kStdDhSha256Kdf, "1.3.132.1.11.1"},
        {oid::kData, "1.2.840.113549.1.7.1"},
        {oid::kSignedData, "1.2.840.113549.1.7.2"},
        {oid::kEnvelopedData, "1.2.840.113549.1.7.3"},
        {oid::kAuthEnvelopedData, "1.2.840.113549.1.9.16.1.23"},
        {oid::kContentType, "1.2.840.113549.1.9.3"},
        {oid::kMessageDigest, "1.2.840.113549.1.9.4"},
        {oid::kSigningTime, "1.2.840.113549.1.9.5"},
        {oid::kMessageType, "2.16.840.1.113733.1.9.2"},
        {oid::kPkiStatus, "2.16.840.1.113733.1.9.3"},
        {oid::kFailInfo, "2.16.840.1.113733.1.9.4"},
        {oid::kSenderNonce, "2.16.840.1.113733.1.9.5"},
        {oid::kRecipientNonce, "2.16.840.1.113733.1.9.6"},
        {oid::kTransactionId, "2.16.840.1.113733.1.9.7"},
        {oid::kFailInfoText, "1.3.6.1.5.5.7.24.1"},
    };
    for (const auto& [octets, text] : table) {
        EXPECT_EQ(oid_to_text(octets), text);
        EXPECT_EQ(to_hex(oid_from_text(text).value()), to_hex(octets)) << text;
        EXPECT_TRUE(is_oid(octets)) << text;
    }
}

TEST(OidsTest, TextRoundTripsAtTheEdges) {
    for (const char* text :
         {"0.0", "0.39", "1.0", "1.39", "2.0", "2.39", "2.40", "2.47", "2.48", "2.999.3", "1.2.127",
          "1.2.128", "1.2.16384", "2.25.340282366920938463463374607431768211455",
          "2.340282366920938463463374607431768211375"}) {
        const auto content = oid_from_text(text);
        ASSERT_TRUE(content) << text;
        EXPECT_EQ(oid_to_text(*content), text);
    }
    EXPECT_EQ(to_hex(*oid_from_text("2.999.3")), "883703");
}

TEST(OidsTest, RefusesTextThatIsNoOid) {
    for (const char* text : {"",
                             ".",
                             "1",
                             "1.",
                             ".1",
                             "1..2",
                             "3.1",
                             "0.40",
                             "1.40",
                             "1.2.",
                             "01.2",
                             "1.02",
                             "1.2.-3",
                             "1.2.+3",
                             "1.2. 3",
                             "1.2.a",
                             "1,2",
                             "commonName",
                             "2.340282366920938463463374607431768211376",
                             "2.25.340282366920938463463374607431768211456"}) {
        const auto result = oid_from_text(text);
        ASSERT_FALSE(result) << text;
        EXPECT_EQ(result.error().code, Errc::kMalformed) << text;
    }
}

TEST(OidsTest, RefusesContentThatIsNoOid) {
    for (const Bytes& content : {Bytes{}, Bytes{0x80}, Bytes{0x2A, 0x80}, Bytes{0x2A, 0x80, 0x01},
                                 Bytes{0x80, 0x01}, Bytes{0x2A, 0x86}}) {
        EXPECT_FALSE(is_oid(content)) << to_hex(content);
        EXPECT_EQ(oid_to_text(content), "(not an OID)");
    }
}

TEST(OidsTest, LongTextIsCut) {
    const auto ends_in_dots = [](const std::string& text) {
        return text.size() <= 128 && text.ends_with("...");
    };
    Bytes many_arcs(1000, 0x01);
    EXPECT_TRUE(ends_in_dots(oid_to_text(many_arcs)));
    Bytes one_long_arc(1000, 0x81);
    one_long_arc.back() = 0x01;
    EXPECT_TRUE(ends_in_dots(oid_to_text(one_long_arc)));
    // 127 characters fit, 129 do not.
    EXPECT_EQ(oid_to_text(Bytes(63, 0x01)).size(), 127U);
    EXPECT_EQ(oid_to_text(Bytes(64, 0x01)).size(), 128U);
}

}  // namespace
}  // namespace scepgate::certs::this_file
