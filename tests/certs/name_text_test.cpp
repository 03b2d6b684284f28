#include <gtest/gtest.h>

#include "certs/name.hpp"
#include "tests/certs/support/name_der.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::ava;
using testing::common_name;
using testing::name_of;

/// "2.5.4.3=utf8:a" for each attribute in encoded order, '+' inside of an RDN, '/' between them.
std::string structure(const Name& name) {
    std::string text;
    for (const Rdn& rdn : name.rdns()) {
        text += text.empty() ? "" : "/";
        for (std::size_t i = 0; i < rdn.size(); ++i) {
            if (i != 0) text += "+";
            text += oid_to_text(rdn[i].type) + "=" + rdn[i].value;
        }
    }
    return text;
}

struct Row {
    const char* text;
    const char* structure;
};

const Row kGood[] = {
    {"", ""},
    {"/", ""},
    {"CN=a", "2.5.4.3=a"},
    {"cn=a,o=b", "2.5.4.10=b/2.5.4.3=a"},
    {"CN=a, O=b", "2.5.4.10=b/2.5.4.3=a"},
    {"CN=a;O=b", "2.5.4.10=b/2.5.4.3=a"},
    {" CN = a b  , O = c ", "2.5.4.10=c/2.5.4.3=a b"},
    {"CN=a+UID=u,O=b", "2.5.4.10=b/2.5.4.3=a+0.9.2342.19200300.100.1.1=u"},
    {"CN=", "2.5.4.3="},
    {"CN=,O=b", "2.5.4.10=b/2.5.4.3="},
    {"CN=a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h\\=i\\/j\\#k", "2.5.4.3=a,b+c\"d\\e<f>g;h=i/j#k"},
    {"CN=\\ a\\ ", "2.5.4.3= a "},
    {"CN=\\#a", "2.5.4.3=#a"},
    {"CN=a#b", "2.5.4.3=a#b"},
    {"CN=a=b/c", "2.5.4.3=a=b/c"},
    {"CN=Lu\\C4\\8Di\\c4\\87", "2.5.4.3=Lu\xC4\x8Di\xC4\x87"},
    {"CN=Ger\xC3\xA4t", "2.5.4.3=Ger\xC3\xA4t"},
    {"CN=#0C0161", "2.5.4.3=a"},
    {"CN=#1e020061 ,O=b", "2.5.4.10=b/2.5.4.3=a"},
    {"1.3.6.1.4.1.99999=#130161", "1.3.6.1.4.1.99999=a"},
    {"2.5.4.3=a", "2.5.4.3=a"},
    {"CN=\" a, b \"", "2.5.4.3= a, b "},
    {"CN=\"a \\\" b\" , O=c", "2.5.4.10=c/2.5.4.3=a \" b"},
    {"SN=s,serialNumber=1,C=DE,L=l,ST=t,street=r,OU=u,title=i,GN=g",
     "2.5.4.42=g/2.5.4.12=i/2.5.4.11=u/2.5.4.9=r/2.5.4.8=t/2.5.4.7=l/2.5.4.6=DE/2.5.4.5=1/"
     "2.5.4.4=s"},
    {"givenName=g", "2.5.4.42=g"},
    {"E=a@b", "1.2.840.113549.1.9.1=a@b"},
    {"EMAILADDRESS=a@b", "1.2.840.113549.1.9.1=a@b"},
    {"DC=example,DC=com", "0.9.2342.19200300.100.1.25=com/0.9.2342.19200300.100.1.25=example"},
    {"unstructuredName=n,unstructuredAddress=d", "1.2.840.113549.1.9.8=d/1.2.840.113549.1.9.2=n"},
    {"/O=b/CN=a", "2.5.4.10=b/2.5.4.3=a"},
    {"/O=b/CN=a/", "2.5.4.10=b/2.5.4.3=a"},
    {"/CN=a\\/b, c=d", "2.5.4.3=a/b, c=d"},
    {"/CN=a\\+b+UID=u", "2.5.4.3=a+b+0.9.2342.19200300.100.1.1=u"},
    {"/CN=a\\\\b", "2.5.4.3=a\\b"},
};

TEST(NameTextTest, ReadsRfc4514AndSlashForm) {
    for (const Row& row : kGood) {
        const auto name = Name::from_text(row.text);
        ASSERT_TRUE(name) << row.text << ": " << name.error().detail;
        EXPECT_EQ(structure(*name), row.structure) << row.text;
    }
}

const Row kBad[] = {
    // the second column: where
    {"device", "character 1:"},
    {"CN=a,", "character 6:"},
    {"CN=a,,O=b", "character 6:"},
    {"CN=a+", "character 6:"},
    {"=a", "character 1:"},
    {"XX=a", "character 1:"},
    {"CN=a,XX=b", "character 6:"},
    {"CN=\xC3\xA4,XX=b", "character 6:"},
    {"CN=a\\", "character 5:"},
    {"CN=a\\g", "character 5:"},
    {"CN=a\\4", "character 5:"},
    {"CN=a\"b", "character 5:"},
    {"CN=a<b", "character 5:"},
    {"CN=\"a", "character 6:"},
    {"CN=\"a\"b", "character 7:"},
    {"CN=#", "character 5:"},
    {"CN=#0C0", "character 8:"},
    {"CN=#0C0261", "character 11:"},
    {"CN=#020101", "character 11:"},
    {"CN=#0C0161 x", "character 12:"},
    {"CN=\\00", "character 7:"},
    {"CN=a\\FF", "character 8:"},
    {"CN=a\tb", "character 7:"},
    {"CN=a\xE2\x80\xAE", "character 6:"},
    {"1.2.=a", "character 1:"},
    {"/CN", "character 2:"},
    {"C=", "character 3:"},
    {"C=D", "character 4:"},
    {"C=DEU,CN=a", "character 6:"},
    {"C=D1", "character 5:"},
    {"C=\xC3\xA4\xC3\xB6", "character 5:"},
    {"DC=\xC3\xA4", "character 5:"},
    {"emailAddress=\xC3\xA4@b", "character 17:"},
    {"serialNumber=\xC3\xA4", "character 15:"},
    {"C=#0C0144", "two letters"},
    {"CN=a+CN=A", "twice in one RDN"},
    {"/CN=a//O=b", "character 7:"},
    {"/CN=a\\", "character 7:"},
};

TEST(NameTextTest, SaysWhereTheFaultIs) {
    for (const Row& row : kBad) {
        const auto name = Name::from_text(row.text);
        ASSERT_FALSE(name) << row.text;
        EXPECT_EQ(name.error().code, Errc::kMalformed);
        EXPECT_NE(name.error().detail.find(row.structure), std::string::npos)
            << row.text << ": " << name.error().detail;
    }
}

TEST(NameTextTest, EncodesByTypeWhereTheValueAllows) {
    const auto encoding = [](std::string_view text) {
        return Name::from_text(text).value().rdns().at(0).at(0).encoding;
    };
    EXPECT_EQ(encoding("CN=a"), DerTag::kUtf8String);
    EXPECT_EQ(encoding("C=DE"), DerTag::kPrintableString);
    EXPECT_EQ(encoding("serialNumber=A-1"), DerTag::kPrintableString);
    EXPECT_EQ(encoding("serialNumber=A_1"), DerTag::kUtf8String);
    EXPECT_EQ(encoding("DC=com"), DerTag::kIa5String);
    EXPECT_EQ(encoding("emailAddress=a@b"), DerTag::kIa5String);
    EXPECT_EQ(encoding("C=de"), DerTag::kPrintableString);
    EXPECT_EQ(encoding("C=#0C024445"), DerTag::kPrintableString) << "a UTF8String";
    EXPECT_EQ(encoding("CN=#130161"), DerTag::kPrintableString) << "as it is given";
    EXPECT_EQ(encoding("CN=#13015F"), DerTag::kUtf8String) << "an underscore";
    EXPECT_EQ(encoding("1.2.3=a"), DerTag::kUtf8String);
    EXPECT_EQ(encoding("2.5.4.6=DE"), DerTag::kPrintableString);
}

TEST(NameTextTest, SortsMultiValuedRdnsAsDerDoes) {
    EXPECT_EQ(Name::from_text("CN=a+O=b").value().der(), Name::from_text("O=b+CN=a").value().der());
}

TEST(NameTextTest, WritesRfc4514) {
    const auto text_of = [](std::string_view value) {
        return Name::from_der(common_name(DerTag::kUtf8String, value)).value().text();
    };
    EXPECT_EQ(text_of("device"), "CN=device");
    EXPECT_EQ(text_of(" a "), "CN=\\ a\\ ");
    EXPECT_EQ(text_of(" "), "CN=\\ ");
    EXPECT_EQ(text_of("#a#"), "CN=\\#a#");
    EXPECT_EQ(text_of("\"+,;<>\\"), "CN=\\\"\\+\\,\\;\\<\\>\\\\");
    EXPECT_EQ(Name::from_text("/O=Example/OU=a+CN=b/CN=c").value().text(),
              "CN=c,CN=b+OU=a,O=Example");
    EXPECT_EQ(Name::from_text("E=a@b").value().text(), "emailAddress=a@b");
    EXPECT_EQ(Name::from_text("1.2.3.4=ab").value().text(), "1.2.3.4=#0c026162");
}

// Whatever a name holds, its text reads back as the same name, and to the same text; but for what
// has no legal form.
TEST(NameTextTest, RoundTrips) {
    const std::string_view values[] = {
        "a",        "",
        " ",        "  ",
        " a",       "a ",
        "#",        "#0c0161",
        "\"",       "\\",
        "\\41",     "a,b",
        "a+b",      "a;b",
        "a=b",      "<a>",
        "/a/",      "\\\\\"",
        "a\"",      "CN=a,O",
        "\xC3\xA4", "+",
        ",",        "=",
        "a  b",     "\xF0\x9F\x93\xB1",
        " # ",      "\\ ",
        "x\\",      ";;",
        "'",
    };
    const ByteView types[] = {oid::kCommonName,   oid::kCountryName,      oid::kDomainComponent,
                              oid::kEmailAddress, oid::kUnstructuredName, oid::kKeyUsage};
    for (const std::string_view value : values) {
        for (const ByteView type : types) {
            const Bytes one = ava(type, DerTag::kUtf8String, value);
            const Bytes other = ava(oid::kOrganizationName, DerTag::kUtf8String, value);
            for (const Bytes& der : {name_of({one}), name_of({one, other}), name_of({other, one}),
                                     der::sequence({der::set({one, other}), der::set({one})})}) {
                const auto name = Name::from_der(der);
                ASSERT_TRUE(name) << name.error().detail;
                const auto again = Name::from_text(name->text());
                ASSERT_EQ(bool(again), bool(name->check_legal_form())) << name->text();
                if (!again) continue;
                // Not by matches(), which folds spaces.
                ASSERT_EQ(again->rdns().size(), name->rdns().size());
                for (std::size_t i = 0; i < name->rdns().size(); ++i) {
                    const Rdn& expected = name->rdns()[i];
                    const Rdn& found = again->rdns()[i];
                    EXPECT_TRUE(std::is_permutation(
                        expected.begin(), expected.end(), found.begin(), found.end(),
                        [](const auto& a, const auto& b) {
                            return a.type == b.type && a.value == b.value;
                        }))
                        << name->text();
                }
                EXPECT_TRUE(matches(*again, *name));
            }
        }
    }
}

}  // namespace
}  // namespace scepgate::certs::this_file
