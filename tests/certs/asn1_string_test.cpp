// Which characters text may hold, and which string type it is written in.
#include "certs/asn1_string.hpp"

#include <gtest/gtest.h>

namespace scepgate::certs::this_file {
namespace {

std::string utf8(char32_t point) {
    Bytes wide;
    for (int shift = 24; shift >= 0; shift -= 8)
        wide.push_back(static_cast<std::uint8_t>(point >> static_cast<unsigned>(shift)));
    return to_utf8(DerTag::kUniversalString, wide).value();
}

// DerivedCoreProperties.txt of Unicode 15, Default_Ignorable_Code_Point.
constexpr std::pair<char32_t, char32_t> kIgnorable[] = {
    {0x00AD, 0x00AD},   {0x034F, 0x034F},   {0x061C, 0x061C}, {0x115F, 0x1160}, {0x17B4, 0x17B5},
    {0x180B, 0x180F},   {0x200B, 0x200F},   {0x202A, 0x202E}, {0x2060, 0x206F}, {0x3164, 0x3164},
    {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFF8}, {0x1BCA0, 0x1BCA3},
    {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
};

TEST(ReadableTest, N04_RefusesEachCharacterThatIsNotSeen) {
    for (const auto& [first, last] : kIgnorable) {
        for (char32_t point = first; point <= last; ++point) {
            const auto readable = check_readable("a" + utf8(point) + "b");
            ASSERT_FALSE(readable) << std::hex << static_cast<std::uint32_t>(point);
            EXPECT_EQ(readable.error().code, Errc::kMalformed);
        }
    }
}

TEST(ReadableTest, TakesTheirVisibleNeighbours) {
    for (const char32_t point :
         {0x00AEU,  0x034EU,  0x0350U,  0x061BU,  0x061DU, 0x115EU, 0x1161U, 0x17B3U,
          0x17B6U,  0x180AU,  0x1810U,  0x200AU,  0x2010U, 0x2027U, 0x202FU, 0x205FU,
          0x2070U,  0x3163U,  0x3165U,  0xFDFFU,  0xFE10U, 0xFF9FU, 0xFFA1U, 0xFFFCU,
          0x1BC9FU, 0x1BCA4U, 0x1D172U, 0x1D17BU, 0xE1000U}) {
        EXPECT_TRUE(check_readable(utf8(point))) << std::hex << static_cast<std::uint32_t>(point);
    }
}

TEST(EncodeTextTest, IsPrintableStringWhereThatHoldsIt) {
    EXPECT_EQ(encode_text("A/b+c=1"), der::printable_string("A/b+c=1"));
    EXPECT_EQ(encode_text(""), der::printable_string(""));
    for (const std::string_view text : {"a_b", "a@b", "a*b", "\xC3\xA9"})
        EXPECT_EQ(encode_text(text), der::utf8_string(text)) << text;
}

}  // namespace
}  // namespace scepgate::certs::this_file
