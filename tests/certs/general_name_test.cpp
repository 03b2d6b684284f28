#include "certs/general_name.hpp"

#include <gtest/gtest.h>

#include "certs/der.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs::this_file {
namespace {

using enum GeneralNameType;
using namespace std::string_view_literals;

GeneralName make(GeneralNameType type, std::string_view value) {
    return GeneralName::make(type, value).value();
}

Bytes implicit(unsigned number, std::string_view value) {
    return der::element(context_primitive(number), as_bytes(value));
}

Bytes other_name(ByteView type, const Bytes& value) {
    return der::element(context_constructed(0),
                        der::concat({der::oid(type), der::element(context_constructed(0), value)}));
}

struct Row {
    GeneralNameType type;
    std::string_view value;
    const char* canonical;  // nullptr: refused
};

const std::string kLabel63(63, 'a');
const std::string kLabel64(64, 'a');
const std::string kHost253 =
    kLabel63 + "." + kLabel63 + "." + kLabel63 + "." + std::string(61, 'a');

const Row kValues[] = {
    {kDns, "host.example", "host.example"},
    {kDns, "Host-7", "Host-7"},
    {kDns, "*.example.com", "*.example.com"},
    {kDns, "xn--bcher-kva.example", "xn--bcher-kva.example"},
    {kDns, "1.2.3.4.example", "1.2.3.4.example"},
    {kDns, kLabel63, kLabel63.c_str()},
    {kDns, kHost253, kHost253.c_str()},
    {kDns, "", nullptr},
    {kDns, "host.example.", nullptr},
    {kDns, ".host", nullptr},
    {kDns, "a..b", nullptr},
    {kDns, "*", nullptr},
    {kDns, "a.*.example", nullptr},
    {kDns, "*.*.example", nullptr},
    {kDns, "a*.example", nullptr},
    {kDns, "host_7.example", nullptr},
    {kDns, "-a.example", nullptr},
    {kDns, "a-.example", nullptr},
    {kDns, "a b", nullptr},
    {kDns,
     "b\xC3\xBC"
     "cher.example",
     nullptr},
    {kDns, "good.example\0.evil.example"sv, nullptr},
    {kDns, "host\n", nullptr},
    {kDns, "192.0.2.1", nullptr},
    {kDns, kLabel64, nullptr},

    {kEmail, "user@example.com", "user@example.com"},
    {kEmail, "First.Last+tag@Example.com", "First.Last+tag@Example.com"},
    {kEmail, "o'neil@example.com", "o'neil@example.com"},
    {kEmail, "user", nullptr},
    {kEmail, "@example.com", nullptr},
    {kEmail, "user@", nullptr},
    {kEmail, "a@b@c", nullptr},
    {kEmail, "user@example.com\r\nBcc: x@y", nullptr},
    {kEmail, "us\0er@example.com"sv, nullptr},
    {kEmail, "us er@example.com", nullptr},
    {kEmail, "\"quoted\"@example.com", nullptr},
    {kEmail, "User <user@example.com>", nullptr},
    {kEmail, "\xC3\xBC@example.com", nullptr},
    {kEmail, "user@*.example.com", nullptr},
    {kEmail, "user@xn--\xC3\xBC.example", nullptr},

    {kUri, "https://user@example.com/a?b#c", "https://user@example.com/a?b#c"},
    {kUri, "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500",
     "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500"},
    {kUri, "urn:uuid:0", "urn:uuid:0"},
    {kUri, "example.com/path", nullptr},
    {kUri, ":a", nullptr},
    {kUri, "1a:b", nullptr},
    {kUri, "a/b:c", nullptr},
    {kUri, "http:", nullptr},
    {kUri, "http://a b", nullptr},
    {kUri, "http://a\tb", nullptr},
    {kUri, "http://a\0b"sv, nullptr},
    {kUri, "http://\xC3\xBC", nullptr},

    {kIp, "192.0.2.1", "192.0.2.1"},
    {kIp, "0.0.0.0", "0.0.0.0"},
    {kIp, "2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
    {kIp, "::ffff:192.0.2.1", "::ffff:192.0.2.1"},
    {kIp, "::FFFF:C000:201", "::ffff:192.0.2.1"},
    {kIp, "192.0.2", nullptr},
    {kIp, "192.0.2.256", nullptr},
    {kIp, "192.0.2.1/24", nullptr},
    {kIp, "fe80::1%eth0", nullptr},
    {kIp, "192.0.2.1\0"sv, nullptr},
    {kIp, "host", nullptr},

    {kUpn, "user@corp.example", "user@corp.example"},
    {kUpn, "\xC3\xBC@corp.example", "\xC3\xBC@corp.example"},
    {kUpn, "admin\0@corp.example"sv, nullptr},
    {kUpn, "a\nb", nullptr},
    {kUpn, "\xFF", nullptr},
    {kUpn, "a\xE2\x80\xAE@corp.example", nullptr},
    {kUpn, "", nullptr},
};

TEST(GeneralNameTest, N08_ChecksAndCanonicalises) {
    for (const Row& row : kValues) {
        const auto name = GeneralName::make(row.type, row.value);
        const std::string shown = std::string(to_text(row.type)) + ":" + std::string(row.value);
        ASSERT_EQ(name.has_value(), row.canonical != nullptr) << shown;
        if (name) {
            EXPECT_EQ(name->value, row.canonical);
            EXPECT_EQ(name->type, row.type);
            EXPECT_EQ(parse_general_names(encode_general_names({*name})).value(),
                      GeneralNames{*name});
        } else {
            EXPECT_EQ(name.error().code, Errc::kMalformed);
            EXPECT_NE(name.error().detail.find(to_text(row.type)), std::string::npos);
            EXPECT_EQ(name.error().detail.find('\n'), std::string::npos) << "log injection";
        }
    }
}

TEST(GeneralNameTest, N08_WildcardCountsIntoTheLengthOfTheName) {
    EXPECT_TRUE(GeneralName::make(kDns, "*." + kHost253.substr(0, 251)));
    EXPECT_FALSE(GeneralName::make(kDns, "*." + kHost253.substr(0, 252)));
}

TEST(GeneralNameTest, TypesHaveTextForms) {
    for (const GeneralNameType type : {kDns, kEmail, kUri, kIp, kUpn})
        EXPECT_EQ(general_name_type(to_text(type)).value(), type);
    EXPECT_FALSE(general_name_type("DNS"));
    EXPECT_FALSE(general_name_type(""));
    EXPECT_EQ(make(kUpn, "a@b").text(), "upn:a@b");
    EXPECT_EQ(to_text({make(kDns, "a.example"), make(kUpn, "u@b.example")}),
              "dns:a.example, upn:u@b.example");
    EXPECT_EQ(to_text(GeneralNames{}), "none");
}

TEST(GeneralNamesTest, EncodesAsRfc5280Says) {
    EXPECT_EQ(to_hex(encode_general_names({make(kDns, "a"), make(kEmail, "a@b"), make(kUri, "a:b"),
                                           make(kIp, "192.0.2.1"), make(kUpn, "u")})),
              "3026"
              "820161"
              "8103614062"
              "8603613a62"
              "8704c0000201"
              "a011060a2b060104018237140203a0030c0175");
}

TEST(GeneralNamesTest, N08_AddressesHave4Or16Octets) {
    for (const std::size_t size : {4U, 16U}) {
        const Bytes der = der::sequence({der::element(context_primitive(7), Bytes(size, 1))});
        EXPECT_EQ(encode_general_names(parse_general_names(der).value()), der);
    }
    for (const std::size_t size : {0U, 1U, 5U, 8U, 15U, 17U, 32U}) {
        const Bytes der = der::sequence({der::element(context_primitive(7), Bytes(size, 1))});
        const auto names = parse_general_names(der);
        ASSERT_FALSE(names) << size;
        EXPECT_EQ(names.error().code, Errc::kMalformed);
    }
}

TEST(GeneralNamesTest, N08_OtherTypesAreUnsupportedByName) {
    const Bytes spn = to_bytes(oid_from_text("1.3.6.1.5.2.2").value());
    const struct {
        Bytes der;
        const char* name;
    } rows[] = {
        {der::element(context_constructed(3), der::null()), "x400Address"},
        {der::element(context_constructed(4), Bytes{0x30, 0x00}), "directoryName"},
        {der::element(context_constructed(5), der::null()), "ediPartyName"},
        {der::element(context_primitive(8), oid::kCommonName), "registeredID"},
        {other_name(spn, der::sequence({})), "1.3.6.1.5.2.2"},
    };
    for (const auto& row : rows) {
        const auto names = parse_general_names(der::sequence({row.der, implicit(2, "a.example")}));
        ASSERT_FALSE(names) << row.name;
        EXPECT_EQ(names.error().code, Errc::kUnsupported);
        EXPECT_NE(names.error().detail.find(row.name), std::string::npos) << names.error().detail;
    }
}

TEST(GeneralNamesTest, N07_UpnIsReadAsUtf8OrIa5AndNothingElse) {
    const ByteView upn = oid::kUserPrincipalName;
    const auto parse = [](const Bytes& name) { return parse_general_names(der::sequence({name})); };
    const GeneralNames expected{make(kUpn, "u@b")};
    EXPECT_EQ(parse(other_name(upn, der::utf8_string("u@b"))).value(), expected);
    EXPECT_EQ(parse(other_name(upn, der::ia5_string("u@b"))).value(), expected);
    // It is written back as UTF8String.
    EXPECT_EQ(encode_general_names(expected),
              der::sequence({other_name(upn, der::utf8_string("u@b"))}));

    const Bytes bmp = der::element(DerTag::kBmpString, as_bytes("\0u"sv));
    const Bytes faulty[] = {
        other_name(upn, bmp),
        other_name(upn, der::octet_string(as_bytes("u"))),
        other_name(upn, der::utf8_string("admin\0"sv)),
        other_name(upn, der::utf8_string("")),
        other_name(upn, der::concat({der::utf8_string("u"), der::utf8_string("admin")})),
        other_name(upn, {}),
        der::element(context_constructed(0), der::oid(upn)),
        der::element(context_constructed(0), der::concat({der::oid(upn), der::utf8_string("u")})),
    };
    for (const Bytes& name : faulty) {
        const auto names = parse(name);
        ASSERT_FALSE(names) << to_hex(name);
        EXPECT_EQ(names.error().code, Errc::kMalformed);
    }
}

TEST(GeneralNamesTest, RefusesWhatIsNotAListOf1To100) {
    const Bytes name = implicit(2, "a");
    Bytes hundred;
    for (int i = 0; i < 100; ++i)
        hundred.insert(hundred.end(), name.begin(), name.end());
    EXPECT_EQ(parse_general_names(der::sequence({hundred})).value().size(), 100U);
    const Bytes faulty[] = {
        der::sequence({hundred, name}),
        der::sequence({}),
        der::set({name}),
        der::concat({der::sequence({name}), der::null()}),
        der::sequence({implicit(9, "a")}),
        der::sequence({der::utf8_string("a")}),
        der::sequence({der::element(context_constructed(2), implicit(2, "a"))}),
        der::sequence({implicit(2, "a\0b"sv)}),
        der::sequence({implicit(1, "a@b\r\nc: d")}),
        {},
    };
    for (const Bytes& der : faulty) {
        const auto names = parse_general_names(der);
        ASSERT_FALSE(names) << to_hex(der);
        EXPECT_EQ(names.error().code, Errc::kMalformed);
    }
}

TEST(GeneralNamesTest, N07_MatchingIsByTypeAndItsRules) {
    EXPECT_TRUE(matches(make(kDns, "A.example"), make(kDns, "a.EXAMPLE")));
    EXPECT_TRUE(matches(make(kEmail, "user@Example.com"), make(kEmail, "user@example.com")));
    EXPECT_FALSE(matches(make(kEmail, "User@example.com"), make(kEmail, "user@example.com")));
    EXPECT_FALSE(matches(make(kUpn, "User@b"), make(kUpn, "user@b")));
    EXPECT_FALSE(matches(make(kUri, "http://A"), make(kUri, "http://a")));
    EXPECT_TRUE(matches(make(kIp, "2001:db8:0::1"), make(kIp, "2001:DB8::1")));
    EXPECT_FALSE(matches(make(kIp, "::ffff:192.0.2.1"), make(kIp, "192.0.2.1")));
    EXPECT_FALSE(matches(make(kEmail, "u@b"), make(kUpn, "u@b")));
    EXPECT_FALSE(matches(make(kDns, "*.example"), make(kDns, "a.example")));
}

TEST(GeneralNamesTest, N07_DifferenceIsOfMultisets) {
    const GeneralName a = make(kDns, "a");
    const GeneralName upper_a = make(kDns, "A");
    const GeneralName b = make(kUpn, "b");
    EXPECT_TRUE(difference({a, b}, {b, upper_a}).none());
    EXPECT_TRUE(difference({}, {}).none());

    const auto swapped = difference({a}, {b});
    EXPECT_EQ(swapped.missing, GeneralNames{a});
    EXPECT_EQ(swapped.extra, GeneralNames{b});

    const auto twice = difference({a, b}, {a, b, b});
    EXPECT_TRUE(twice.missing.empty());
    EXPECT_EQ(twice.extra, GeneralNames{b});
    EXPECT_EQ(difference({a, a}, {a}).missing, GeneralNames{a});
}

}  // namespace
}  // namespace scepgate::certs::this_file
