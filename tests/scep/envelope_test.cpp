// The envelope (attacks.md E01–E09, E12, S02, S20; rfc8894.md B04, B25).
#include <set>

#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include "tests/scep/support/raw_request.hpp"

namespace scepgate::scep::this_file {
namespace {

namespace der = certs::der;
namespace oid = certs::oid;
using certs::testing::algorithm;
using certs::testing::explicit_tag;
using certs::testing::key_transport;
using testing::attacker_key;
using testing::device_key;
using testing::encrypted_key;
using testing::Envelope;
using testing::envelope_of;
using testing::kUndecryptable;
using testing::message_of;
using testing::outcome_of;

constexpr std::string_view kMalformed = "badRequest EnvelopeMalformed";
constexpr std::string_view kBadCipher = "badAlg ContentCipherUnsupported";
constexpr std::string_view kBadTransport = "badAlg KeyTransportUnsupported";

std::string with_recipients(const std::vector<Bytes>& recipients) {
    Envelope envelope = envelope_of(device_key());
    envelope.recipients = recipients;
    return outcome_of(envelope);
}

Bytes key_for(const certs::PrivateKey& recipient) {
    return encrypted_key(Envelope(), recipient);
}

std::string with_content(const Bytes& content) {
    return outcome_of(message_of(content, device_key()));
}

TEST(EnvelopeTest, TakesEachOfOurCertificates) {
    EXPECT_EQ(with_recipients({key_transport(testing::ra_reference(), key_for(testing::ra_key()))}),
              "accepted");
    EXPECT_EQ(with_recipients(
                  {key_transport(testing::old_ra_reference(), key_for(testing::old_ra_key()))}),
              "accepted");
}

TEST(EnvelopeTest, TakesABareEnvelopedDataAndBer) {
    const Envelope envelope = envelope_of(device_key());
    EXPECT_EQ(with_content(envelope.enveloped_data()), "accepted");
    EXPECT_EQ(with_content(certs::testing::to_ber(envelope.build(), 100)), "accepted");
    EXPECT_EQ(with_content(certs::testing::to_ber(envelope.enveloped_data(), 100)), "accepted");
}

TEST(EnvelopeTest, R_B04_RefusesContentThatIsNoEnvelope) {
    for (const Bytes& content :
         {testing::csr_of(device_key()), Bytes(), Bytes{0x00}, Bytes{0x30, 0x00}, der::null(),
          der::sequence({der::oid(oid::kEnvelopedData)})}) {
        EXPECT_EQ(with_content(content), kMalformed);
    }
    EXPECT_EQ(with_content(certs::testing::content_info(oid::kSignedData, der::null())),
              "badRequest EnvelopeTypeUnsupported");
    EXPECT_EQ(with_content(certs::testing::content_info(
                  oid::kAuthEnvelopedData, envelope_of(device_key()).enveloped_data())),
              "badAlg EnvelopeTypeUnsupported");
}

TEST(EnvelopeTest, A_S02_RefusesTrailingOctetsAtEachInnerLevel) {
    const Envelope sound = envelope_of(device_key());
    Bytes content = sound.build();
    content.push_back(0x00);
    EXPECT_EQ(with_content(content), kMalformed);
    EXPECT_EQ(with_content(certs::testing::content_info(
                  oid::kEnvelopedData, der::concat({sound.enveloped_data(), der::null()}))),
              kMalformed);
    const Bytes tagged = der::element(certs::context_constructed(0), sound.enveloped_data());
    EXPECT_EQ(with_content(der::sequence({der::oid(oid::kEnvelopedData), tagged, der::null()})),
              kMalformed);
    Envelope envelope = sound;
    envelope.after_content = der::null();
    EXPECT_EQ(outcome_of(envelope), kMalformed);
    // Encrypted octets are not told apart from what does not decrypt.
    envelope = sound;
    envelope.plain.push_back(0x00);
    EXPECT_EQ(outcome_of(envelope), kUndecryptable);
}

TEST(EnvelopeTest, R_B25_TheEncryptedContentIsData) {
    Envelope envelope = envelope_of(device_key());
    envelope.content_type = to_bytes(oid::kSignedData);
    EXPECT_EQ(outcome_of(envelope), kMalformed);
}

TEST(EnvelopeTest, A_E01_A_S20_WithoutARecipientOfOursNothingIsDecrypted) {
    EXPECT_EQ(with_recipients({}), kUndecryptable);
    EXPECT_EQ(
        with_recipients({key_transport(testing::foreign_reference(), key_for(testing::ra_key()))}),
        kUndecryptable);
    // Our name, another key.
    EXPECT_EQ(
        with_recipients({key_transport(testing::ra_reference(), key_for(testing::foreign_key()))}),
        kUndecryptable);
    EXPECT_EQ(
        with_recipients({key_transport(testing::ra_reference(), key_for(testing::old_ra_key()))}),
        kUndecryptable);
}

TEST(EnvelopeTest, A_E02_OthersRecipientsAreNotLookedInto) {
    const Bytes ours = key_transport(testing::ra_reference(), key_for(testing::ra_key()));
    const Bytes foreign =
        key_transport(testing::foreign_reference(), key_for(testing::foreign_key()));
    const Bytes odd =
        key_transport(testing::foreign_reference(), Bytes(3, 0x00), algorithm(Bytes{0x2A, 0x03}));
    EXPECT_EQ(with_recipients({ours, foreign}), "accepted");
    EXPECT_EQ(with_recipients({foreign, ours}), "accepted");
    EXPECT_EQ(with_recipients({odd, ours}), "accepted");
    EXPECT_EQ(with_recipients(std::vector<Bytes>(16, foreign)), kUndecryptable);
    EXPECT_EQ(with_recipients(std::vector<Bytes>(17, foreign)), kMalformed);
}

TEST(EnvelopeTest, A_E02_A_Z06_TwoOfOursAreRefusedWhateverTheProbeIs) {
    const Bytes ours = key_transport(testing::ra_reference(), key_for(testing::ra_key()));
    const Bytes old = key_transport(testing::old_ra_reference(), key_for(testing::old_ra_key()));
    const Bytes bad_probe = key_transport(testing::ra_reference(), Bytes(256, 0x01));
    for (const auto& recipients :
         {std::vector<Bytes>{ours, ours}, std::vector<Bytes>{ours, old},
          std::vector<Bytes>{ours, bad_probe}, std::vector<Bytes>{bad_probe, ours}}) {
        EXPECT_EQ(with_recipients(recipients), "badRequest SeveralRecipients");
    }
}

TEST(EnvelopeTest, A_E03_OtherRecipientTypesAreRefused) {
    const Bytes kari = explicit_tag(
        1, der::concat({der::integer(3), explicit_tag(0, testing::ra_reference()),
                        algorithm(oid::kStdDhSha256Kdf),
                        der::sequence({der::sequence(
                            {testing::ra_reference(), der::octet_string(Bytes(24, 0x01))})})}));
    // PBKDF2 with 2^31 - 1 iterations: never computed.
    const Bytes pwri = explicit_tag(
        3, der::concat({der::integer(0), explicit_tag(0, der::integer(0x7FFFFFFF)),
                        algorithm(oid::kAes256Cbc), der::octet_string(Bytes(32, 0x01))}));
    const Bytes kek = explicit_tag(2, der::integer(4));
    const Bytes other = explicit_tag(4, der::oid(Bytes{0x2A, 0x03}));
    const Bytes ours = key_transport(testing::ra_reference(), key_for(testing::ra_key()));
    for (const Bytes& recipient : {kari, kek, pwri, other}) {
        EXPECT_EQ(with_recipients({recipient}), "badAlg RecipientTypeUnsupported");
        EXPECT_EQ(with_recipients({recipient, ours}), "accepted");
    }
    EXPECT_EQ(with_recipients({explicit_tag(1, der::integer(3))}), kMalformed);
}

TEST(EnvelopeTest, A_E04_RefusesOtherKeyTransportFromItsIdentifier) {
    const auto with = [](const Bytes& transport) {
        return with_recipients(
            {key_transport(testing::ra_reference(), key_for(testing::ra_key()), transport)});
    };
    EXPECT_EQ(with(algorithm(oid::kRsaEncryption)), "accepted");
    EXPECT_EQ(with(algorithm(oid::kRsaEncryption, der::integer(1))), kBadTransport);
    EXPECT_EQ(with(algorithm(oid::kSha1WithRsa, der::null())), kBadTransport);
    EXPECT_EQ(with(algorithm(Bytes{0x2A, 0x03})), kBadTransport);
    EXPECT_EQ(with(algorithm(oid::kRsaesOaep)), kBadTransport);
    EXPECT_EQ(with(algorithm(oid::kRsaesOaep, der::null())), kBadTransport);
    EXPECT_EQ(with(algorithm(oid::kRsaesOaep,
                             der::sequence({explicit_tag(0, algorithm(oid::kMd5, der::null()))}))),
              kBadTransport);
}

TEST(EnvelopeTest, A_E04_TakesOaepWithTheDigestsItNames) {
    const Bytes content_key = Envelope().content_key;
    const Bytes sha256_identifier = algorithm(oid::kSha256, der::null());
    const Bytes parameters =
        der::sequence({explicit_tag(0, sha256_identifier),
                       explicit_tag(1, algorithm(oid::kMgf1, sha256_identifier))});
    const auto& key = testing::ra_key().public_key();
    const Bytes with_sha256 = key.encrypt_oaep(content_key, certs::Digest::kSha256).value();
    const Bytes with_sha1 = key.encrypt_oaep(content_key, certs::Digest::kSha1).value();
    const Bytes defaults = algorithm(oid::kRsaesOaep, der::sequence({}));
    const Bytes explicit_sha256 = algorithm(oid::kRsaesOaep, parameters);
    const auto with = [](const Bytes& encrypted, const Bytes& transport) {
        return with_recipients({key_transport(testing::ra_reference(), encrypted, transport)});
    };
    EXPECT_EQ(with(with_sha256, explicit_sha256), "accepted");
    EXPECT_EQ(with(with_sha1, defaults), "accepted");
    EXPECT_EQ(with(with_sha256, defaults), kUndecryptable);
    EXPECT_EQ(with(key_for(testing::ra_key()), defaults), kUndecryptable);
}

TEST(EnvelopeTest, A_E05_RefusesOtherContentCiphersFromTheirIdentifier) {
    const auto with = [](const Bytes& cipher) {
        Envelope envelope = envelope_of(device_key());
        envelope.cipher_algorithm = cipher;
        return outcome_of(envelope);
    };
    const Bytes iv = der::octet_string(Bytes(16, 0x00));
    const Bytes aes{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x00};
    // AES-128: ECB, OFB, CFB, wrap, GCM, CCM, wrap with padding
    for (const unsigned mode : {1U, 3U, 4U, 5U, 6U, 7U, 8U}) {
        Bytes other = aes;
        other.back() = static_cast<std::uint8_t>(mode);
        EXPECT_EQ(with(algorithm(other, iv)), kBadCipher) << mode;
    }
    const Bytes rsadsi{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x03, 0x02};  // RC2-CBC
    Bytes rc4 = rsadsi;
    rc4.back() = 4;
    for (const Bytes& other : {rsadsi, rc4, Bytes{0x2A, 0x03, 0x04}})
        EXPECT_EQ(with(algorithm(other, iv)), kBadCipher);
    EXPECT_EQ(with(algorithm(oid::kAes128Cbc)), kBadCipher);
    EXPECT_EQ(with(algorithm(oid::kAes128Cbc, der::null())), kBadCipher);
    for (const std::size_t size : {0U, 8U, 15U, 17U, 32U, 1024U}) {
        EXPECT_EQ(with(algorithm(oid::kAes128Cbc, der::octet_string(Bytes(size, 0x00)))),
                  kBadCipher)
            << size;
        EXPECT_EQ(
            with(algorithm(oid::kAes256Gcm, der::sequence({der::octet_string(Bytes(size, 0x00)),
                                                           der::integer(16)}))),
            kBadCipher)
            << size;
    }
    EXPECT_EQ(with(algorithm(oid::kAes256Gcm, der::sequence({der::octet_string(Bytes(12, 0x00)),
                                                             der::integer(16)}))),
              kBadCipher);
}

TEST(EnvelopeTest, R_B32_TakesEachCipherThatTheRulesAllow) {
    const auto with = [](ByteView cipher, const char* name, std::size_t key, std::size_t block,
                         const AlgorithmRules& rules) {
        Envelope envelope = envelope_of(device_key());
        envelope.openssl_cipher = name;
        envelope.content_key = Bytes(key, 0x31);
        envelope.iv = Bytes(block, 0x07);
        envelope.cipher_algorithm = algorithm(cipher, der::octet_string(envelope.iv));
        return outcome_of(envelope, rules);
    };
    AlgorithmRules strict;
    strict.des3 = false;
    AlgorithmRules all;
    all.des = true;
    for (const auto& rules : {strict, all}) {
        EXPECT_EQ(with(oid::kAes128Cbc, "AES-128-CBC", 16, 16, rules), "accepted");
        EXPECT_EQ(with(oid::kAes192Cbc, "AES-192-CBC", 24, 16, rules), "accepted");
        EXPECT_EQ(with(oid::kAes256Cbc, "AES-256-CBC", 32, 16, rules), "accepted");
    }
    EXPECT_EQ(with(oid::kDesEde3Cbc, "DES-EDE3-CBC", 24, 8, all), "accepted");
    EXPECT_EQ(with(oid::kDesEde3Cbc, "DES-EDE3-CBC", 24, 8, strict), kBadCipher);
    // A key of another length than the cipher's is not told apart from bad padding.
    EXPECT_EQ(with(oid::kAes256Cbc, "AES-128-CBC", 16, 16, all), kUndecryptable);
}

TEST(EnvelopeTest, A_E06_EveryWayThatTheKeyCanFailLooksTheSame) {
    const auto with = [](const Bytes& encrypted) {
        return with_recipients({key_transport(testing::ra_reference(), encrypted)});
    };
    const auto& key = testing::ra_key().public_key();
    for (const std::size_t length : {0U, 1U, 15U, 17U, 24U, 32U, 245U})
        EXPECT_EQ(with(key.encrypt_pkcs1(Bytes(length, 0x5A)).value()), kUndecryptable) << length;
    EXPECT_EQ(with(key.encrypt_pkcs1(Bytes(16, 0x5B)).value()), kUndecryptable);
    for (const std::size_t length : {0U, 1U, 255U, 256U, 257U, 512U}) {
        EXPECT_EQ(with(Bytes(length, 0x00)), kUndecryptable) << length;
        EXPECT_EQ(with(Bytes(length, 0x01)), kUndecryptable) << length;
        EXPECT_EQ(with(Bytes(length, 0xFF)), kUndecryptable) << length;
    }
}

TEST(EnvelopeTest, A_E06_AMessageThatDidNotOpenNeverYieldsTheSendersOctets) {
    // A sound request in clear where the ciphertext belongs: if it were taken whenever the padding
    // is bad, the answer would tell which padding was bad.
    Envelope envelope = envelope_of(device_key());
    envelope.ciphertext = envelope.plain;
    EXPECT_EQ(outcome_of(envelope), kUndecryptable);
    envelope.recipients = {{key_transport(testing::ra_reference(), Bytes(256, 0x01))}};
    EXPECT_EQ(outcome_of(envelope), kUndecryptable);
}

TEST(EnvelopeTest, A_E07_AFailureRepeats) {
    Envelope envelope = envelope_of(device_key());
    envelope.recipients = {{key_transport(testing::ra_reference(), Bytes(256, 0x01))}};
    const Bytes message = message_of(envelope.build(), device_key()).build();
    for (int i = 0; i < 50; ++i)
        EXPECT_EQ(outcome_of(message), kUndecryptable);
}

TEST(EnvelopeTest, A_E08_OneFlippedBitAnywhereHasOneOutcome) {
    // The attacker flips a bit of a sniffed envelope's IV or ciphertext and signs it.
    const Envelope sniffed = envelope_of(device_key());
    const Bytes ciphertext = sniffed.encrypted();
    std::set<std::string> outcomes;
    const auto probe = [&](const Bytes& iv, const Bytes& changed) {
        Envelope envelope = sniffed;
        envelope.cipher_algorithm = algorithm(oid::kAes128Cbc, der::octet_string(iv));
        envelope.ciphertext = changed;
        const auto request =
            read_signed_request(message_of(envelope.build(), attacker_key()).build());
        const auto opened = open_request(*request, testing::our_recipients(), {});
        ASSERT_TRUE(opened) << opened.error().code;
        const auto result = to_enrollment_request(*opened, {}, {});
        ASSERT_FALSE(result);
        outcomes.insert(to_text(result.error().fail_info) + (" " + result.error().code) + " " +
                        result.error().text);
    };
    for (std::size_t bit = 0; bit < 8 * sniffed.iv.size(); ++bit) {
        Bytes iv = sniffed.iv;
        iv[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        probe(iv, ciphertext);
    }
    for (std::size_t octet = 0; octet < ciphertext.size(); ++octet) {
        Bytes changed = ciphertext;
        changed[octet] ^= static_cast<std::uint8_t>(1U << octet % 8);
        probe(sniffed.iv, changed);
    }
    ASSERT_EQ(outcomes.size(), 1U);
    EXPECT_EQ(outcomes.begin()->find(kUndecryptable), 0U);
}

TEST(EnvelopeTest, A_E08_EachPaddingHasOneOutcome) {
    Envelope envelope = envelope_of(device_key());
    const Bytes padded = certs::testing::pkcs7_padded(envelope.plain, 16);
    const std::uint8_t right = padded.back();
    for (unsigned last = 0; last <= 255; ++last) {
        Bytes changed = padded;
        changed.back() = static_cast<std::uint8_t>(last);
        envelope.ciphertext = certs::testing::encrypt_blocks("AES-128-CBC", envelope.content_key,
                                                             envelope.iv, changed);
        EXPECT_EQ(outcome_of(envelope),
                  last == right ? std::string_view("accepted") : kUndecryptable)
            << last;
    }
}

TEST(EnvelopeTest, A_E09_R_B20_AnEnvelopeSignedByAnotherKeyIsRefused) {
    const Bytes sniffed = envelope_of(device_key()).build();
    EXPECT_EQ(outcome_of(message_of(sniffed, attacker_key())), "badRequest SignerKeyMismatch");
    EXPECT_EQ(outcome_of(message_of(sniffed, device_key())), "accepted");
}

TEST(EnvelopeTest, A_E12_OddCiphertexts) {
    const auto with = [](const Bytes& element) {
        Envelope envelope = envelope_of(device_key());
        envelope.encrypted_content = element;
        return outcome_of(envelope);
    };
    const auto primitive = [](std::size_t size) {
        return der::element(certs::context_primitive(0), Bytes(size, 0x3C));
    };
    for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 31U, 32U})
        EXPECT_EQ(with(primitive(size)), kUndecryptable) << size;
    EXPECT_EQ(with({}), kMalformed);
    EXPECT_EQ(with(explicit_tag(0, {})), kUndecryptable);
    EXPECT_EQ(with(explicit_tag(0, der::integer(1))), kMalformed);
}

TEST(EnvelopeTest, A_E15_MoreThanACertificateRequestMayHaveIsRefusedUnopened) {
    constexpr std::size_t kMost = certs::CsrLimits().octets;
    constexpr std::string_view kTooLarge = "badRequest EnvelopeTooLarge";
    Envelope envelope = envelope_of(device_key());
    envelope.plain = Bytes(kMost, 0x30);
    EXPECT_EQ(outcome_of(envelope), kUndecryptable) << "opened, and no request";
    envelope.plain.resize(kMost + 16);
    EXPECT_EQ(outcome_of(envelope), kTooLarge);

    const Bytes foreign =
        key_transport(testing::foreign_reference(), key_for(testing::foreign_key()));
    const Bytes ours = key_transport(testing::ra_reference(), key_for(testing::ra_key()));
    envelope.recipients = {{foreign, ours}};
    EXPECT_EQ(outcome_of(envelope), kTooLarge);
    envelope.recipients = {{foreign}};
    EXPECT_EQ(outcome_of(envelope), kUndecryptable) << "for nobody here, however long";

    envelope.recipients = {{ours}};
    const Bytes ciphertext = envelope.encrypted();
    const ByteView view = ciphertext;
    envelope.encrypted_content =
        explicit_tag(0, der::concat({der::octet_string(view.first(kMost)),
                                     der::octet_string(view.subspan(kMost))}));
    EXPECT_EQ(outcome_of(envelope), kTooLarge) << "in segments, too";
}

TEST(EnvelopeTest, A_E12_AConstructedCiphertextIsJoined) {
    Envelope envelope = envelope_of(device_key());
    const Bytes ciphertext = envelope.encrypted();
    const ByteView view = ciphertext;
    envelope.encrypted_content =
        explicit_tag(0, der::concat({der::octet_string(view.first(5)), der::octet_string({}),
                                     der::octet_string(view.subspan(5))}));
    EXPECT_EQ(outcome_of(envelope), "accepted");
}

}  // namespace
}  // namespace scepgate::scep::this_file
