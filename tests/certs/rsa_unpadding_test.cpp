#include "certs/rsa_unpadding.hpp"

#include <gtest/gtest.h>

namespace scepgate::certs::this_file {
namespace {

TEST(RsaUnpaddingTest, E07_RejectionValuesAreTheSameInEveryVersionAndOnEveryNode) {
    Bytes key(32);
    for (std::size_t i = 0; i < key.size(); ++i)
        key[i] = static_cast<std::uint8_t>(i);
    // Computed with Python's hmac module.
    const std::string expected =
        "2913e9452267368ff23d8175b2e3e7bc265d672eea2a8f23e2405a59de3df859"
        "dfa960252d1fce69";
    EXPECT_EQ(to_hex(rejection_value(Secret(key), as_bytes("ciphertext"), 40).view()), expected);
    EXPECT_EQ(to_hex(rejection_value(Secret(key), as_bytes("ciphertext"), 8).view()),
              expected.substr(0, 16));
}

TEST(RsaUnpaddingTest, EveryOctetOfTheBlockCounts) {
    constexpr std::size_t kMessage = 16;
    Bytes block(128, 0x5A);
    block[0] = 0x00;
    block[1] = 0x02;
    const std::size_t separator = block.size() - kMessage - 1;
    block[separator] = 0x00;
    EXPECT_EQ(is_pkcs1_encryption_block(block, kMessage), 0xFF);
    for (std::size_t at = 0; at < block.size(); ++at) {
        for (unsigned value = 0; value < 256; ++value) {
            Bytes changed = block;
            changed[at] = static_cast<std::uint8_t>(value);
            const bool fixed = at < 2 || at == separator;
            const bool good = fixed ? value == block[at] : at > separator || value != 0;
            ASSERT_EQ(is_pkcs1_encryption_block(changed, kMessage), good ? 0xFF : 0x00)
                << at << " " << value;
        }
    }
}

TEST(RsaUnpaddingTest, SelectTakesOneWhole) {
    const Bytes accepted{0x00, 0xFF, 0x12};
    const Bytes rejected{0xFF, 0x00, 0x34};
    EXPECT_TRUE(select(0xFF, accepted, rejected).equals(accepted));
    EXPECT_TRUE(select(0x00, accepted, rejected).equals(rejected));
}

}  // namespace
}  // namespace scepgate::certs::this_file
