#include "certs/blocked_keys.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/certs/support/key_fixtures.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::ec_key;
using testing::rsa_key;

std::string spki_digest(const PublicKey& key) {
    return to_hex(sha256(key.spki()));
}

TEST(BlockedKeysTest, KnowsKeysByTheirSubjectPublicKeyInfo) {
    BlockedKeys blocked;
    EXPECT_FALSE(blocked.contains(ec_key().public_key()));
    ASSERT_TRUE(blocked.add("# from the audit of 2026\n\n  " + spki_digest(ec_key().public_key()) +
                            "  # device 17\r\n"));
    EXPECT_EQ(blocked.size(), 1U);
    EXPECT_TRUE(blocked.contains(ec_key().public_key()));
    EXPECT_FALSE(blocked.contains(rsa_key().public_key()));
    ASSERT_TRUE(blocked.add(spki_digest(rsa_key().public_key())));
    EXPECT_TRUE(blocked.contains(rsa_key().public_key())) << "a second list adds to the first";
    EXPECT_TRUE(blocked.contains(ec_key().public_key()));
}

TEST(BlockedKeysTest, SaysWhichLineIsNone) {
    for (const char* line : {"abc", "zz", "1234", "Modulus=00", "1234567890123456789012"}) {
        BlockedKeys blocked;
        const auto added = blocked.add("# one\n" + std::string(line) + "\n");
        ASSERT_FALSE(added) << line;
        EXPECT_EQ(added.error().code, Errc::kConfig);
        EXPECT_NE(added.error().detail.find("line 2"), std::string::npos) << added.error().detail;
    }
}

TEST(BlockedKeysTest, TakesNoFileThatIsNone) {
    BlockedKeys blocked;
    for (const char* file : {"/no/such/file", "/dev/zero", "/"})
        EXPECT_EQ(blocked.add_file(file).error().code, Errc::kConfig) << file;
}

}  // namespace
}  // namespace scepgate::certs::this_file
