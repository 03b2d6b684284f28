// What is said of two forms of one name.
#include "server/ca_names.hpp"

#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

/// SEQUENCE of one RDN, CN.
Bytes cn(std::uint8_t tag, std::string_view value) {
    Bytes der{0x55, 0x04, 0x03, tag, static_cast<std::uint8_t>(value.size())};
    der.insert(der.end(), value.begin(), value.end());
    der.insert(der.begin(), {0x06, 0x03});
    for (const std::uint8_t outer : Bytes{0x30, 0x31, 0x30})
        der.insert(der.begin(), {outer, static_cast<std::uint8_t>(der.size())});
    return der;
}

constexpr std::uint8_t kUtf8 = 0x0C, kPrintable = 0x13;

TEST(NameDifference, SaysWhatIsWrittenOtherwise) {
    EXPECT_EQ(name_difference(cn(kPrintable, "A"), cn(kUtf8, "A")),
              "'A' is a PrintableString, and was a UTF8String");
    EXPECT_EQ(name_difference(cn(kUtf8, "A CA"), cn(kUtf8, "a ca")), "'A CA', and was 'a ca'");
    EXPECT_EQ(name_difference(cn(kUtf8, "B"), cn(kUtf8, "A")), "'CN=B', and was 'CN=A'");
    EXPECT_EQ(name_difference(Bytes{0x30}, cn(kUtf8, "A")), "it cannot be read");
}

}  // namespace
}  // namespace scepgate::server::this_file
