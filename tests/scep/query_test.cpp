#include "scep/query.hpp"

#include <gtest/gtest.h>

namespace scepgate::scep::this_file {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kLimit = 1024;

// FB EF BE FF FE: its base64 has a "+" in the first four digits and a "/" in the others.
const Bytes kOctets{0xFB, 0xEF, 0xBE, 0xFF, 0xFE};

struct GoodMessage {
    const char* name;
    std::string_view raw;
    Tolerances repairs;
};

const GoodMessage kGoodMessages[] = {
    {"B01_Encoded", "%2B%2b%2B%2B%2F%2f4%3D", {}},
    {"B01_RawPlus", "++++//4=", {"raw-plus"}},
    {"B01_Space", "    //4=", {"space-as-plus"}},
    {"B01_EncodedSpace", "%20%20%20%20//4=", {"space-as-plus"}},
    {"B01_PlusAndSpace", "+%20%2B+//4=", {"raw-plus", "space-as-plus"}},
    {"B02_UrlSafe", "----__4=", {"url-safe"}},
    {"B02_UrlSafeUnpadded", "----__4", {"no-padding", "url-safe"}},
    {"B03_LineFeeds", "%2B%2B%2B%2B%0A//4=%0A", {"line-breaks"}},
    {"B03_CarriageReturns", "%2B%2B%2B%2B%0D%0A//4=", {"line-breaks"}},
    {"B03_BreakInThePadding", "%2B%2B%2B%2B//4%0A=", {"line-breaks"}},
    {"B04_NoPadding", "%2B%2B%2B%2B//4", {"no-padding"}},
};

class GoodMessageTest : public ::testing::TestWithParam<GoodMessage> {};
INSTANTIATE_TEST_SUITE_P(Query, GoodMessageTest, ::testing::ValuesIn(kGoodMessages),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_P(GoodMessageTest, IsDecodedAndItsRepairsAreNamed) {
    const auto message = decode_query_message(GetParam().raw, kLimit);
    ASSERT_TRUE(message) << message.error().detail;
    EXPECT_EQ(message->bytes, kOctets);
    EXPECT_EQ(message->repairs, GetParam().repairs);
}

struct BadMessage {
    const char* name;
    std::string_view raw;
};

const BadMessage kBadMessages[] = {
    {"B02_BothAlphabets", "%2B-%2B%2B//4="},
    {"B02_UrlSafeWithSpace", "-%20--__4="},
    {"B03_RawLineFeed", "AAAA\nAAAA"},
    {"B03_RawCarriageReturn", "AAAA\rAAAA"},
    {"B03_Tab", "AAAA%09AAAA"},
    {"B04_OnePaddingTooMany", "AAA=="},
    {"B04_PaddingOfWholeGroup", "AAAA===="},
    {"B04_PaddingAfterWholeGroup", "AAAA="},
    {"B04_HalfThePadding", "AA="},
    {"B04_ThreePaddings", "AAAAA==="},
    {"B04_PaddingInTheMiddle", "AA==AAAA"},
    {"B04_LengthOneModuloFour", "AAAAA"},
    {"B04_SpareBits", "AAF="},
    {"B04_SpareBitsWithoutPadding", "AF"},
    {"B05_DoubleEncoding", "AAA%253D"},
    {"B05_NoHexDigits", "AAA%zz"},
    {"B05_Truncated", "AAAA%2"},
    {"B05_LonePercent", "AAAA%"},
    {"B05_UnicodeEscape", "%u002BAAA"},
    {"B06_Nul", "AAAA%00AAA"},
    {"B06_RawNul", "AAAA\0AAA"sv},
    {"B06_HighOctet", "AAAA%80AAA"},
    {"B06_RawHighOctet",
     "AAAA\x80"
     "AAA"},
    {"B06_PemArmour", "-----BEGIN%20PKCS7-----%0AAAAA%0A-----END%20PKCS7-----"},
    {"B06_Comma", "AAAA,AAA"},
    {"B07_Empty", ""},
    {"B07_LineBreaksAlone", "%0D%0A"},
    {"B07_PaddingAlone", "===="},
};

class BadMessageTest : public ::testing::TestWithParam<BadMessage> {};
INSTANTIATE_TEST_SUITE_P(Query, BadMessageTest, ::testing::ValuesIn(kBadMessages),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_P(BadMessageTest, IsMalformed) {
    const auto message = decode_query_message(GetParam().raw, kLimit);
    ASSERT_FALSE(message);
    EXPECT_EQ(message.error().code, Errc::kMalformed);
}

TEST(QueryMessageTest, A_B07_TheLimitIsOnDecodedOctets) {
    for (const std::size_t size : {0U, 1U, 2U, 3U, 4U, 5U, 299U, 300U, 301U}) {
        const std::string text = to_base64(Bytes(size + 1, 0x41));
        EXPECT_TRUE(decode_query_message(text, size + 1)) << size;
        EXPECT_FALSE(decode_query_message(text, size)) << size;
    }
}

TEST(QueryMessageTest, A_B07_ABombIsRefusedByItsLength) {
    const std::string bomb(10 * 1024 * 1024, 'A');
    EXPECT_FALSE(decode_query_message(bomb, 256 * 1024));
}

TEST(QueryMessageTest, A_B07_LineBreaksDoNotCountAgainstTheLimit) {
    std::string wrapped;
    for (int line = 0; line < 4; ++line)
        wrapped += "AAAA%0A";
    EXPECT_TRUE(decode_query_message(wrapped, 12));
}

TEST(QueryTest, FindsOperationAndMessageInEitherOrder) {
    for (const auto raw :
         {"operation=PKIOperation&message=AB%2B", "message=AB%2B&operation=PKIOperation",
          "a=b&operation=pkioperation&&c&message=AB%2B",
          "%6Fperation=PKI%4fperation&MESSAGE=AB%2B"}) {
        const auto query = parse_query(raw);
        ASSERT_TRUE(query) << raw;
        EXPECT_EQ(query->operation, Operation::kPkiOperation) << raw;
        EXPECT_EQ(query->message, "AB%2B") << raw;
    }
}

TEST(QueryTest, MessageKeepsItsEqualsSigns) {
    EXPECT_EQ(parse_query("operation=PKIOperation&message=AA==")->message, "AA==");
    EXPECT_EQ(parse_query("operation=PKIOperation&message=")->message, "");
    EXPECT_EQ(parse_query("operation=PKIOperation&message")->message, "");
}

TEST(QueryTest, KnowsEachOperationInAnyCase) {
    for (const auto operation : {Operation::kGetCaCaps, Operation::kGetCaCert,
                                 Operation::kGetNextCaCert, Operation::kPkiOperation}) {
        std::string raw = "operation=" + std::string(to_text(operation));
        EXPECT_EQ(parse_query(raw)->operation, operation) << raw;
        std::transform(raw.begin(), raw.end(), raw.begin(), [](char letter) {
            return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
        });
        EXPECT_EQ(parse_query(raw)->operation, operation) << raw;
    }
}

TEST(QueryTest, WithoutAnOperationThereIsNone) {
    for (const auto raw : {"", "&", "a=b", "message=0", "operations=GetCACaps"}) {
        const auto query = parse_query(raw);
        ASSERT_TRUE(query) << raw;
        EXPECT_FALSE(query->operation) << raw;
    }
}

TEST(QueryTest, A_H16_RefusesWhatIsRepeatedUnknownOrBroken) {
    for (const auto raw :
         {"operation=GetCACaps&operation=GetCACaps", "operation=GetCACaps&OPERATION=PKIOperation",
          "message=A&message=B", "message=A&mess%61ge=B", "operation=", "operation",
          "operation=GetCACapsX", "operation=GetCACaps%20", "operation=GetCACaps%00",
          "operation=%2547etCACaps", "operation=GetCACaps%4", "%zz=1", "a%=1"}) {
        const auto query = parse_query(raw);
        ASSERT_FALSE(query) << raw;
        EXPECT_EQ(query.error().code, Errc::kMalformed) << raw;
    }
}

}  // namespace
}  // namespace scepgate::scep::this_file
