#include "policy/blob_format.hpp"

#include <gtest/gtest.h>

#include "policy/blob_opener.hpp"
#include "tests/policy/support/blobs.hpp"

namespace scepgate::policy::testing::this_file {
namespace {

struct TextRow {
    const char* name;
    std::string_view text;
    const char* hex;  ///< nullptr: refused
};

const TextRow kTexts[] = {
    {"Standard", "+/8BAg==", "fbff0102"},
    {"UrlSafe", "-_8BAg==", "fbff0102"},
    {"UrlSafeWithoutPadding", "-_8BAg", "fbff0102"},
    {"SpacesAround", " \t+/8BAg==\r\n", "fbff0102"},
    {"LineBreaks", "+/8B\r\nAg==\n", "fbff0102"},
    {"BothAlphabets", "+_8BAg==", nullptr},
    {"NoPadding", "+/8BAg", nullptr},
    {"SpaceInside", "+/8B Ag==", nullptr},
    {"SpareBits", "+/8BAh==", nullptr},
    {"OtherCharacter", "+/8B*g==", nullptr},
    {"TooMuchPadding", "-_8BAg===", nullptr},
    {"Nothing", "", nullptr},
    {"OnlySpaces", " \r\n ", nullptr},
};

class BlobTextTest : public ::testing::TestWithParam<TextRow> {};

INSTANTIATE_TEST_SUITE_P(C12, BlobTextTest, ::testing::ValuesIn(kTexts),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(BlobTextTest, IsDecodedOrRefused) {
    const auto bytes = decode_blob_text(GetParam().text);
    if (GetParam().hex == nullptr) {
        EXPECT_FALSE(bytes);
    } else {
        ASSERT_TRUE(bytes) << bytes.error().detail;
        EXPECT_EQ(to_hex(*bytes), GetParam().hex);
    }
}

Bytes vector_bytes(const std::string& name) {
    return from_base64(read_vector(name + ".b64")).value();
}

TEST(BlobFormatTest, ReadsAnEnvelopeToAnEcKey) {
    const auto blob = read_blob(vector_bytes("good-ec"));
    ASSERT_TRUE(blob) << blob.error().detail;
    EXPECT_TRUE(blob->authenticated);
    EXPECT_TRUE(blob->signer().signer.names(certificate("signer-ec")));
    const auto envelope = read_envelope(blob->content(), blob->authenticated);
    ASSERT_TRUE(envelope) << envelope.error().detail;
    EXPECT_TRUE(envelope->recipient().names(certificate("recipient-ec")));
    EXPECT_FALSE(envelope->recipient().names(certificate("recipient-rsa")));
    EXPECT_EQ(envelope->encryption.cipher, certs::ContentCipher::kAes256Gcm);
}

TEST(BlobFormatTest, KeepsItsViewsWhenMoved) {
    auto blob = read_blob(vector_bytes("good-rsa"));
    ASSERT_TRUE(blob);
    const OuterBlob moved = std::move(*blob);
    auto envelope = read_envelope(moved.content(), moved.authenticated);
    ASSERT_TRUE(envelope);
    const BlobEnvelope moved_envelope = std::move(*envelope);
    EXPECT_TRUE(moved_envelope.recipient().names(certificate("recipient-rsa")));
}

TEST(BlobFormatTest, RefusesEachTruncation) {
    const Bytes whole = vector_bytes("good-ec");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(read_blob(ByteView(whole).first(size))) << size;
    }
}

// What is in neither signature nor envelope (the bag, hints) may change; nothing may crash, and no
// changed blob may lead to other claims.
TEST(BlobFormatTest, C09_EachChangedOctetIsRefusedOrMeansNothing) {
    const std::string good = seal_text(read_vector("claims.json"));
    const Bytes whole = from_base64(good).value();
    const std::string expected = encode_claims(claims());
    const BlobOpener opener(settings());
    std::size_t refused = 0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
        Bytes changed = whole;
        changed[i] ^= 0x01;
        const auto opened = opener.open(to_base64(changed), kNow);
        if (opened) {
            EXPECT_EQ(encode_claims(*opened), expected) << i;
        } else {
            ++refused;
        }
    }
    EXPECT_GT(refused, whole.size() / 2);
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file
