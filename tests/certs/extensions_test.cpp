#include "certs/extensions.hpp"

#include <gtest/gtest.h>

#include "certs/oids.hpp"

namespace scepgate::certs::this_file {
namespace {

Bytes numbered(unsigned number) {
    const Bytes oid = oid_from_text("1.2.3." + std::to_string(number)).value();
    return encode_extension(oid, false, Bytes{0x05, 0x00});
}

TEST(ExtensionsTest, ReadsWhatItWrites) {
    const Bytes value{0x05, 0x00};
    const Bytes der = der::sequence({encode_extension(oid::kKeyUsage, true, value),
                                     encode_extension(oid::kExtKeyUsage, false, {})});
    EXPECT_EQ(to_hex(der), "3017300c0603551d0f0101ff0402050030070603551d250400");
    const auto extensions = parse_extensions(der);
    ASSERT_TRUE(extensions);
    ASSERT_EQ(extensions->size(), 2U);
    const Extension* usage = find_extension(*extensions, oid::kKeyUsage);
    ASSERT_NE(usage, nullptr);
    EXPECT_TRUE(usage->critical);
    EXPECT_TRUE(equal(usage->value, value));
    EXPECT_FALSE(find_extension(*extensions, oid::kExtKeyUsage)->critical);
    EXPECT_EQ(find_extension(*extensions, oid::kSubjectAltName), nullptr);
}

TEST(ExtensionsTest, ToleratesAnExplicitFalseAndAnEmptyList) {
    const Bytes explicit_false = der::sequence(
        {der::sequence({der::oid(oid::kKeyUsage), der::boolean(false), der::octet_string({})})});
    EXPECT_FALSE(parse_extensions(explicit_false).value().at(0).critical);
    const Bytes none = der::sequence({});
    EXPECT_TRUE(parse_extensions(none).value().empty());
}

TEST(ExtensionsTest, N10_RefusesAnExtensionThatComesTwice) {
    const Bytes twice =
        der::sequence({encode_extension(oid::kSubjectAltName, false, der::null()), numbered(1),
                       encode_extension(oid::kSubjectAltName, false, der::null())});
    const auto extensions = parse_extensions(twice);
    ASSERT_FALSE(extensions);
    EXPECT_EQ(extensions.error().code, Errc::kMalformed);
    EXPECT_NE(extensions.error().detail.find("2.5.29.17"), std::string::npos);
}

TEST(ExtensionsTest, RefusesWhatIsNoListOfAtMost64) {
    Bytes many;
    for (unsigned i = 0; i < 64; ++i) {
        const Bytes extension = numbered(i);
        many.insert(many.end(), extension.begin(), extension.end());
    }
    const Bytes fitting = der::sequence({many});
    EXPECT_EQ(parse_extensions(fitting).value().size(), 64U);
    const Bytes oid = der::oid(oid::kKeyUsage);
    const Bytes value = der::octet_string({});
    const Bytes faulty[] = {
        der::sequence({many, numbered(64)}),
        der::concat({der::sequence({numbered(1)}), der::null()}),
        der::sequence({der::sequence({oid})}),
        der::sequence({der::sequence({oid, value, value})}),
        der::sequence({der::sequence({value, oid})}),
        der::sequence({der::sequence({oid, Bytes{0x01, 0x01, 0x01}, value})}),
        der::sequence({oid}),
        der::set({numbered(1)}),
        {},
    };
    for (const Bytes& der : faulty) {
        const auto extensions = parse_extensions(der);
        ASSERT_FALSE(extensions) << to_hex(der);
        EXPECT_EQ(extensions.error().code, Errc::kMalformed);
    }
}

TEST(BasicConstraintsTest, ReadsTheFlagAndRefusesTheRest) {
    const auto parse = [](std::string_view text) {
        return parse_basic_constraints(from_hex(text).value());
    };
    EXPECT_FALSE(parse("3000").value());
    EXPECT_FALSE(parse("3003010100").value());
    EXPECT_TRUE(parse("30030101ff").value());
    EXPECT_TRUE(parse("30060101ff020100").value());
    for (const char* der : {"", "0101ff", "30030101ff0500", "3003010101", "30060201000101ff",
                            "3006"
                            "0101ff"
                            "0201ff",
                            "30050101ff0500"}) {
        EXPECT_FALSE(parse(der)) << der;
    }
}

// The example in Microsoft's KB5014754, with another SID.
TEST(SidExtensionTest, N09_RoundTrips) {
    const Bytes der = encode_sid_extension("S-1-5-21-1-2-3-500");
    EXPECT_EQ(to_hex(der),
              "3024a02206"
              "0a2b060104018237190201"
              "a014"
              "0412"
              "532d312d352d32312d312d322d332d353030");
    EXPECT_EQ(parse_sid_extension(der).value(), "S-1-5-21-1-2-3-500");
}

TEST(SidExtensionTest, N09_RefusesWhatIsNoSid) {
    for (const char* sid : {"", "S-1-5", "S-1-5-", "s-1-5-21", "S-2-5-21", "S-1-5-21 ", "S-1-5--21",
                            "S-1-5-4294967296", "S-1-281474976710656-1", "S-1-5-021", "S-1-5-+1",
                            "S-1-1-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16"}) {
        EXPECT_FALSE(parse_sid_extension(encode_sid_extension(sid))) << sid;
    }
    EXPECT_TRUE(parse_sid_extension(encode_sid_extension("S-1-5-18")));
    EXPECT_TRUE(parse_sid_extension(encode_sid_extension("S-1-5-0-4294967295")));
    const Bytes good = encode_sid_extension("S-1-5-18");
    EXPECT_FALSE(parse_sid_extension(der::concat({good, der::null()})));
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_FALSE(parse_sid_extension(ByteView(good).first(size)));
    const ByteView one(ByteView(good).subspan(2));
    EXPECT_FALSE(parse_sid_extension(der::sequence({one, one})));
}

}  // namespace
}  // namespace scepgate::certs::this_file
