// What is said of two forms of one name.
#include "server/ca_names.hpp"

#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

/// SEQUENCE of one RDN, CN.
Bytes cn(char tag, std::string_view value) {
    const auto size = static_cast<char>(value.size());
    const auto more = [size](int octets) { return static_cast<char>(size + octets); };
    std::string der{0x30, more(11), 0x31, more(9), 0x30, more(7), 6, 3, 0x55, 4, 3, tag, size};
    der += value;
    return to_bytes(as_bytes(der));
}

constexpr char kUtf8 = 0x0C, kPrintable = 0x13;

TEST(NameDifference, SaysWhatIsWrittenOtherwise) {
    EXPECT_EQ(name_difference(cn(kPrintable, "A"), cn(kUtf8, "A")),
              "'A' is a PrintableString, and was a UTF8String");
    EXPECT_EQ(name_difference(cn(kUtf8, "A CA"), cn(kUtf8, "a ca")), "'A CA', and was 'a ca'");
    EXPECT_EQ(name_difference(cn(kUtf8, "B"), cn(kUtf8, "A")), "'CN=B', and was 'CN=A'");
    EXPECT_EQ(name_difference(Bytes{0x30}, cn(kUtf8, "A")), "it cannot be read");
}

}  // namespace
}  // namespace scepgate::server::this_file
