// What a request's extension request asks for, and what of it is refused.
#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "certs/csr.hpp"
#include "certs/oids.hpp"
#include "tests/certs/support/raw_csr.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::extension_list;
using testing::raw_attribute;
using testing::RawCsr;

Bytes dns_names(std::string_view name) {
    return subject_alt_name_extension({GeneralName::make(GeneralNameType::kDns, name).value()},
                                      false);
}

Result<Csr> read(std::vector<Bytes> attributes) {
    RawCsr csr;
    csr.attributes = std::move(attributes);
    return Csr::from_der(csr.build());
}

const ByteView kSpellings[] = {oid::kExtensionRequest, oid::kMicrosoftExtensionRequest,
                               oid::kVeriSignExtensionRequest};

TEST(CsrExtensionsTest, N10_EachSpellingOfTheExtensionRequestCounts) {
    for (const ByteView spelling : kSpellings) {
        const auto csr = read({raw_attribute(spelling, {extension_list({dns_names("a")})})});
        ASSERT_TRUE(csr) << csr.error().detail;
        EXPECT_EQ(to_text(csr->requested().subject_alt_name), "dns:a") << oid_to_text(spelling);
    }
}

TEST(CsrExtensionsTest, N10_TwoOfThemAreRefusedInAnySpelling) {
    const Bytes good = extension_list({dns_names("good")});
    const Bytes evil = extension_list({dns_names("evil")});
    for (const ByteView first : kSpellings) {
        for (const ByteView second : kSpellings) {
            const auto csr = read({raw_attribute(first, {good}), raw_attribute(second, {evil})});
            ASSERT_FALSE(csr) << oid_to_text(first) << ", " << oid_to_text(second);
            EXPECT_EQ(csr.error().code, Errc::kDenied);
        }
        const auto two_values = read({raw_attribute(first, {good, evil})});
        ASSERT_FALSE(two_values);
        EXPECT_EQ(two_values.error().code, Errc::kDenied);
        // The second one may be empty: still two.
        EXPECT_FALSE(read({raw_attribute(first, {good, extension_list({})})}));
    }
}

TEST(CsrExtensionsTest, N10_AnExtensionTwiceInOneListIsRefused) {
    const auto csr = Csr::from_der(RawCsr::with_extensions({dns_names("a"), dns_names("b")}));
    ASSERT_FALSE(csr);
    EXPECT_EQ(csr.error().code, Errc::kDenied);
}

TEST(CsrExtensionsTest, N11_CaFlagIsOnlyReported) {
    const auto csr = Csr::from_der(RawCsr::with_extensions(
        {basic_constraints_extension(true, 0), key_usage_extension({KeyUsageBit::kKeyCertSign})}));
    ASSERT_TRUE(csr) << csr.error().detail;
    EXPECT_TRUE(csr->requested().ca);
    EXPECT_TRUE(csr->requested().key_usage.value().has(KeyUsageBit::kKeyCertSign));
    EXPECT_FALSE(Csr::from_der(RawCsr::with_extensions({basic_constraints_extension(false)}))
                     ->requested()
                     .ca);
}

TEST(CsrExtensionsTest, N11_OtherExtensionsAreListedByOid) {
    const Bytes template_name = oid_from_text("1.3.6.1.4.1.311.20.2").value();
    const auto csr = Csr::from_der(RawCsr::with_extensions(
        {encode_extension(template_name, true, der::null()),
         encode_extension(oid::kAuthorityInfoAccess, false, Bytes{0xFF, 0xFF}), dns_names("a")}));
    ASSERT_TRUE(csr) << csr.error().detail;
    EXPECT_EQ(csr->requested().others,
              (std::vector<std::string>{"1.3.6.1.4.1.311.20.2", "1.3.6.1.5.5.7.1.1"}));
}

TEST(CsrExtensionsTest, N09_ReadsTheSid) {
    const auto csr = Csr::from_der(RawCsr::with_extensions({encode_extension(
        oid::kNtdsCaSecurity, false, encode_sid_extension("S-1-5-21-1-2-3-500"))}));
    ASSERT_TRUE(csr) << csr.error().detail;
    EXPECT_EQ(csr->requested().sid, "S-1-5-21-1-2-3-500");
}

TEST(CsrExtensionsTest, WhatCannotBeReadFailsTheRequestAndIsNamed) {
    const Bytes bad_ip = der::sequence({der::element(context_primitive(7), Bytes(5, 1))});
    const Bytes directory_name =
        der::sequence({der::element(context_constructed(4), Bytes{0x30, 0x00})});
    const struct {
        Bytes extension;
        const char* what;
    } rows[] = {
        {encode_extension(oid::kSubjectAltName, false, bad_ip), "subject alternative name"},
        {encode_extension(oid::kSubjectAltName, false, der::sequence({})),
         "subject alternative name"},
        {encode_extension(oid::kSubjectAltName, false, directory_name), "directoryName"},
        {encode_extension(oid::kKeyUsage, true, der::null()), "key usage"},
        {encode_extension(oid::kExtKeyUsage, false, der::sequence({})), "extended key usage"},
        {encode_extension(oid::kBasicConstraints, true, der::null()), "basic constraints"},
        {encode_extension(oid::kNtdsCaSecurity, false, der::sequence({})), "SID"},
    };
    for (const auto& row : rows) {
        const auto csr = Csr::from_der(RawCsr::with_extensions({row.extension}));
        ASSERT_FALSE(csr) << row.what;
        EXPECT_EQ(csr.error().code, Errc::kDenied);
        EXPECT_NE(csr.error().detail.find(row.what), std::string::npos) << csr.error().detail;
    }
}

TEST(CsrExtensionsTest, TheValueIsExtensionsAndNothingElse) {
    for (const Bytes& value : {der::null(), der::octet_string(extension_list({dns_names("a")})),
                               der::set({dns_names("a")})}) {
        EXPECT_FALSE(read({raw_attribute(oid::kExtensionRequest, {value})}));
    }
}

}  // namespace
}  // namespace scepgate::certs::this_file
