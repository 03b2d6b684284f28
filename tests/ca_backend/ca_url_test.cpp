#include "ca_backend/ca_url.hpp"

#include <gtest/gtest.h>

#include "ca_backend/ca_name.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

CaUrlNames contoso() {
    return {.dns_name = "ca01.corp.contoso.com",
            .ca_name = "Contoso Issuing CA",
            .config_dn = "CN=Configuration,DC=corp,DC=contoso,DC=com"};
}

std::string expand(std::string_view url, const CaUrlNames& names = contoso()) {
    const auto expanded = expand_ca_url(url, names);
    return expanded ? *expanded : "refused: " + expanded.error().detail;
}

// The example of MS-WCCE section 1.3.2.5.
TEST(CaNameTest, ReplacesWhatAFileNameCannotHoldAsMicrosoftSays) {
    EXPECT_EQ(sanitized_ca_name("LongCAName(WithSpeci@#$%^Characters"),
              "LongCAName!0028WithSpeci@!0023$!0025!005eCharacters");
    EXPECT_EQ(sanitized_ca_name("Müller & Co"), "M!00fcller !0026 Co");
    EXPECT_EQ(sanitized_ca_name("\xF0\x9F\x94\x91"), "!d83d!dd11") << "two UTF-16 code units";
    EXPECT_EQ(sanitized_ca_name("a\x7F\xFF"), "a!007f!00ff") << "not UTF-8: octet by octet";
}

TEST(CaNameTest, TruncatesALongNameToFiftyOneCharactersAndAHash) {
    const std::string kept(51, 'a');
    EXPECT_EQ(truncated_ca_name(kept), kept);
    EXPECT_EQ(truncated_ca_name(kept + "a"), kept + "-00097") << "the hash of one character";
    EXPECT_EQ(truncated_ca_name(kept + "ab"), kept + "-00292") << "2 * 97 + 98";
    EXPECT_EQ(truncated_ca_name(kept + std::string(13, 'z')).size(), 57U);
}

TEST(CaNameTest, RotatesTheHashLeft) {
    // 126 * (2^10 - 1) is 63362 in 16 bits; one bit has come round.
    EXPECT_EQ(truncated_ca_name(std::string(61, '~')), std::string(51, '~') + "-63363");
}

TEST(CaNameTest, CutsAReplacementWholeWhenItDoesNotFit) {
    EXPECT_EQ(truncated_ca_name(std::string(46, 'a') + "#"), std::string(46, 'a') + "!0023");
    EXPECT_EQ(truncated_ca_name(std::string(48, 'a') + "#"), std::string(48, 'a') + "-01255")
        << "the hash of \"!0023\"";
}

TEST(CaUrlTest, ExpandsTheDefaultsOfAdcs) {
    EXPECT_EQ(expand("http://%1/CertEnroll/%1_%3%4.crt"),
              "http://ca01.corp.contoso.com/CertEnroll/"
              "ca01.corp.contoso.com_Contoso%20Issuing%20CA.crt");
    EXPECT_EQ(expand("ldap:///CN=%7%8,CN=%2,CN=CDP,CN=Public Key Services,CN=Services,%6%10"),
              "ldap:///CN=Contoso%20Issuing%20CA,CN=CA01,CN=CDP,CN=Public%20Key%20Services,"
              "CN=Services,CN=Configuration,DC=corp,DC=contoso,DC=com"
              "?certificateRevocationList?base?objectClass=cRLDistributionPoint");
    EXPECT_EQ(expand("ldap:///CN=%7,CN=AIA,%6%11"),
              "ldap:///CN=Contoso%20Issuing%20CA,CN=AIA,"
              "CN=Configuration,DC=corp,DC=contoso,DC=com"
              "?cACertificate?base?objectClass=certificationAuthority");
}

TEST(CaUrlTest, ExpandsBracketedNamesInAnyCase) {
    EXPECT_EQ(expand("http://<ServerDNSName>/<caname><CRLNameSuffix><DeltaCRLAllowed>.crl"),
              expand("http://%1/%3%8%9.crl"));
    EXPECT_EQ(expand("<ServerShortName><CATruncatedName><CertificateName>"), expand("%2%7%4"));
    EXPECT_EQ(expand("<ConfigurationContainer><CDPObjectClass><CAObjectClass>"),
              expand("%6%10%11"));
}

TEST(CaUrlTest, TellsRenewedCertificatesAndKeysAndDeltasApart) {
    CaUrlNames names = contoso();
    EXPECT_EQ(expand("%4|%8|%9", names), "%7C%7C");
    names.certificate_index = 3;
    names.key_index = 2;
    names.delta = true;
    EXPECT_EQ(expand("x%4-%8%9.crl", names), "x(3)-(2)+.crl");
}

TEST(CaUrlTest, KeepsPercentEncodingThatIsNoVariable) {
    EXPECT_EQ(expand("http://a/Lab%20CA%5b%C3%A9.crl"), "http://a/Lab%20CA%5b%C3%A9.crl");
}

TEST(CaUrlTest, EncodesWhatAUrlCannotHold) {
    EXPECT_EQ(expand("http://a/ü \"x\""), "http://a/%C3%BC%20%22x%22");
}

TEST(CaUrlTest, RefusesWhatCanBeReadTwoWays) {
    const auto refused = expand_ca_url("http://a/%3d.crl", contoso());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kConfig);
    EXPECT_NE(refused.error().detail.find("<CaName>"), std::string::npos);
}

TEST(CaUrlTest, RefusesUnknownVariables) {
    for (const char* url : {"%5", "%12", "%19", "%0", "%", "%x", "%g0", "<Unknown>", "<CaName"}) {
        const auto refused = expand_ca_url(url, contoso());
        ASSERT_FALSE(refused) << url;
        EXPECT_EQ(refused.error().code, Errc::kConfig) << url;
    }
}

TEST(CaUrlTest, RefusesAVariableWithoutItsValueAndSaysWhatIsMissing) {
    const CaUrlNames none;
    EXPECT_EQ(expand("http://%1/", none), "refused: %1 <ServerDNSName> needs the CA's dns_name");
    EXPECT_EQ(expand("%6", none), "refused: %6 <ConfigurationContainer> needs the CA's config_dn");
    EXPECT_EQ(expand("%3", none),
              "refused: %3 <CaName> needs a common name in the CA's certificate");
}

TEST(CaUrlTest, NamesFilesWithoutEncoding) {
    CaUrlNames names = contoso();
    names.delta = true;
    EXPECT_EQ(expand_ca_file_name("%3%8%9.crl", names).value(), "Contoso Issuing CA+.crl");
}

TEST(CaUrlTest, RefusesWhatIsNoNameOfOneFile) {
    for (const char* name : {"", "a/b", "..", "a%20b"})
        EXPECT_FALSE(expand_ca_file_name(name, contoso())) << name;
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
