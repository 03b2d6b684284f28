#include "certs/name.hpp"

#include <set>

#include <gtest/gtest.h>

#include "tests/certs/support/name_der.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::ava;
using testing::common_name;
using testing::name_of;
using namespace std::string_view_literals;

Name from_text(std::string_view text) {
    return Name::from_text(text).value();
}

struct Encoding {
    const char* name;
    DerTag tag;
    std::string_view octets;
    const char* utf8;  // nullptr: refused
};

const Encoding kEncodings[] = {
    {"Utf8", DerTag::kUtf8String, "Ger\xC3\xA4t \xE2\x82\xAC \xF0\x9F\x93\xB1",
     "Ger\xC3\xA4t \xE2\x82\xAC \xF0\x9F\x93\xB1"},
    {"Printable", DerTag::kPrintableString, "Device 7", "Device 7"},
    {"PrintableWithAtSignAndUnderscore", DerTag::kPrintableString, "a_b@c", "a_b@c"},
    {"Ia5", DerTag::kIa5String, "a@b", "a@b"},
    {"Numeric", DerTag::kNumericString, "123", "123"},
    {"T61AsLatin1", DerTag::kT61String, "Ger\xE4t", "Ger\xC3\xA4t"},
    {"Bmp", DerTag::kBmpString, "\0G\0\xE4\x20\xAC"sv, "G\xC3\xA4\xE2\x82\xAC"},
    {"Universal", DerTag::kUniversalString, "\0\0\0G\0\1\xF4\xF1"sv, "G\xF0\x9F\x93\xB1"},
    {"Empty", DerTag::kUtf8String, "", ""},
    {"NoBreakSpaceIsACharacterLikeOthers", DerTag::kUtf8String, "a\xC2\xA0z", "a\xC2\xA0z"},

    {"N03_Utf8Truncated", DerTag::kUtf8String, "a\xC3", nullptr},
    {"N03_Utf8LoneContinuation", DerTag::kUtf8String, "a\x80", nullptr},
    {"N03_Utf8BadContinuation", DerTag::kUtf8String, "\xC3(", nullptr},
    {"N03_Utf8OverlongTwo", DerTag::kUtf8String, "\xC1\xA1", nullptr},
    {"N03_Utf8OverlongThree", DerTag::kUtf8String, "\xE0\x81\xA1", nullptr},
    {"N03_Utf8OverlongFour", DerTag::kUtf8String, "\xF0\x80\x81\xA1", nullptr},
    {"N03_Utf8OverlongNul", DerTag::kUtf8String, "a\xC0\x80", nullptr},
    {"N03_Utf8Surrogate", DerTag::kUtf8String, "\xED\xA0\x80", nullptr},
    {"N03_Utf8OverTheLast", DerTag::kUtf8String, "\xF4\x90\x80\x80", nullptr},
    {"N03_Utf8FiveOctets", DerTag::kUtf8String, "\xF8\x88\x80\x80\x80", nullptr},
    {"N03_BmpOddLength", DerTag::kBmpString, "\0ab"sv, nullptr},
    {"N03_BmpSurrogate", DerTag::kBmpString, "\xD8\x3D"sv, nullptr},
    {"N03_BmpSurrogatePair", DerTag::kBmpString, "\xD8\x3D\xDC\xF1"sv, nullptr},
    {"N03_UniversalLength", DerTag::kUniversalString, "\0\0\0aa"sv, nullptr},
    {"N03_UniversalSurrogate", DerTag::kUniversalString, "\0\0\xD8\0"sv, nullptr},
    {"N03_UniversalOverTheLast", DerTag::kUniversalString, "\0\x11\0\0"sv, nullptr},
    {"N03_UniversalHighBit", DerTag::kUniversalString, "\x80\0\0a"sv, nullptr},
    {"N03_PrintableHighOctet", DerTag::kPrintableString, "\xE4", nullptr},
    {"N03_Ia5HighOctet", DerTag::kIa5String, "\xC3\xA4", nullptr},
    {"N03_VisibleStringThatOpensslCannotRead", DerTag::kVisibleString, "v", nullptr},
    {"N03_OctetString", DerTag::kOctetString, "abc", nullptr},
    {"N03_Integer", DerTag::kInteger, "\x07", nullptr},

    {"N04_NulInUtf8", DerTag::kUtf8String, "admin\0.x"sv, nullptr},
    {"N04_NulInPrintable", DerTag::kPrintableString, "admin\0"sv, nullptr},
    {"N04_NulInBmp", DerTag::kBmpString, "\0a\0\0"sv, nullptr},
    {"N04_NulInT61", DerTag::kT61String, "\0"sv, nullptr},
    {"N02_Tab", DerTag::kUtf8String, "a\tb", nullptr},
    {"N02_LineFeed", DerTag::kIa5String, "a\nb", nullptr},
    {"N02_Delete", DerTag::kUtf8String, "a\x7F", nullptr},
    {"N02_C1ControlInT61", DerTag::kT61String, "a\x85", nullptr},
    {"N02_RightToLeftOverride", DerTag::kUtf8String, "a\xE2\x80\xAE", nullptr},
    {"N02_Isolate", DerTag::kBmpString, "\x20\x66"sv, nullptr},
    {"N02_ArabicLetterMark", DerTag::kUtf8String, "\xD8\x9C", nullptr},
    {"N02_ZeroWidthSpace", DerTag::kUtf8String, "ad\xE2\x80\x8Bmin", nullptr},
    {"N02_ZeroWidthJoiner", DerTag::kUtf8String, "\xE2\x80\x8D", nullptr},
    {"N02_ByteOrderMark", DerTag::kUtf8String,
     "\xEF\xBB\xBF"
     "a",
     nullptr},
    {"N02_SoftHyphen", DerTag::kUtf8String, "ad\xC2\xADmin", nullptr},
    {"N02_LineSeparator", DerTag::kUtf8String, "\xE2\x80\xA8", nullptr},
    {"N02_Tag", DerTag::kUtf8String, "\xF3\xA0\x81\x81", nullptr},
    {"N02_Noncharacter", DerTag::kUtf8String, "\xEF\xBF\xBF", nullptr},
};

class NameEncodingTest : public ::testing::TestWithParam<Encoding> {};

INSTANTIATE_TEST_SUITE_P(Table, NameEncodingTest, ::testing::ValuesIn(kEncodings),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(NameEncodingTest, DecodesOrRefuses) {
    const Bytes der = common_name(GetParam().tag, GetParam().octets);
    const auto name = Name::from_der(der);
    if (GetParam().utf8 == nullptr) {
        ASSERT_FALSE(name);
        EXPECT_EQ(name.error().code, Errc::kMalformed);
        EXPECT_NE(name.error().detail.find("CN"), std::string::npos) << name.error().detail;
    } else {
        ASSERT_TRUE(name) << name.error().detail;
        EXPECT_EQ(name->common_name(), GetParam().utf8);
        EXPECT_EQ(name->rdns().at(0).at(0).encoding, GetParam().tag);
        EXPECT_EQ(name->der(), der);
    }
}

TEST(NameDerTest, RefusesWhatIsNotOneName) {
    const Bytes good = common_name(DerTag::kUtf8String, "a");
    EXPECT_TRUE(Name::from_der(good));
    const Bytes attribute = ava(oid::kCommonName, DerTag::kUtf8String, "a");
    const Bytes faulty[] = {
        {},
        der::concat({good, der::null()}),                 // trailing octets
        der::sequence({der::element(DerTag::kSet, {})}),  // empty RDN
        der::sequence({attribute}),                       // no SET
        der::sequence({der::set({der::sequence({der::oid(oid::kCommonName)})})}),  // no value
        der::sequence({der::set({der::sequence(
            {der::oid(oid::kCommonName), der::utf8_string("a"), der::utf8_string("b")})})}),
        der::sequence({der::set({der::sequence({der::utf8_string("a"), der::utf8_string("b")})})}),
        der::set({der::set({attribute})}),
    };
    for (const Bytes& der : faulty) {
        const auto name = Name::from_der(der);
        ASSERT_FALSE(name) << to_hex(der);
        EXPECT_EQ(name.error().code, Errc::kMalformed);
    }
}

TEST(NameDerTest, RefusesEachTruncation) {
    const Bytes good = name_of({ava(oid::kOrganizationName, DerTag::kPrintableString, "Example"),
                                ava(oid::kCommonName, DerTag::kUtf8String, "device")});
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_FALSE(Name::from_der(ByteView(good).first(size))) << size;
}

TEST(NameDerTest, N05_BoundsTheNumberAndSizeOfAttributes) {
    const Bytes attribute = ava(oid::kCommonName, DerTag::kUtf8String, "a");
    EXPECT_TRUE(Name::from_der(name_of(std::vector<Bytes>(64, attribute))));
    EXPECT_FALSE(Name::from_der(name_of(std::vector<Bytes>(65, attribute))));
    EXPECT_FALSE(Name::from_der(name_of(std::vector<Bytes>(1000, attribute))));
    Bytes multi_valued;
    for (int i = 0; i < 65; ++i)
        multi_valued.insert(multi_valued.end(), attribute.begin(), attribute.end());
    EXPECT_FALSE(Name::from_der(der::sequence({der::element(DerTag::kSet, multi_valued)})));

    EXPECT_TRUE(Name::from_der(common_name(DerTag::kUtf8String, std::string(4096, 'a'))));
    EXPECT_FALSE(Name::from_der(common_name(DerTag::kUtf8String, std::string(4097, 'a'))));
    EXPECT_FALSE(Name::from_der(common_name(DerTag::kUtf8String, std::string(65536, 'a'))));
}

TEST(NameDerTest, N04_ValuesThatLookLikeNamesStayValues) {
    const auto name = Name::from_der(common_name(DerTag::kUtf8String, "x/OU=y,O=z+DC=w\\"));
    ASSERT_TRUE(name);
    EXPECT_EQ(name->rdns().size(), 1U);
    EXPECT_EQ(name->text(), "CN=x/OU=y\\,O=z\\+DC=w\\\\");
    EXPECT_FALSE(matches(*name, from_text("CN=x,OU=y")));
}

TEST(NameTest, EmptyNameIsAnEmptySequence) {
    EXPECT_TRUE(Name().empty());
    EXPECT_EQ(to_hex(Name().der()), "3000");
    EXPECT_EQ(Name().text(), "");
    EXPECT_EQ(Name().common_name(), "");
    const Bytes der{0x30, 0x00};
    EXPECT_TRUE(Name::from_der(der).value().empty());
}

TEST(NameTest, CommonNameIsTheFirstInEncodedOrder) {
    EXPECT_EQ(from_text("/CN=first/CN=second").common_name(), "first");
    EXPECT_EQ(from_text("O=none").common_name(), "");
}

struct Pair {
    const char* name;
    Bytes left;
    Bytes right;
    bool match;
};

/// commonNames in one RDN.
Bytes one_rdn(const std::vector<std::string_view>& values) {
    std::vector<Bytes> attributes;
    for (const auto value : values)
        attributes.push_back(ava(oid::kCommonName, DerTag::kUtf8String, value));
    return der::sequence({der::set_of(std::move(attributes))});
}

Bytes text_der(std::string_view text) {
    return from_text(text).der();
}

const Pair kPairs[] = {
    {"Same", text_der("CN=a,O=b"), text_der("CN=a,O=b"), true},
    {"BothEmpty", {0x30, 0x00}, {0x30, 0x00}, true},
    {"N02_AsciiCase", text_der("CN=DeViCe"), text_der("CN=device"), true},
    {"N02_OuterSpaces", common_name(DerTag::kUtf8String, "  a "), text_der("CN=a"), true},
    {"N02_InnerSpacesFold", text_der("CN=a   b"), text_der("CN=a b"), true},
    {"N02_InnerSpaceIsNotNone", text_der("CN=a b"), text_der("CN=ab"), false},
    {"N02_OnlySpacesIsEmpty", common_name(DerTag::kUtf8String, "   "),
     common_name(DerTag::kUtf8String, ""), true},
    {"N02_NoBreakSpaceIsNoSpace", text_der("CN=a\xC2\xA0z"), text_der("CN=a z"), false},
    {"N02_NonAsciiCase", text_der("CN=\xC3\x84"), text_der("CN=\xC3\xA4"), false},
    {"N02_ComposedAndDecomposed", text_der("CN=\xC3\xA4"), text_der("CN=a\xCC\x88"), false},
    {"N02_Homoglyph", text_der("CN=\xD0\xB0"), text_der("CN=a"), false},
    {"N02_FullWidth", text_der("CN=\xEF\xBD\x81"), text_der("CN=a"), false},
    {"N03_PrintableAndUtf8", common_name(DerTag::kPrintableString, "a"),
     common_name(DerTag::kUtf8String, "a"), true},
    {"N03_T61AndUtf8", common_name(DerTag::kT61String, "\xE4"),
     common_name(DerTag::kUtf8String, "\xC3\xA4"), true},
    {"N03_BmpAndUniversal", common_name(DerTag::kBmpString, "\0a"sv),
     common_name(DerTag::kUniversalString, "\0\0\0a"sv), true},
    {"N01_Reordered", text_der("CN=a,O=b"), text_der("O=b,CN=a"), false},
    {"N01_MergedIntoOneRdn", text_der("CN=a,O=b"), text_der("CN=a+O=b"), false},
    {"N01_MultiValuedAsASet", text_der("CN=a+O=b"),
     der::sequence({der::set({ava(oid::kOrganizationName, DerTag::kUtf8String, "b"),
                              ava(oid::kCommonName, DerTag::kUtf8String, "a")})}),
     true},
    {"N01_MultiValuedAsAMultiset", one_rdn({"a", "a", "b"}), one_rdn({"a", "b", "b"}), false},
    {"N01_OtherType", text_der("CN=a"), text_der("OU=a"), false},
    {"N05_SecondCommonName", text_der("CN=a"), text_der("CN=a,CN=admin"), false},
    {"N05_ExtraInAnRdn", text_der("CN=a"), text_der("CN=a+UID=b"), false},
    {"N05_ExtraInFront", text_der("CN=a"), text_der("DC=b,CN=a"), false},
    {"N05_UnknownType", text_der("1.2.3.4=a"), text_der("1.2.3.5=a"), false},
    {"N05_Prefix", text_der("CN=ab"), text_der("CN=a"), false},
    {"EmptyAgainstSome", {0x30, 0x00}, text_der("CN=a"), false},
};

class NameMatchTest : public ::testing::TestWithParam<Pair> {};

INSTANTIATE_TEST_SUITE_P(Table, NameMatchTest, ::testing::ValuesIn(kPairs),
                         [](const auto& tested) { return std::string(tested.param.name); });

std::multiset<std::string> folded_values(const Name& name) {
    std::multiset<std::string> values;
    for (const Rdn& rdn : name.rdns()) {
        for (const NameAttribute& attribute : rdn)
            values.insert(folded_value(attribute.value));
    }
    return values;
}

TEST(FoldedValueTest, HasNeitherCaseNorSpacesThatDoNotCount) {
    EXPECT_EQ(folded_value("  My   Device "), "my device");
    EXPECT_EQ(folded_value("Zo\xC3\x8B"), "zo\xC3\x8B") << "letters that are not ASCII stay";
    EXPECT_EQ(folded_value("  "), "");
}

TEST_P(NameMatchTest, AsRfc5280Says) {
    const auto left = Name::from_der(GetParam().left);
    const auto right = Name::from_der(GetParam().right);
    ASSERT_TRUE(left) << left.error().detail;
    ASSERT_TRUE(right) << right.error().detail;
    EXPECT_EQ(matches(*left, *right), GetParam().match);
    if (GetParam().match) {
        EXPECT_EQ(folded_values(*left), folded_values(*right));
    }
    EXPECT_EQ(matches(*right, *left), GetParam().match);
}

// X.690 11.6; what clients send is taken in any order.
TEST(NameDerTest, N01_MultiValuedRdnsAreSortedForACertificate) {
    const Bytes organization = ava(oid::kOrganizationName, DerTag::kUtf8String, "abcd");
    const Bytes device = ava(oid::kCommonName, DerTag::kT61String, "z");
    const Bytes last = der::set({ava(oid::kCommonName, DerTag::kBmpString, "\0a"sv)});
    const Bytes sent = der::sequence({der::set({organization, device}), last});
    const Bytes strict = der::sequence({der::set({device, organization}), last});
    const Name name = Name::from_der(sent).value();
    const Name sorted = in_legal_form(name);
    EXPECT_EQ(name.der(), sent);
    EXPECT_EQ(sorted.der(), strict) << "each value as it was encoded";
    EXPECT_TRUE(matches(name, sorted));
    EXPECT_EQ(in_legal_form(sorted).der(), strict);
    EXPECT_EQ(in_legal_form(Name()).der(), Name().der());
}

struct LegalForm {
    ByteView type;
    DerTag sent;
    std::string_view octets;
    DerTag legal;
};

// RFC 5280 section 4.1.2.4 and appendix A.
TEST(NameLegalFormTest, N03_StringTypesThatVerifiersCannotReadAreMended) {
    using enum DerTag;
    constexpr oid::Octets<3> kDnQualifier{0x55, 0x04, 0x2E};
    const LegalForm kRows[] = {
        {oid::kCommonName, kPrintableString, "dev_17@x", kUtf8String},
        {oid::kCommonName, kPrintableString, "dev*", kUtf8String},
        {oid::kCommonName, kNumericString, "dev17", kUtf8String},
        {oid::kCommonName, kNumericString, "17", kUtf8String},
        {oid::kCommonName, kIa5String, "dev17", kUtf8String},
        {oid::kCommonName, kT61String, "M\xFCller", kUtf8String},
        {oid::kCommonName, kUniversalString, "\0\0\0a"sv, kUtf8String},
        {oid::kEmailAddress, kPrintableString, "a@b.example", kIa5String},
        {oid::kEmailAddress, kUtf8String, "a@b.example", kIa5String},
        {oid::kDomainComponent, kUtf8String, "example", kIa5String},
        {oid::kCountryName, kUtf8String, "DE", kPrintableString},
        {oid::kSerialNumber, kUtf8String, "A-1", kPrintableString},
        {oid::kSerialNumber, kBmpString, "\0A"sv, kPrintableString},
        {oid::kSerialNumber, kPrintableString, "A_1", kUtf8String},
        {oid::kUnstructuredAddress, kIa5String, "192.0.2.1", kUtf8String},
        {kDnQualifier, kPrintableString, "a_b", kUtf8String},
        {kDnQualifier, kUniversalString, "\0\0\0a"sv, kUtf8String},
    };
    for (const LegalForm& row : kRows) {
        const Name name = Name::from_der(name_of({ava(row.type, row.sent, row.octets)})).value();
        ASSERT_TRUE(name.check_certifiable()) << name.text();
        const Name legal = in_legal_form(name);
        EXPECT_EQ(legal.rdns()[0][0].encoding, row.legal) << name.text();
        EXPECT_EQ(legal.rdns()[0][0].value, name.rdns()[0][0].value);
        EXPECT_TRUE(matches(name, legal));
        EXPECT_EQ(in_legal_form(legal).der(), legal.der());
    }
}

TEST(NameLegalFormTest, N03_LegalStringsStayAsTheyAre) {
    using enum DerTag;
    constexpr oid::Octets<3> kDnQualifier{0x55, 0x04, 0x2E};
    const LegalForm kRows[] = {
        {oid::kCommonName, kPrintableString, "dev 17", {}},
        {oid::kCommonName, kUtf8String, "dev_17", {}},
        {oid::kCommonName, kBmpString, "\0a"sv, {}},
        {oid::kCommonName, kT61String, "dev_17@x", {}},
        {oid::kUserId, kPrintableString, "u", {}},
        {oid::kEmailAddress, kIa5String, "a@b", {}},
        {oid::kDomainComponent, kIa5String, "com", {}},
        {oid::kCountryName, kPrintableString, "DE", {}},
        {oid::kCountryName, kPrintableString, "de", {}},
        {oid::kSerialNumber, kPrintableString, "A-1", {}},
        {oid::kUnstructuredName, kIa5String, "router_1", {}},
        {oid::kUnstructuredName, kPrintableString, "router", {}},
        {oid::kUnstructuredAddress, kPrintableString, "192.0.2.1", {}},
        {kDnQualifier, kIa5String, "a_b", {}},
        {kDnQualifier, kNumericString, "1 2", {}},
    };
    for (const LegalForm& row : kRows) {
        const Name name = Name::from_der(name_of({ava(row.type, row.sent, row.octets)})).value();
        EXPECT_EQ(in_legal_form(name).der(), name.der()) << name.text();
        EXPECT_TRUE(name.check_certifiable()) << name.text();
    }
}

TEST(NameLegalFormTest, N03_OneValueThatIsMendedLeavesTheOthersAsTheyAre) {
    using enum DerTag;
    const Bytes unit = ava(oid::kOrganizationalUnitName, kBmpString, "\0z"sv);
    const Bytes last = der::set({ava(oid::kCommonName, kT61String, "z")});
    const auto with = [&](const Bytes& device) {
        return der::sequence({der::set_of({device, unit}), last});
    };
    const Name name = Name::from_der(with(ava(oid::kCommonName, kPrintableString, "a_b"))).value();
    EXPECT_EQ(in_legal_form(name).der(), with(ava(oid::kCommonName, kUtf8String, "a_b")));
}

TEST(NameLegalFormTest, N03_WhatNoCertificateCanHoldIsRefused) {
    using enum DerTag;
    const auto fault = [](const Bytes& der) {
        const Name name = Name::from_der(der).value();
        EXPECT_EQ(in_legal_form(name).der(), name.der());
        const auto legal = name.check_certifiable();
        if (legal) return std::string();
        EXPECT_EQ(legal.error().code, Errc::kDenied);
        return legal.error().detail;
    };
    const auto one = [&](ByteView type, DerTag tag, std::string_view value) {
        return fault(name_of({ava(type, tag, value)}));
    };
    EXPECT_EQ(one(oid::kCountryName, kPrintableString, "D"),
              "name: C is not two letters, as ISO 3166 has them for a country");
    EXPECT_NE(one(oid::kCountryName, kPrintableString, "1?"), "");
    EXPECT_NE(one(oid::kCountryName, kUtf8String, "\xC3\x84\xC3\x96"), "");
    EXPECT_EQ(one(oid::kEmailAddress, kUtf8String, "\xC3\xA4@b"),
              "name: emailAddress has other characters than those of ASCII");
    EXPECT_NE(one(oid::kDomainComponent, kUtf8String, "\xC3\xA4"), "");
    EXPECT_NE(one(oid::kSerialNumber, kUtf8String, "\xC3\xA4"), "");
    EXPECT_EQ(fault(der::sequence({der::set_of({ava(oid::kCommonName, kUtf8String, "a"),
                                                ava(oid::kCommonName, kPrintableString, "A")})})),
              "name: CN=a stands twice in one RDN");
    EXPECT_EQ(fault(name_of({ava(oid::kCommonName, kUtf8String, "a"),
                             ava(oid::kCommonName, kUtf8String, "a")})),
              "")
        << "in two RDNs";
    EXPECT_EQ(fault(der::sequence({der::set_of({ava(oid::kCommonName, kUtf8String, "a"),
                                                ava(oid::kCommonName, kUtf8String, "b")})})),
              "");
}

TEST(NameMatchTest, N01_ReversedOrderIsHintedAtOnlyWhenItIsTheFault) {
    EXPECT_TRUE(matches_reversed(from_text("CN=a,O=b"), from_text("O=b,CN=a")));
    EXPECT_FALSE(matches_reversed(from_text("CN=a,O=b"), from_text("CN=a,O=b")));
    EXPECT_FALSE(matches_reversed(from_text("CN=a,O=b"), from_text("O=c,CN=a")));
    EXPECT_FALSE(matches_reversed(from_text("CN=a"), from_text("CN=a")));
    EXPECT_FALSE(matches_reversed(from_text("CN=a,O=b,CN=a"), from_text("CN=a,O=b,CN=a")));
}

TEST(NameBoundsTest, N05_UpperBoundsCountCharacters) {
    const auto bounded = [](std::string_view type, std::size_t length) {
        std::string text = std::string(type) + "=";
        for (std::size_t i = 0; i < length; ++i)
            text += "\xC3\xA4";
        return from_text(text).check_upper_bounds();
    };
    const auto bounded_ascii = [](ByteView type, std::size_t length) {
        const std::string value(length, 'a');
        return Name::from_der(name_of({ava(type, DerTag::kIa5String, value)}))
            .value()
            .check_upper_bounds();
    };
    EXPECT_TRUE(bounded("CN", 64));
    EXPECT_EQ(bounded("CN", 65).error().code, Errc::kDenied);
    EXPECT_TRUE(bounded("O", 64));
    EXPECT_FALSE(bounded("O", 65));
    EXPECT_TRUE(bounded("L", 128));
    EXPECT_FALSE(bounded("L", 129));
    EXPECT_TRUE(bounded_ascii(oid::kCountryName, 2));
    EXPECT_FALSE(bounded_ascii(oid::kCountryName, 3));
    EXPECT_TRUE(bounded_ascii(oid::kEmailAddress, 255));
    EXPECT_FALSE(bounded_ascii(oid::kEmailAddress, 256));
    EXPECT_TRUE(bounded("UID", 1000));
    EXPECT_TRUE(bounded("1.2.3.4", 1000));
    EXPECT_NE(bounded("OU", 65).error().detail.find("OU"), std::string::npos);
}

TEST(NameBoundsTest, N06_EachValueHasACharacterThatIsSeen) {
    const auto bounded = [](const Bytes& der) {
        return bool(Name::from_der(der).value().check_upper_bounds());
    };
    using enum DerTag;
    for (const DerTag tag : {kUtf8String, kPrintableString, kBmpString, kUniversalString})
        EXPECT_FALSE(bounded(common_name(tag, ""))) << static_cast<int>(tag);
    EXPECT_FALSE(bounded(common_name(kUtf8String, "   ")));
    EXPECT_FALSE(bounded(common_name(kBmpString, "\0 \x30\0"sv))) << "an ideographic space";
    EXPECT_FALSE(bounded(common_name(kT61String, "\xA0")));
    EXPECT_FALSE(bounded(name_of(
        {ava(oid::kCommonName, kUtf8String, "a"), ava(oid::kOrganizationName, kUtf8String, "")})));
    EXPECT_FALSE(bounded(text_der("1.2.3.4=")));
    EXPECT_TRUE(bounded(common_name(kUtf8String, " a ")));
    EXPECT_TRUE(bounded(common_name(kUtf8String, "\xC2\xA0.")));
    EXPECT_NE(from_text("OU=").check_upper_bounds().error().detail.find("OU is empty"),
              std::string::npos);
}

}  // namespace
}  // namespace scepgate::certs::this_file
