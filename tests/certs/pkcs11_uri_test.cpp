#include "certs/pkcs11_uri.hpp"

#include <gtest/gtest.h>

namespace scepgate::certs::this_file {
namespace {

TEST(Pkcs11UriTest, ReadsWhatNamesAnObject) {
    const auto uri = Pkcs11Uri::parse(
        "pkcs11:token=The%20Software%20PKCS%2311;serial=db3b;manufacturer=S;model=M;slot-id=5;"
        "object=my-key;id=%69%95%3E;type=private");
    ASSERT_TRUE(uri) << uri.error().detail;
    EXPECT_EQ(uri->token, "The Software PKCS#11");
    EXPECT_EQ(uri->serial, "db3b");
    EXPECT_EQ(uri->manufacturer, "S");
    EXPECT_EQ(uri->model, "M");
    EXPECT_EQ(uri->slot, 5U);
    EXPECT_EQ(uri->object, "my-key");
    EXPECT_EQ(to_hex(uri->id), "69953e");
}

TEST(Pkcs11UriTest, WritesWhatReadsTheSame) {
    const std::string text = "pkcs11:token=a%20b;object=k%2f%3b;id=%00%ff";
    EXPECT_EQ(Pkcs11Uri::parse(text).value().text(), text);
}

struct RefusedUri {
    const char* name;
    const char* text;
    const char* why;
};

class RefusedPkcs11Uri : public ::testing::TestWithParam<RefusedUri> {};

INSTANTIATE_TEST_SUITE_P(
    Uri, RefusedPkcs11Uri,
    ::testing::Values(RefusedUri{"Scheme", "file:key", "no PKCS#11 URI"},
                      RefusedUri{"NoObject", "pkcs11:token=t", "names no key"},
                      RefusedUri{"PinInQuery", "pkcs11:object=k?pin-value=1", "query"},
                      RefusedUri{"Twice", "pkcs11:object=k;object=l", "twice"},
                      RefusedUri{"UnknownAttribute", "pkcs11:object=k;label=l", "not known"},
                      RefusedUri{"Certificate", "pkcs11:object=k;type=cert", "private"},
                      RefusedUri{"CutEscape", "pkcs11:object=k%4", "hexadecimal"},
                      RefusedUri{"BadEscape", "pkcs11:object=%zz", "hexadecimal"},
                      RefusedUri{"EmptyLabel", "pkcs11:object=", "empty"},
                      RefusedUri{"NoValue", "pkcs11:object", "without '='"},
                      RefusedUri{"SlotIsNoNumber", "pkcs11:object=k;slot-id=x", "no number"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(RefusedPkcs11Uri, SaysWhy) {
    const auto uri = Pkcs11Uri::parse(GetParam().text);
    ASSERT_FALSE(uri);
    EXPECT_EQ(uri.error().code, Errc::kMalformed);
    EXPECT_NE(uri.error().detail.find(GetParam().why), std::string::npos) << uri.error().detail;
}

}  // namespace
}  // namespace scepgate::certs::this_file
