#include "certs/algorithms.hpp"

#include <gtest/gtest.h>

#include "certs/oids.hpp"

namespace scepgate::certs::this_file {
namespace {

constexpr std::array<Digest, 4> kAll{Digest::kSha1, Digest::kSha256, Digest::kSha384,
                                     Digest::kSha512};

Result<Digest> digest_from(const Bytes& encoded) {
    DerReader reader(encoded);
    const auto identifier = read_algorithm(reader);
    if (!identifier) return identifier.error();
    return parse_digest(*identifier);
}

Result<SignatureAlgorithm> signature_from(const Bytes& encoded,
                                          std::optional<Digest> digest = std::nullopt) {
    DerReader reader(encoded);
    const auto identifier = read_algorithm(reader);
    if (!identifier) return identifier.error();
    return parse_signature_algorithm(*identifier, digest);
}

TEST(AlgorithmsTest, DigestsAreTheOnesNamed) {
    EXPECT_EQ(to_hex(digest_of(Digest::kSha1, as_bytes("abc"))),
              "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(digest_of(Digest::kSha384, {}).size(), 48U);
    EXPECT_EQ(digest_of(Digest::kSha512, {}).size(), 64U);
    EXPECT_EQ(evp_md(Digest::kSha256), evp_md(Digest::kSha256));
    EXPECT_EQ(to_text(Digest::kSha256), "SHA-256");
}

TEST(AlgorithmsTest, IdentifiersRoundTrip) {
    for (const Digest digest : kAll) {
        EXPECT_EQ(digest_from(digest_identifier(digest)).value(), digest);
        for (const KeyType type : {KeyType::kRsa, KeyType::kEc}) {
            const SignatureAlgorithm algorithm{type, digest};
            EXPECT_EQ(signature_from(signature_identifier(algorithm)).value(), algorithm);
        }
    }
    EXPECT_EQ(to_text(SignatureAlgorithm{KeyType::kRsa, Digest::kSha256}),
              "sha256WithRSAEncryption");
    EXPECT_EQ(to_text(SignatureAlgorithm{KeyType::kEc, Digest::kSha384}), "ecdsa-with-SHA384");
}

TEST(AlgorithmsTest, RsaSignaturesHaveNullAndEcdsaNothing) {
    EXPECT_EQ(to_hex(signature_identifier({KeyType::kRsa, Digest::kSha256})),
              "300d06092a864886f70d01010b0500");
    EXPECT_EQ(to_hex(signature_identifier({KeyType::kEc, Digest::kSha256})),
              "300a06082a8648ce3d040302");
    EXPECT_EQ(to_hex(digest_identifier(Digest::kSha256)), "300b0609608648016503040201");
}

TEST(AlgorithmsTest, DigestParametersAreNullOrAbsent) {
    EXPECT_TRUE(digest_from(der::sequence({der::oid(oid::kSha256), der::null()})));
    const auto odd = digest_from(der::sequence({der::oid(oid::kSha256), der::integer(1)}));
    ASSERT_FALSE(odd);
    EXPECT_EQ(odd.error().code, Errc::kUnsupported);
    EXPECT_FALSE(digest_from(
        der::sequence({der::oid(oid::kSha256), der::element(DerTag::kNull, Bytes{0})})));
    EXPECT_FALSE(signature_from(der::sequence({der::oid(oid::kSha256WithRsa), der::integer(1)})));
}

TEST(AlgorithmsTest, Z10_Md5IsNeverTaken) {
    EXPECT_EQ(digest_from(der::sequence({der::oid(oid::kMd5), der::null()})).error().code,
              Errc::kUnsupported);
    EXPECT_EQ(signature_from(der::sequence({der::oid(oid::kMd5WithRsa), der::null()})).error().code,
              Errc::kUnsupported);
}

TEST(AlgorithmsTest, PssAndUnknownSignaturesAreUnsupported) {
    for (const ByteView name : {ByteView(oid::kRsassaPss), ByteView(oid::kCommonName)}) {
        const auto result = signature_from(der::sequence({der::oid(name)}));
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, Errc::kUnsupported);
    }
}

TEST(AlgorithmsTest, RsaEncryptionTakesItsDigestFromTheMessage) {
    const Bytes encoded = der::sequence({der::oid(oid::kRsaEncryption), der::null()});
    EXPECT_EQ(signature_from(encoded, Digest::kSha512).value(),
              (SignatureAlgorithm{KeyType::kRsa, Digest::kSha512}));
    EXPECT_EQ(signature_from(encoded).error().code, Errc::kUnsupported);
}

TEST(AlgorithmsTest, ASignatureAndItsMessageNameOneDigest) {
    const Bytes encoded = signature_identifier({KeyType::kRsa, Digest::kSha256});
    EXPECT_TRUE(signature_from(encoded, Digest::kSha256));
    EXPECT_EQ(signature_from(encoded, Digest::kSha1).error().code, Errc::kUnsupported);
}

TEST(AlgorithmsTest, MalformedIdentifiersDoNotMoveTheReader) {
    for (const char* text : {"", "3000", "0500", "3003020101", "300706052B0E03021A",
                             "300B06052B0E03021A05000500", "300706052B0E0302"}) {
        const Bytes encoded = from_hex(text).value();
        DerReader reader(encoded);
        const bool fine = static_cast<bool>(read_algorithm(reader));
        EXPECT_EQ(fine, std::string_view(text) == "300706052B0E03021A") << text;
        EXPECT_EQ(reader.rest().size(), fine ? 0 : encoded.size()) << text;
    }
}

}  // namespace
}  // namespace scepgate::certs::this_file
