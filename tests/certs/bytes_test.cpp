#include "certs/bytes.hpp"

#include <gtest/gtest.h>

#include "certs/secret.hpp"

namespace scepgate::this_file {
namespace {

TEST(BytesTest, HexRoundTripsAndReadsBothCases) {
    const Bytes bytes{0x00, 0x7F, 0xA0, 0xFF};
    EXPECT_EQ(to_hex(bytes), "007fa0ff");
    EXPECT_EQ(from_hex("007fa0ff").value(), bytes);
    EXPECT_EQ(from_hex("007FA0FF").value(), bytes);
    EXPECT_TRUE(from_hex("").value().empty());
}

TEST(BytesTest, HexRefusesOddLengthsAndOtherCharacters) {
    for (const char* text : {"0", "0g", "g0", " 0", "0x", "00 11"}) {
        const auto result = from_hex(text);
        ASSERT_FALSE(result) << text;
        EXPECT_EQ(result.error().code, Errc::kMalformed) << text;
    }
}

TEST(BytesTest, Base64HasTheVectorsOfRfc4648) {
    const std::pair<const char*, const char*> vectors[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (const auto& [plain, encoded] : vectors) {
        EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
        EXPECT_EQ(as_text(from_base64(encoded).value()), plain);
    }
    EXPECT_EQ(to_base64(Bytes{0xFB, 0xEF, 0xFF}), "++//");
}

TEST(BytesTest, Base64RoundTripsEveryLength) {
    for (std::size_t length = 0; length < 70; ++length) {
        const Bytes bytes = random_bytes(length);
        EXPECT_EQ(from_base64(to_base64(bytes)).value(), bytes);
    }
}

TEST(BytesTest, Base64RefusesWhatIsNotCanonical) {
    for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "Zm9v====", "Zh==", "Zm9=", "Zm 9", "Zm9\n",
                             "Zm9-", "Zm9_", "=m9v", "Z=9v", "Zm=v", "====", "\xff\xff\xff\xff"}) {
        const auto result = from_base64(text);
        ASSERT_FALSE(result) << text;
        EXPECT_EQ(result.error().code, Errc::kMalformed) << text;
    }
}

TEST(BytesTest, Sha256HasTheVectorOfFips180) {
    EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(to_hex(sha256({})),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(BytesTest, RandomBytesDiffer) {
    EXPECT_EQ(random_bytes(32).size(), 32U);
    EXPECT_NE(random_bytes(32), random_bytes(32));
}

TEST(SecretTest, EqualsComparesTheWholeContent) {
    const Secret secret(std::string_view("open sesame"));
    EXPECT_TRUE(secret.equals(as_bytes("open sesame")));
    EXPECT_FALSE(secret.equals(as_bytes("open sesamf")));
    EXPECT_FALSE(secret.equals(as_bytes("open sesam")));
    EXPECT_FALSE(secret.equals({}));
    EXPECT_TRUE(Secret().equals({}));
}

TEST(SecretTest, MovingLeavesNothingBehind) {
    Secret first(std::string_view("a secret"));
    Secret second(std::move(first));
    EXPECT_TRUE(first.empty());
    EXPECT_EQ(second.text(), "a secret");
    Secret third(std::string_view("another"));
    third = std::move(second);
    EXPECT_TRUE(second.empty());
    EXPECT_EQ(third.text(), "a secret");
    EXPECT_EQ(third.clone().text(), "a secret");
}

TEST(SecretTest, CannotBeCopiedByAccident) {
    EXPECT_FALSE(std::is_copy_constructible_v<Secret>);
    EXPECT_FALSE(std::is_copy_assignable_v<Secret>);
}

}  // namespace
}  // namespace scepgate::this_file
