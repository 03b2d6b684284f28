// Files made by the openssl program (tests/data/certs/pkcs12/generate.sh).
#include "certs/pkcs12.hpp"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace scepgate::certs::this_file {
namespace {

Bytes file(const std::string& name) {
    std::ifstream stream(SCEPGATE_TEST_DATA "/certs/pkcs12/" + name, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    return to_bytes(as_bytes(text));
}

Secret passphrase(std::string_view text = "correct horse") {
    return Secret(text);
}

class Pkcs12Files : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Made, Pkcs12Files, ::testing::Values("aes", "legacy_3des", "legacy_rc2"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST_P(Pkcs12Files, GiveTheirKeyAndCertificates) {
    const auto read = read_pkcs12(file(std::string(GetParam()) + ".p12"), passphrase());
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->certificate.subject_text(), "CN=PKCS 12 CA");
    EXPECT_EQ(read->certificate.public_key().value(), read->key.public_key());
    ASSERT_EQ(read->more.size(), 1U);
    EXPECT_EQ(read->more.front().subject_text(), "CN=PKCS 12 root");
    EXPECT_TRUE(read->key.sign(Digest::kSha256, as_bytes("x")));
}

TEST_P(Pkcs12Files, RefuseAWrongPassphrase) {
    const auto read = read_pkcs12(file(std::string(GetParam()) + ".p12"), passphrase("wrong"));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::kConfig);
    EXPECT_NE(read.error().detail.find("passphrase is wrong"), std::string::npos);
    EXPECT_FALSE(read_pkcs12(file(std::string(GetParam()) + ".p12"), {}));
}

TEST(Pkcs12Test, RefusesWhatIsNone) {
    EXPECT_EQ(read_pkcs12(as_bytes("text"), passphrase()).error().code, Errc::kConfig);
    EXPECT_EQ(read_pkcs12({}, passphrase()).error().code, Errc::kConfig);
    Bytes longer = file("aes.p12");
    longer.push_back(0);
    EXPECT_FALSE(read_pkcs12(longer, passphrase()));
    EXPECT_NE(read_pkcs12(file("no_key.p12"), passphrase()).error().detail.find("no private key"),
              std::string::npos);
}

}  // namespace
}  // namespace scepgate::certs::this_file
