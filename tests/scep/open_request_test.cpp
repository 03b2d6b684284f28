// The signature and the signer (attacks.md S09, S13, S14, K01, K02; rfc8894.md B28–B31).
#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include "scep/cert_rep.hpp"
#include "tests/scep/support/decryptions.hpp"
#include "tests/scep/support/raw_request.hpp"

namespace scepgate::scep::this_file {
namespace {

namespace der = certs::der;
namespace oid = certs::oid;
using certs::testing::algorithm;
using certs::testing::RawSignedData;
using certs::testing::RawSigner;
using testing::attacker_key;
using testing::device_key;
using testing::envelope_of;
using testing::honest_message;
using testing::Message;
using testing::message_of;
using testing::outcome_of;

constexpr std::string_view kBadSignature = "badMessageCheck SignatureInvalid";

Bytes with_signer(const Message& message, const RawSigner& signer) {
    RawSignedData data = message.signed_data();
    data.signers = {signer.build(message.content)};
    return data.build();
}

TEST(OpenRequestTest, R_B16_TypesThatNoClientSendsAreRefusedBeforeAnythingElse) {
    Message message = honest_message();
    for (const auto type : {"0", "1", "3", "18", "23"}) {
        message.set_type(type);
        RawSigner signer = message.signer();
        signer.signature = Bytes(256, 0x00);
        EXPECT_EQ(outcome_of(with_signer(message, signer)), "badRequest MessageTypeUnsupported");
    }
}

TEST(OpenRequestTest, R_B15_EachTypeThatClientsSendIsVerifiedAndOpened) {
    Message message = honest_message();
    for (const auto type : {"17", "19", "20", "21", "22"}) {
        message.set_type(type);
        const auto opened = open_request(read_signed_request(message.build()).value(),
                                         testing::our_recipients(), {});
        ASSERT_TRUE(opened) << opened.error().text;
        EXPECT_EQ(std::to_string(static_cast<int>(opened->type())), type);
        RawSigner signer = message.signer();
        signer.signature = Bytes(256, 0x00);
        EXPECT_EQ(outcome_of(with_signer(message, signer)), kBadSignature) << type;
    }
}

TEST(OpenRequestTest, R_C16_WhomARequestIsForIsReadWithoutAnyKey) {
    const auto before = testing::decryptions();
    const auto request = read_signed_request(honest_message().build()).value();
    EXPECT_TRUE(is_addressed_to(request, testing::our_recipients()));
    EXPECT_FALSE(is_addressed_to(request, {}));
    auto others = testing::our_recipients();
    others.erase(others.begin());
    EXPECT_FALSE(is_addressed_to(request, others));

    Message message = honest_message();
    message.content = Bytes{0x30, 0x03, 0x02, 0x01, 0x00};
    const auto broken = read_signed_request(message.build()).value();
    EXPECT_FALSE(is_addressed_to(broken, testing::our_recipients()));
    EXPECT_EQ(testing::decryptions(), before);
}

TEST(OpenRequestTest, A_E06_SaysWhenAllThatIsPublicWasJudged) {
    const auto request = read_signed_request(honest_message().build()).value();
    const auto before = std::chrono::steady_clock::now();
    const auto opened = open_request(request, testing::our_recipients(), {}).value();
    EXPECT_GT(opened.judged(), before);
    EXPECT_LT(opened.judged(), std::chrono::steady_clock::now());
}

TEST(OpenRequestTest, A_Z06_EveryPublicCheckComesBeforeThePrivateKey) {
    const auto outcome = [&](const Bytes& octets, const AlgorithmRules& rules = {}) {
        const auto request = read_signed_request(octets);
        const auto opened = open_request(request.value(), testing::our_recipients(), rules);
        return opened ? std::string("opened") : opened.error().code;
    };
    const std::size_t before = testing::decryptions();
    EXPECT_EQ(outcome(honest_message().build()), "opened");
    EXPECT_EQ(testing::decryptions(), before + 1) << "counted, and no more than one";

    Message message = honest_message();
    message.set_type("18");
    EXPECT_EQ(outcome(message.build()), "MessageTypeUnsupported");
    message = honest_message();
    message.digest = certs::Digest::kSha1;
    AlgorithmRules without_sha1;
    without_sha1.sha1 = false;
    EXPECT_EQ(outcome(message.build(), without_sha1), "DigestUnsupported");
    message = honest_message();
    AlgorithmRules large;
    large.key_limits.minimum_rsa_bits = 4096;
    EXPECT_EQ(outcome(message.build(), large), "SignerKeyUnsupported");
    message.message_digest = Message::attribute(oid::kMessageDigest, der::null());
    EXPECT_EQ(outcome(message.build()), "SignatureInvalid");

    const auto enveloped = [&](const testing::Envelope& envelope) {
        return outcome(message_of(envelope.build(), device_key()).build());
    };
    const testing::Envelope honest = envelope_of(device_key());
    testing::Envelope envelope = honest;
    envelope.content_type = to_bytes(oid::kSignedData);
    EXPECT_EQ(enveloped(envelope), "EnvelopeMalformed");
    envelope = honest;
    envelope.cipher_algorithm = algorithm(oid::kDesCbc, der::octet_string(Bytes(8)));
    EXPECT_EQ(enveloped(envelope), "ContentCipherUnsupported");
    envelope.cipher_algorithm = algorithm(oid::kAes128Cbc, der::octet_string(Bytes(8)));
    EXPECT_EQ(enveloped(envelope), "ContentCipherUnsupported");
    envelope = honest;
    const Bytes key = testing::encrypted_key(honest, testing::ra_key());
    envelope.recipients = std::vector<Bytes>{
        der::sequence({der::integer(0), testing::ra_reference(),
                       algorithm(oid::kSha1WithRsa, der::null()), der::octet_string(key)})};
    EXPECT_EQ(enveloped(envelope), "KeyTransportUnsupported");
    const Bytes ours = certs::testing::key_transport(testing::ra_reference(), key);
    envelope.recipients = std::vector<Bytes>{ours, ours};
    EXPECT_EQ(enveloped(envelope), "SeveralRecipients");
    envelope.recipients =
        std::vector<Bytes>{certs::testing::key_transport(testing::foreign_reference(), key)};
    EXPECT_EQ(enveloped(envelope), undecryptable().code);
    envelope = honest;
    envelope.ciphertext = Bytes(262'144 + 32);
    EXPECT_EQ(enveloped(envelope), "EnvelopeTooLarge");
    EXPECT_EQ(testing::decryptions(), before + 1) << "none but the honest one";
}

TEST(OpenRequestTest, A_E15_AGetCertOrGetCrlIsShorterThanARequestForACertificate) {
    const auto outcome = [](std::string_view type, std::size_t octets) {
        testing::Envelope envelope;
        envelope.ciphertext = Bytes(octets);
        Message message = message_of(envelope.build(), device_key());
        message.set_type(type);
        const auto opened = open_request(read_signed_request(message.build()).value(),
                                         testing::our_recipients(), {});
        return opened ? std::string("opened") : opened.error().code;
    };
    for (const auto type : {"21", "22"}) {
        EXPECT_EQ(outcome(type, 16'400), "opened") << type;
        EXPECT_EQ(outcome(type, 16'416), "EnvelopeTooLarge") << type;
    }
    for (const auto type : {"17", "19", "20"}) {
        EXPECT_EQ(outcome(type, 262'160), "opened") << type;
        EXPECT_EQ(outcome(type, 262'176), "EnvelopeTooLarge") << type;
    }
}

TEST(OpenRequestTest, A_S19_AServersOwnReplyIsNoRequest) {
    ReplyAddress to;
    to.transaction_id = "transaction-1";
    to.recipient_nonce = Bytes(16, 0x01);
    const ReplySigner signer{testing::our_recipients()[0].certificate, testing::ra_key()};
    const auto reply = encode_failure(to, FailInfo::kBadRequest, signer, 1'800'000'000);
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(outcome_of(*reply), "badRequest MessageTypeUnsupported");
}

TEST(OpenRequestTest, A_S09_TheDigestMustBeTheContents) {
    Message message = honest_message();
    message.message_digest = Message::attribute(
        oid::kMessageDigest, der::octet_string(sha256(as_bytes("other content"))));
    EXPECT_EQ(outcome_of(message), kBadSignature);
    message.message_digest = Bytes();
    EXPECT_EQ(outcome_of(message), kBadSignature);
    message.message_digest = Message::attribute(oid::kMessageDigest, der::null());
    EXPECT_EQ(outcome_of(message), kBadSignature);

    const Message honest = honest_message();
    RawSignedData swapped = honest.signed_data();
    swapped.content = envelope_of(attacker_key()).build();
    EXPECT_EQ(outcome_of(swapped.build()), kBadSignature);
}

TEST(OpenRequestTest, R_B29_TheContentTypeAttributeMustBeTheContents) {
    Message message = honest_message();
    message.content_type = Message::attribute(oid::kContentType, der::oid(oid::kEnvelopedData));
    EXPECT_EQ(outcome_of(message), kBadSignature);
    message.content_type = Message::attribute(oid::kContentType, der::null());
    EXPECT_EQ(outcome_of(message), kBadSignature);
}

TEST(OpenRequestTest, A_S09_TheSignatureMustBeTheSigners) {
    const Message message = honest_message();
    RawSigner signer = message.signer();
    signer.key = attacker_key();
    EXPECT_EQ(outcome_of(with_signer(message, signer)), kBadSignature);
    for (const std::size_t size : {0U, 1U, 255U, 256U, 257U}) {
        signer.signature = Bytes(size, 0x00);
        EXPECT_EQ(outcome_of(with_signer(message, signer)), kBadSignature) << size;
    }
}

TEST(OpenRequestTest, R_B31_TakesEachAllowedPairOfAlgorithms) {
    const struct {
        certs::Digest digest;
        ByteView digest_oid;
        ByteView signature_oid;
    } pairs[] = {{certs::Digest::kSha1, oid::kSha1, oid::kSha1WithRsa},
                 {certs::Digest::kSha256, oid::kSha256, oid::kSha256WithRsa},
                 {certs::Digest::kSha384, oid::kSha384, oid::kSha384WithRsa},
                 {certs::Digest::kSha512, oid::kSha512, oid::kSha512WithRsa}};
    for (const auto& pair : pairs) {
        Message message = honest_message();
        message.digest = pair.digest;
        for (const Bytes& parameters : {Bytes(), der::null()}) {
            for (const ByteView signature : {pair.signature_oid, ByteView(oid::kRsaEncryption)}) {
                RawSigner signer = message.signer();
                signer.digest_algorithm = algorithm(pair.digest_oid, parameters);
                signer.signature_algorithm = algorithm(signature, parameters);
                EXPECT_EQ(outcome_of(with_signer(message, signer)), "accepted")
                    << to_text(pair.digest);
            }
        }
    }
}

TEST(OpenRequestTest, A_S13_Sha1OnlyWhereItIsSwitchedOn) {
    Message message = honest_message();
    message.digest = certs::Digest::kSha1;
    EXPECT_EQ(outcome_of(message), "accepted");
    AlgorithmRules rules;
    rules.sha1 = false;
    EXPECT_EQ(outcome_of(message, rules), "badAlg DigestUnsupported");
    EXPECT_EQ(outcome_of(honest_message(), rules), "accepted");
}

TEST(OpenRequestTest, A_S13_RefusesOtherDigests) {
    const Message message = honest_message();
    const auto with = [&](const Bytes& digest) {
        RawSigner signer = message.signer();
        signer.digest_algorithm = digest;
        return outcome_of(with_signer(message, signer));
    };
    const Bytes md2{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x02};
    const Bytes sha224{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04};
    const Bytes unknown{0x2A, 0x03, 0x04};
    for (const ByteView digest : {ByteView(oid::kMd5), ByteView(md2), ByteView(sha224),
                                  ByteView(unknown), ByteView(oid::kRsaEncryption)}) {
        EXPECT_EQ(with(algorithm(digest, der::null())), "badAlg DigestUnsupported")
            << certs::oid_to_text(digest);
    }
    EXPECT_EQ(with(algorithm(oid::kSha256, der::integer(1))), "badAlg DigestUnsupported");
}

TEST(OpenRequestTest, A_S13_R_B30_RefusesOtherSignatureAlgorithms) {
    const Message message = honest_message();
    const Bytes ed25519{0x2B, 0x65, 0x70};
    const Bytes unknown{0x2A, 0x03, 0x04};
    for (const ByteView signature :
         {ByteView(oid::kMd5WithRsa), ByteView(oid::kSha1WithRsa), ByteView(oid::kSha512WithRsa),
          ByteView(oid::kRsassaPss), ByteView(ed25519), ByteView(unknown), ByteView(oid::kSha256),
          ByteView(oid::kEcdsaWithSha1)}) {
        RawSigner signer = message.signer();
        signer.signature_algorithm = algorithm(signature, der::null());
        EXPECT_EQ(outcome_of(with_signer(message, signer)), "badAlg SignatureAlgorithmUnsupported")
            << certs::oid_to_text(signature);
    }
    RawSigner ecdsa = message.signer();
    ecdsa.signature_algorithm = algorithm(oid::kEcdsaWithSha256);
    EXPECT_EQ(outcome_of(with_signer(message, ecdsa)), kBadSignature);
}

TEST(OpenRequestTest, A_S13_R_B03_AnEcSignerCannotBeAnswered) {
    const certs::PrivateKey& key = certs::testing::ec_key();
    const Message message = message_of(envelope_of(device_key()).build(), key);
    RawSigner signer = message.signer();
    signer.signature_algorithm = algorithm(oid::kEcdsaWithSha256);
    EXPECT_EQ(outcome_of(with_signer(message, signer)), "badAlg SignerKeyUnsupported");
}

TEST(OpenRequestTest, A_S13_AnUnknownAlgorithmOfGreatLengthIsRefusedAtOnce) {
    const Message message = honest_message();
    RawSigner signer = message.signer();
    Bytes huge(100 * 1024, 0x81);
    huge.back() = 0x01;
    signer.digest_algorithm = algorithm(huge);
    EXPECT_EQ(outcome_of(with_signer(message, signer)), "badAlg DigestUnsupported");
}

/// An RSA SubjectPublicKeyInfo with this modulus and exponent.
Bytes rsa_spki(ByteView modulus, ByteView exponent) {
    return der::sequence({algorithm(oid::kRsaEncryption, der::null()),
                          der::bit_string(der::sequence(
                              {der::unsigned_integer(modulus), der::unsigned_integer(exponent)}))});
}

TEST(OpenRequestTest, A_K01_A_K02_A_S14_SignerKeysOutsideTheLimitsAreRefused) {
    const auto with = [](const Bytes& spki) {
        Message message = honest_message();
        message.certificate.spki = spki;
        return outcome_of(message);
    };
    const Bytes f4{0x01, 0x00, 0x01};
    for (const std::size_t octets : {64U, 128U, 255U, 1025U, 2048U, 8192U})
        EXPECT_EQ(with(rsa_spki(Bytes(octets, 0xFF), f4)), "badAlg SignerKeyUnsupported") << octets;
    // e = 3 is what Bleichenbacher's forgery of 2006 needs.
    for (const Bytes& exponent : {Bytes{0x00}, Bytes{0x01}, Bytes{0x02}, Bytes{0x03},
                                  Bytes{0x01, 0x00, 0x00}, Bytes(9, 0x01), Bytes(256, 0x7F)}) {
        EXPECT_EQ(with(rsa_spki(Bytes(256, 0xFF), exponent)), "badAlg SignerKeyUnsupported");
    }
    EXPECT_EQ(with(rsa_spki(Bytes(256, 0xFE), f4)), "badAlg SignerKeyUnsupported");
    EXPECT_EQ(
        with(der::sequence({algorithm(Bytes{0x2B, 0x65, 0x70}), der::bit_string(Bytes(32, 0x01))})),
        "badAlg SignerKeyUnsupported");
    // A sound key that is not the one that signed.
    EXPECT_EQ(with(to_bytes(attacker_key().public_key().spki())), kBadSignature);
}

TEST(OpenRequestTest, A_K01_TheLimitsAreTheEndpoints) {
    AlgorithmRules rules;
    rules.key_limits.minimum_rsa_bits = 3072;
    EXPECT_EQ(outcome_of(honest_message(), rules), "badAlg SignerKeyUnsupported");
}

/// The device's RSA private operation on a block that is encoded already.
Bytes raw_signature(ByteView block) {
    const certs::EvpPkeyCtxPtr context(
        EVP_PKEY_CTX_new_from_pkey(nullptr, device_key().evp(), nullptr));
    Bytes out(256);
    std::size_t length = out.size();
    if (EVP_PKEY_sign_init(context.get()) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) != 1 ||
        EVP_PKEY_sign(context.get(), out.data(), &length, block.data(), block.size()) != 1) {
        throw std::logic_error("raw RSA signature failed");
    }
    return out;
}

/// 00 01 FF… 00 DigestInfo, with this many octets of FF and garbage to fill the rest.
Bytes signature_block(ByteView digest_info, std::size_t padding) {
    Bytes block{0x00, 0x01};
    block.insert(block.end(), padding, 0xFF);
    block.push_back(0x00);
    block.insert(block.end(), digest_info.begin(), digest_info.end());
    block.resize(256, 0xA5);
    return block;
}

TEST(OpenRequestTest, A_S14_RefusesSignaturesWithLaxPadding) {
    const Message message = honest_message();
    RawSigner signer = message.signer();
    const Bytes signed_octets =
        der::element(certs::DerTag::kSet, certs::testing::joined(signer.attributes));
    const Bytes digest = der::octet_string(sha256(signed_octets));
    const Bytes info = der::sequence({algorithm(oid::kSha256, der::null()), digest});
    const auto with = [&](ByteView digest_info, std::size_t padding) {
        signer.signature = raw_signature(signature_block(digest_info, padding));
        return outcome_of(with_signer(message, signer));
    };
    EXPECT_EQ(with(info, 256 - 3 - info.size()), "accepted");
    EXPECT_EQ(with(info, 8), kBadSignature);
    EXPECT_EQ(with(info, 256 - 3 - info.size() - 1), kBadSignature);
    const Bytes bad_parameters =
        der::sequence({algorithm(oid::kSha256, der::octet_string(Bytes(100, 0xA5))), digest});
    EXPECT_EQ(with(bad_parameters, 256 - 3 - bad_parameters.size()), kBadSignature);
    const Bytes bare = digest;
    EXPECT_EQ(with(bare, 256 - 3 - bare.size()), kBadSignature);
}

TEST(OpenRequestTest, R_B28_SignedAttributesCountInTheOrderSent) {
    Message message = honest_message();
    RawSigner signer = message.signer();
    std::reverse(signer.attributes.begin(), signer.attributes.end());
    EXPECT_EQ(outcome_of(with_signer(message, signer)), "accepted");
}

TEST(OpenRequestTest, R_B27_TakesASignerNamedByKeyIdentifier) {
    const Bytes identifier(20, 0x42);
    Message message = honest_message();
    message.certificate.extensions = {
        certs::encode_extension(oid::kSubjectKeyIdentifier, false, der::octet_string(identifier))};
    RawSigner signer = message.signer();
    signer.version = der::integer(3);
    signer.sid = der::element(certs::context_primitive(0), identifier);
    EXPECT_EQ(outcome_of(with_signer(message, signer)), "accepted");
}

TEST(OpenRequestTest, AMessageWithoutContentIsABadRequest) {
    RawSignedData data = honest_message().signed_data();
    data.content.reset();
    EXPECT_EQ(outcome_of(data.build()), "badRequest EnvelopeMissing");
}

}  // namespace
}  // namespace scepgate::scep::this_file
