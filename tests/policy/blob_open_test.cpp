#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "tests/certs/support/raw_cms.hpp"
#include "tests/policy/support/blobs.hpp"

namespace scepgate::policy::testing::this_file {
namespace {

std::string good_blob() {
    return read_vector("good-ec.b64");
}

TEST(BlobOpenTest, C12_RefusesWhatIsNotBase64) {
    EXPECT_EQ(open_outcome("password"), "ChallengeDeserializationError");
    EXPECT_EQ(open_outcome("a password"), "ChallengeDecodingError");
    EXPECT_EQ(open_outcome(" "), "ChallengeDecodingError");
    EXPECT_EQ(open_outcome(std::string(8, '\0')), "ChallengeDecodingError");
}

TEST(BlobOpenTest, C12_TakesLineBreaksAndTheUrlSafeAlphabet) {
    std::string wrapped = "  ";
    const std::string blob = good_blob();
    for (std::size_t i = 0; i < blob.size(); i += 64)
        wrapped += blob.substr(i, 64) + "\r\n";
    EXPECT_EQ(open_outcome(wrapped), "ok");

    std::string url_safe = blob;
    std::replace(url_safe.begin(), url_safe.end(), '+', '-');
    std::replace(url_safe.begin(), url_safe.end(), '/', '_');
    std::erase(url_safe, '=');
    EXPECT_EQ(open_outcome(url_safe), "ok");
}

TEST(BlobOpenTest, C12_RefusesMoreThanTheLimit) {
    ChallengeBlobSettings server = settings();
    const std::string blob = good_blob();
    server.maximum_octets = blob.size();
    EXPECT_EQ(open_outcome(blob, kNow, server), "ok");
    server.maximum_octets = blob.size() - 1;
    EXPECT_EQ(open_outcome(blob, kNow, server), "ChallengeDecodingError");
    EXPECT_EQ(open_outcome(std::string(1 << 20, 'A')), "ChallengeDecodingError");
}

TEST(BlobOpenTest, C04_RefusesASignerOutsideItsValidity) {
    const certs::Certificate by = certificate("signer-ec");
    EXPECT_EQ(open_outcome(good_blob(), by.not_before() - 1), "SignerNotValid");
    EXPECT_EQ(open_outcome(good_blob(), by.not_before()), "ok");
    EXPECT_EQ(open_outcome(good_blob(), by.not_after()), "ok");
    EXPECT_EQ(open_outcome(good_blob(), by.not_after() + 1), "SignerNotValid");
}

TEST(BlobOpenTest, C04_RefusesATwinWithTheSignersNameAndSerial) {
    const certs::Certificate pinned = certificate("signer-ec");
    const auto key = certs::PrivateKey::generate({certs::KeyType::kEc, 256}).value();
    certs::CertificateContents contents;
    contents.serial = to_bytes(pinned.serial());
    contents.issuer_der = to_bytes(pinned.issuer_der());
    contents.subject_der = to_bytes(pinned.subject_der());
    contents.not_before = pinned.not_before();
    contents.not_after = pinned.not_after();
    contents.spki = to_bytes(key.public_key().spki());
    contents.extensions = {
        certs::key_usage_extension(certs::KeyUsage{certs::KeyUsageBit::kDigitalSignature})};
    const auto twin = certs::build_certificate(contents, key, certs::Digest::kSha256).value();
    ASSERT_TRUE(twin.signed_by(key.public_key()));
    const Bytes envelope =
        seal_envelope(as_bytes(read_vector("claims.json")), certificate("recipient-ec")).value();
    EXPECT_EQ(open_outcome(sign_content(envelope, {twin, key})), "SignatureValidationFailed");
}

TEST(BlobOpenTest, C05_TrustsNothingThatTheBlobBrings) {
    // Signed by an unknown signer, whose certificate is in the bag; and nobody is pinned at all.
    EXPECT_EQ(open_outcome(seal_text(read_vector("claims.json"), "recipient-ec", "signer-unknown")),
              "SigningCertThumbprintMismatch");
    ChallengeBlobSettings server = settings();
    server.trusted_signers.clear();
    EXPECT_EQ(open_outcome(good_blob(), kNow, server), "SigningCertThumbprintMismatch");
}

TEST(BlobOpenTest, C09_RefusesAnEnvelopeThatAnotherTrustedSignerSignsAnew) {
    const Bytes envelope =
        seal_envelope(as_bytes(read_vector("claims.json")), certificate("recipient-ec")).value();
    EXPECT_EQ(open_outcome(sign_content(envelope, signer("signer-ec"))), "ok");
    EXPECT_EQ(open_outcome(sign_content(envelope, signer("signer-rsa"))),
              "SigningCertThumbprintMismatch");
}

TEST(BlobOpenTest, TakesTheSignerThatIsMeantAmongThoseOfOneKey) {
    // Before and after the renewal of a signer's certificate: one key, one key identifier.
    const BlobSigner by = signer("signer-ec");
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.issuer_der = to_bytes(by.certificate.issuer_der());
    contents.subject_der = to_bytes(by.certificate.subject_der());
    contents.not_before = kNow - 7200;
    contents.not_after = kNow - 3600;
    contents.spki = to_bytes(by.key.public_key().spki());
    contents.extensions = {
        certs::key_usage_extension(certs::KeyUsage{certs::KeyUsageBit::kDigitalSignature}),
        certs::subject_key_identifier_extension(by.key.public_key())};
    const auto before = certs::build_certificate(contents, by.key, certs::Digest::kSha256).value();
    ChallengeBlobSettings server = settings();
    server.trusted_signers.insert(server.trusted_signers.begin(), before);
    EXPECT_EQ(open_outcome(read_vector("good-keyid-nocerts.b64"), kNow, server), "ok");
    server.trusted_signers = {before};
    EXPECT_EQ(open_outcome(read_vector("good-keyid-nocerts.b64"), kNow, server), "SignerNotValid");
}

TEST(BlobOpenTest, C06_GivesOneAnswerForAllFailuresOfDecryption) {
    const auto text_of = [](const std::string& blob) {
        const auto opened = open_blob(settings(), blob, kNow);
        return opened ? "ok" : opened.error().code + ": " + opened.error().text;
    };
    const std::string expected =
        "ChallengeDecryptionError: challenge: it does not decrypt with our key";
    for (const char* recipient : {"recipient-ec", "recipient-rsa", "recipient-p384"}) {
        const Bytes envelope =
            seal_envelope(as_bytes(read_vector("claims.json")), certificate(recipient)).value();
        ASSERT_EQ(text_of(sign_content(envelope, signer("signer-ec"))), "ok");
        auto parsed = certs::parse_enveloped_data(envelope, true).value();
        // One bit of the wrapped key, of the ciphertext and of the tag.
        const ByteView key = parsed.key_agreement.empty()
                                 ? parsed.key_transport.front().encrypted_key
                                 : parsed.key_agreement.front().encrypted_key;
        const auto key_end = static_cast<std::size_t>(key.data() + key.size() - envelope.data());
        for (const std::size_t at : {key_end - 1, envelope.size() - 20, envelope.size() - 1}) {
            Bytes changed = envelope;
            changed[at] ^= 0x01;
            EXPECT_EQ(text_of(sign_content(changed, signer("signer-ec"))), expected)
                << recipient << " " << at;
        }
    }
}

TEST(BlobOpenTest, C06_OpensOnlyWithTheKeyThatIsNamed) {
    ChallengeBlobSettings server = settings();
    std::erase_if(server.decryption, [](const BlobDecryptionKey& each) {
        return each.certificate == certificate("recipient-ec");
    });
    EXPECT_EQ(open_outcome(good_blob(), kNow, server), "ChallengeDecryptionError");
    // Named, but the key is another: no further key is tried.
    server = settings();
    server.decryption.front().key = private_key("recipient-other");
    EXPECT_EQ(open_outcome(good_blob(), kNow, server), "ChallengeDecryptionError");
    // Named, but the key is of another type, or on another curve.
    server.decryption.front().key = private_key("recipient-rsa");
    EXPECT_EQ(open_outcome(good_blob(), kNow, server), "ChallengeDecryptionError");
    server.decryption.front().key = private_key("recipient-p384");
    EXPECT_EQ(open_outcome(good_blob(), kNow, server), "ChallengeDecryptionError");
}

TEST(BlobOpenTest, C06_EachChangedOctetOfAnEnvelopeIsRefusedOrMeansNothing) {
    const std::vector<BlobDecryptionKey> keys = settings().decryption;
    const std::string plain = "{}";
    for (const char* recipient : {"recipient-ec", "recipient-rsa"}) {
        const Bytes envelope = seal_envelope(as_bytes(plain), certificate(recipient)).value();
        std::size_t refused = 0;
        for (std::size_t i = 0; i < envelope.size(); ++i) {
            Bytes changed = envelope;
            changed[i] ^= 0x01;
            const auto read = read_envelope(changed, true);
            const auto opened = read ? open_envelope(*read, keys) : Result<Secret>(read.error());
            if (opened) {
                EXPECT_EQ(opened->text(), plain) << recipient << " " << i;
            } else {
                ++refused;
            }
        }
        EXPECT_GT(refused, envelope.size() - 10) << recipient;
    }
}

/// A blob whose signature and attributes are made by hand, by "signer-ec".
std::string signed_by_hand(const std::vector<Bytes>& content_type, certs::Digest announced,
                           certs::Digest used) {
    const BlobSigner by = signer("signer-ec");
    const Bytes envelope =
        seal_envelope(as_bytes(read_vector("claims.json")), certificate("recipient-ec")).value();
    certs::testing::RawSigner info;
    info.sid = by.certificate.issuer_and_serial();
    info.digest = used;
    info.digest_algorithm = certs::digest_identifier(announced);
    info.attributes = content_type;
    info.attributes.push_back(certs::testing::raw_attribute(
        certs::oid::kMessageDigest, {certs::der::octet_string(certs::digest_of(used, envelope))}));
    info.signature_algorithm = certs::signature_identifier(by.key.signature_algorithm(used));
    info.key = by.key;
    certs::testing::RawSignedData data;
    data.content_type = to_bytes(certs::oid::kAuthEnvelopedData);
    data.content = envelope;
    data.signers = {info.build(envelope)};
    return to_base64(data.build());
}

Bytes content_type(ByteView type) {
    return certs::testing::raw_attribute(certs::oid::kContentType, {certs::der::oid(type)});
}

// RFC 5652 section 5.3: it MUST be there when the content is not id-data.
TEST(BlobOpenTest, C09_TheSignatureMustNameTheTypeOfTheContent) {
    const auto outcome_with = [](const std::vector<Bytes>& attributes) {
        return open_outcome(
            signed_by_hand(attributes, certs::Digest::kSha256, certs::Digest::kSha256));
    };
    EXPECT_EQ(outcome_with({content_type(certs::oid::kAuthEnvelopedData)}), "ok");
    EXPECT_EQ(outcome_with({}), "SignatureValidationFailed");
    EXPECT_EQ(outcome_with({content_type(certs::oid::kData)}), "SignatureValidationFailed");
}

TEST(BlobOpenTest, C09_TheDigestOfASignatureIsTheOneThatIsNamed) {
    const std::vector<Bytes> type{content_type(certs::oid::kAuthEnvelopedData)};
    using enum certs::Digest;
    EXPECT_EQ(open_outcome(signed_by_hand(type, kSha384, kSha384)), "ok");
    EXPECT_EQ(open_outcome(signed_by_hand(type, kSha256, kSha384)), "SignatureValidationFailed");
}

// What is refused for its kind costs no private-key operation, and says so.
TEST(BlobOpenTest, C06_AnAlgorithmIsRefusedBeforeAPrivateKeyWorks) {
    const auto code = [](const std::string& recipient, const std::string& key) {
        const Bytes envelope = seal_envelope(as_bytes("{}"), certificate(recipient)).value();
        const auto opened = open_envelope(read_envelope(envelope, true).value(),
                                          {{certificate(recipient), private_key(key)}});
        return opened ? std::string("ok") : opened.error().detail;
    };
    EXPECT_EQ(code("recipient-ec", "recipient-rsa"), "key agreement with our RSA key");
    EXPECT_EQ(code("recipient-rsa", "recipient-ec"), "key transport with our EC key");
    const certs::Certificate rsa = certificate("recipient-rsa");
    const Bytes pkcs1 =
        certs::build_enveloped_data(as_bytes("{}"), certs::ContentCipher::kAes256Cbc, rsa,
                                    rsa.public_key().value())
            .value();
    const auto opened = open_envelope(read_envelope(pkcs1, false).value(), settings().decryption);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::kUnsupported);
}

TEST(BlobOpenTest, C07_RefusesAnUnencryptedOrNestedBlob) {
    const BlobSigner by = signer("signer-ec");
    const std::string json = read_vector("claims.json");
    EXPECT_EQ(open_outcome(sign_content(as_bytes(json), by, certs::oid::kData)),
              "ChallengeDeserializationError");
    EXPECT_EQ(open_outcome(sign_content(as_bytes(json), by)), "ChallengeDecryptionError");
    EXPECT_EQ(open_outcome(to_base64(as_bytes(json))), "ChallengeDeserializationError");
    const Bytes signed_data = from_base64(good_blob()).value();
    EXPECT_EQ(open_outcome(sign_content(signed_data, by, certs::oid::kSignedData)),
              "ChallengeDeserializationError");
    // The types exchanged.
    const Bytes envelope = seal_envelope(as_bytes(json), certificate("recipient-ec")).value();
    EXPECT_EQ(open_outcome(sign_content(envelope, by, certs::oid::kEnvelopedData)),
              "ChallengeDecryptionError");
    // Wrapped in a ContentInfo: a layout too many.
    EXPECT_EQ(open_outcome(sign_content(
                  certs::build_content_info(certs::oid::kAuthEnvelopedData, envelope), by)),
              "ChallengeDecryptionError");
}

TEST(BlobOpenTest, C10_RefusesClaimsThatAreNotStrict) {
    for (const char* plain : {"", "{}", "[]", "\xEF\xBB\xBF{}", "{\"v\":1,\"v\":1}", "<xml/>"}) {
        EXPECT_EQ(open_outcome(seal_text(plain)), "ClaimsInvalid") << plain;
    }
}

TEST(BlobOpenTest, C06_WhatAWrongKeyMakesOfACbcBlobIsNeverTakenForClaims) {
    // CBC has no tag: under a wrong key one plaintext in 256 has sound padding, and is any octets.
    const certs::Certificate recipient = certificate("recipient-rsa");
    const certs::PublicKey key = recipient.public_key().value();
    const auto seal_cbc = [&](std::string_view plain) {
        const Bytes envelope =
            certs::build_enveloped_data(as_bytes(plain), certs::ContentCipher::kAes256Cbc,
                                        recipient, key, certs::Digest::kSha256)
                .value();
        return sign_content(envelope, signer("signer-ec"), certs::oid::kEnvelopedData);
    };
    const std::string json = read_vector("claims.json");
    ASSERT_NE(open_outcome(seal_cbc(json)), "ChallengeDecryptionError");
    for (const std::string& noise :
         {std::string(), std::string("7"), std::string("[]"), std::string("\0{}", 3),
          std::string("\xC3\x28\x9F"), json.substr(1), json.substr(0, json.rfind('}'))}) {
        const auto opened = open_blob(settings(), seal_cbc(noise), kNow);
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, "ChallengeDecryptionError") << noise;
        EXPECT_EQ(opened.error().text, "challenge: it does not decrypt with our key") << noise;
    }
    EXPECT_EQ(open_outcome(seal_cbc("{}")), "ClaimsInvalid");
}

TEST(BlobOpenTest, C16_SaysNothingOfTheBlobsContent) {
    std::string json = read_vector("claims.json");
    json.replace(json.find("0123456789abcdef"), 16, "0123456789abcdeX");
    const auto opened = open_blob(settings(), seal_text(json), kNow);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().text.find("abcdeX"), std::string::npos) << opened.error().text;
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file
