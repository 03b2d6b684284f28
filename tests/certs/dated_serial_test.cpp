#include "certs/dated_serial.hpp"

#include <set>

#include <gtest/gtest.h>

#include "certs/der.hpp"

namespace scepgate::certs::this_file {
namespace {

TEST(DatedSerialTest, A01_GrowsWithTheTimeAndHas88BitsThatNobodyCanGuess) {
    constexpr std::int64_t kNow = 1'795'248'492;
    std::set<Bytes> seen;
    Bytes ones(16), zeros(16);
    for (int i = 0; i < 200; ++i) {
        const Bytes serial = dated_serial(kNow);
        ASSERT_EQ(serial.size(), 16U);
        EXPECT_EQ(to_hex(ByteView(serial).first(5)), "016b01516c");
        EXPECT_TRUE(seen.insert(serial).second);
        for (std::size_t at = 0; at < serial.size(); ++at) {
            ones[at] |= serial[at];
            zeros[at] |= static_cast<std::uint8_t>(~serial[at]);
        }
    }
    // A bit that stays the same 200 times is none.
    EXPECT_EQ(Bytes(ones.begin() + 5, ones.end()), Bytes(11, 0xFF));
    EXPECT_EQ(Bytes(zeros.begin() + 5, zeros.end()), Bytes(11, 0xFF));
    EXPECT_LT(*seen.rbegin(), dated_serial(kNow + 1));
}

TEST(DatedSerialTest, IsPositiveAndAsLongWhateverTheClockSays) {
    Bytes before;
    for (const std::int64_t now : {std::int64_t{-1}, std::int64_t{1}, std::int64_t{0x7FFFFFFF},
                                   std::int64_t{0xFFFFFFFF}, std::int64_t{253'402'300'799}}) {
        const Bytes serial = dated_serial(now);
        const Bytes encoded = der::unsigned_integer(serial);
        EXPECT_EQ(encoded[1], 16) << now << ": no sign octet, and none that is not needed";
        EXPECT_LT(before, serial) << now;
        before = serial;
    }
}

}  // namespace
}  // namespace scepgate::certs::this_file
