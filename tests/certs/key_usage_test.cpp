#include "certs/key_usage.hpp"

#include <gtest/gtest.h>

#include "certs/der.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs::this_file {
namespace {

using enum KeyUsageBit;

Bytes hex(std::string_view text) {
    return from_hex(text).value();
}

TEST(KeyUsageTest, ReadsNamedBits) {
    const struct {
        const char* der;
        KeyUsage usage;
    } rows[] = {
        {"03020780", {kDigitalSignature}},
        {"03020520", {kKeyEncipherment}},
        {"030205A0", {kDigitalSignature, kKeyEncipherment}},
        {"03020106", {kKeyCertSign, kCrlSign}},
        {"0303070080", {kDecipherOnly}},
        {"0303078080", {kDigitalSignature, kDecipherOnly}},
        // trailing zero bits
        {"030200A0", {kDigitalSignature, kKeyEncipherment}},
        {"03030780"
         "00",
         {kDigitalSignature}},
        {"0303008000", {kDigitalSignature}},
    };
    for (const auto& row : rows) {
        const auto usage = KeyUsage::from_der(hex(row.der));
        ASSERT_TRUE(usage) << row.der << ": " << usage.error().detail;
        EXPECT_EQ(*usage, row.usage) << row.der;
    }
}

TEST(KeyUsageTest, RefusesWhatIsNoKeyUsage) {
    for (const char* der :
         {"", "0300", "030100", "030107",
          "03020780"
          "00",
          "03020880", "030207FF", "03020700",
          "030200"
          "00",
          "0303070001", "0303060040", "030400800000", "040180", "2303030100", "0303000000"}) {
        const auto usage = KeyUsage::from_der(hex(der));
        ASSERT_FALSE(usage) << der;
        EXPECT_EQ(usage.error().code, Errc::kMalformed);
    }
}

TEST(KeyUsageTest, WritesTheFewestBits) {
    EXPECT_EQ(to_hex(KeyUsage{kDigitalSignature}.der()), "03020780");
    EXPECT_EQ(to_hex(KeyUsage{kKeyEncipherment}.der()), "03020520");
    EXPECT_EQ(to_hex((KeyUsage{kDigitalSignature, kKeyEncipherment}.der())), "030205a0");
    EXPECT_EQ(to_hex((KeyUsage{kKeyCertSign, kCrlSign}.der())), "03020106");
    EXPECT_EQ(to_hex((KeyUsage{kKeyAgreement, kDecipherOnly}.der())), "0303070880");
    EXPECT_EQ(to_hex(KeyUsage().der()), "030100");
}

TEST(KeyUsageTest, EachSetRoundTripsThroughDerAndNames) {
    for (unsigned bits = 1; bits < 512; ++bits) {
        std::vector<std::string> names;
        for (unsigned i = 0; i < 9; ++i) {
            const KeyUsage one{static_cast<KeyUsageBit>(i)};
            if ((bits >> i & 1U) != 0) names.push_back(one.names().at(0));
        }
        const KeyUsage usage = KeyUsage::from_names(names).value();
        EXPECT_EQ(KeyUsage::from_der(usage.der()).value(), usage);
        EXPECT_EQ(usage.names(), names);
    }
}

TEST(KeyUsageTest, HasNamesAndSetOperations) {
    const KeyUsage both{kDigitalSignature, kKeyEncipherment};
    EXPECT_TRUE(both.has(kKeyEncipherment));
    EXPECT_FALSE(both.has(kKeyCertSign));
    EXPECT_TRUE(KeyUsage{kDigitalSignature}.within(both));
    EXPECT_FALSE(both.within(KeyUsage{kDigitalSignature}));
    EXPECT_TRUE(KeyUsage().within(both));
    EXPECT_EQ(both.text(), "digitalSignature, keyEncipherment");
    EXPECT_EQ(KeyUsage().text(), "none");
    EXPECT_EQ(KeyUsage::from_names({"contentCommitment"}).value(), KeyUsage{kNonRepudiation});
    EXPECT_EQ(KeyUsage{kNonRepudiation}.text(), "nonRepudiation");
    EXPECT_FALSE(KeyUsage::from_names({"DigitalSignature"}));
    EXPECT_FALSE(KeyUsage::from_names({"digitalSignature", ""}));
}

TEST(PurposeTest, FollowsNdesChoiceOfTemplate) {
    EXPECT_EQ(purpose_of(KeyUsage{kDigitalSignature}).value(), Purpose::kSignature);
    EXPECT_EQ(purpose_of(KeyUsage{kKeyEncipherment}).value(), Purpose::kEncryption);
    EXPECT_EQ(purpose_of(KeyUsage{kDigitalSignature, kKeyEncipherment}).value(),
              Purpose::kGeneralPurpose);
    EXPECT_EQ(purpose_of(std::nullopt).value(), Purpose::kGeneralPurpose);

    for (const KeyUsage usage :
         {KeyUsage{}, KeyUsage{kNonRepudiation}, KeyUsage{kKeyCertSign},
          KeyUsage{kDigitalSignature, kNonRepudiation}, KeyUsage{kKeyEncipherment, kKeyAgreement},
          KeyUsage{kDigitalSignature, kKeyEncipherment, kKeyCertSign}}) {
        const auto purpose = purpose_of(usage);
        ASSERT_FALSE(purpose) << usage.text();
        EXPECT_EQ(purpose.error().code, Errc::kDenied);
        EXPECT_NE(purpose.error().detail.find(usage.text()), std::string::npos);
    }
}

TEST(PurposeTest, HasTextForms) {
    for (const Purpose purpose :
         {Purpose::kSignature, Purpose::kEncryption, Purpose::kGeneralPurpose}) {
        EXPECT_EQ(purpose_from_text(to_text(purpose)).value(), purpose);
    }
    EXPECT_EQ(to_text(Purpose::kGeneralPurpose), "general_purpose");
    EXPECT_FALSE(purpose_from_text("both"));
}

TEST(ExtendedKeyUsageTest, RoundTrips) {
    const ExtendedKeyUsage usages{to_bytes(oid::kEkuClientAuth), to_bytes(oid::kEkuSmartcardLogon)};
    const Bytes der = encode_extended_key_usage(usages);
    EXPECT_EQ(to_hex(der), "301606082b06010505070302060a2b060104018237140202");
    EXPECT_EQ(parse_extended_key_usage(der).value(), usages);
    EXPECT_EQ(to_text(usages), "clientAuth, smartcardLogon");
    EXPECT_EQ(to_text(ExtendedKeyUsage{}), "none");
}

TEST(ExtendedKeyUsageTest, N13_RefusesAnEmptyListAndMoreThan50) {
    const Bytes usage = der::oid(oid::kEkuClientAuth);
    Bytes fifty;
    for (int i = 0; i < 50; ++i)
        fifty.insert(fifty.end(), usage.begin(), usage.end());
    EXPECT_EQ(parse_extended_key_usage(der::sequence({fifty})).value().size(), 50U);
    for (const Bytes& der :
         {der::sequence({}), der::sequence({fifty, usage}), usage, Bytes{},
          der::concat({der::sequence({usage}), usage}), der::sequence({der::null()})}) {
        const auto usages = parse_extended_key_usage(der);
        ASSERT_FALSE(usages) << to_hex(der);
        EXPECT_EQ(usages.error().code, Errc::kMalformed);
    }
}

TEST(ExtendedKeyUsageTest, HasNames) {
    for (const char* name :
         {"clientAuth", "serverAuth", "codeSigning", "emailProtection", "ipsecIKE", "timeStamping",
          "OCSPSigning", "smartcardLogon", "1.2.3.4"}) {
        EXPECT_EQ(extended_key_usage_to_text(extended_key_usage_from_text(name).value()), name);
    }
    EXPECT_EQ(extended_key_usage_from_text("1.3.6.1.5.5.7.3.2").value(),
              to_bytes(oid::kEkuClientAuth));
    EXPECT_FALSE(extended_key_usage_from_text("any"));
    EXPECT_FALSE(extended_key_usage_from_text(""));
}

TEST(ExtendedKeyUsageTest, ComparesAsSets) {
    const Bytes a = to_bytes(oid::kEkuClientAuth);
    const Bytes b = to_bytes(oid::kEkuServerAuth);
    EXPECT_TRUE(same_usages({a, b}, {b, a, a}));
    EXPECT_TRUE(same_usages({}, {}));
    EXPECT_FALSE(same_usages({a}, {a, b}));
    EXPECT_FALSE(same_usages({a, b}, {a}));
}

}  // namespace
}  // namespace scepgate::certs::this_file
