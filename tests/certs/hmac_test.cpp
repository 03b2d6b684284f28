#include "certs/hmac.hpp"

#include <gtest/gtest.h>

namespace scepgate::this_file {
namespace {

// RFC 4231 sections 4.3 and 4.7.
TEST(HmacTest, MakesTheRfcsValues) {
    EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(
        to_hex(hmac_sha256(Bytes(131, 0xAA),
                           as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacTest, TakesAnEmptyMessage) {
    EXPECT_EQ(to_hex(hmac_sha256(as_bytes("key"), {})),
              "5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0");
}

}  // namespace
}  // namespace scepgate::this_file
