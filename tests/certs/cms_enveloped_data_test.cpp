#include "certs/cms_enveloped_data.hpp"

#include <gtest/gtest.h>

#include "tests/certs/support/raw_cms.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::algorithm;
using testing::explicit_tag;
using testing::key_transport;
using testing::RawEnvelope;

Bytes reference() {
    return testing::issuer_and_serial(testing::RawCertificate());
}

RawEnvelope sound() {
    RawEnvelope envelope;
    envelope.recipients = {key_transport(reference(), Bytes(256, 0x01))};
    envelope.cipher_algorithm = algorithm(oid::kAes128Cbc, der::octet_string(Bytes(16, 0x02)));
    envelope.encrypted_content = der::element(context_primitive(0), Bytes(32, 0x03));
    return envelope;
}

Errc parse_code(ByteView der, bool authenticated = false) {
    const auto data = parse_enveloped_data(der, authenticated);
    EXPECT_FALSE(data);
    return data ? Errc::kInternal : data.error().code;
}

/// KeyAgreeRecipientInfo; each part is a whole element.
struct Agreement {
    Bytes originator = explicit_tag(
        1, der::concat({algorithm(oid::kEcPublicKey), der::bit_string(Bytes(65, 0x04))}));
    Bytes material;
    Bytes recipients;

    [[nodiscard]] Bytes build() const {
        return explicit_tag(
            1, der::concat({der::integer(3), explicit_tag(0, originator), material,
                            algorithm(oid::kStdDhSha256Kdf, algorithm(oid::kAes256Wrap)),
                            der::element(DerTag::kSequence, recipients)}));
    }
};

Bytes wrapped_key(const Bytes& recipient) {
    return der::sequence({recipient, der::octet_string(Bytes(40, 0x05))});
}

bool parses(const Bytes& der, bool authenticated) {
    return parse_enveloped_data(der, authenticated).has_value();
}

// What is read points into its input, so that a temporary must not compile.
template <class Octets>
concept Readable = requires(Octets octets) {
    DerReader(static_cast<Octets>(octets));
    parse_extensions(static_cast<Octets>(octets));
    parse_signed_data(static_cast<Octets>(octets));
    parse_enveloped_data(static_cast<Octets>(octets), false);
};
template <class Octets>
concept ReadableInPart = requires(Octets o) {
    DerReader(static_cast<Octets>(o));
}
|| requires(Octets o) {
    parse_extensions(static_cast<Octets>(o));
}
|| requires(Octets o) {
    parse_signed_data(static_cast<Octets>(o));
}
|| requires(Octets o) {
    parse_enveloped_data(static_cast<Octets>(o), false);
};
static_assert(Readable<const Bytes&> && Readable<ByteView>);
static_assert(!ReadableInPart<Bytes&&>);

TEST(CmsEnvelopedDataTest, ReadsEachPart) {
    const Bytes der = sound().build();
    const auto data = parse_enveloped_data(der, false);
    ASSERT_TRUE(data) << data.error().detail;
    EXPECT_FALSE(data->authenticated);
    ASSERT_EQ(data->key_transport.size(), 1U);
    EXPECT_EQ(data->recipients(), 1U);
    const KeyTransportRecipient& recipient = data->key_transport[0];
    EXPECT_TRUE(equal(recipient.algorithm.algorithm, oid::kRsaEncryption));
    EXPECT_EQ(recipient.encrypted_key.size(), 256U);
    EXPECT_TRUE(recipient.recipient.names(
        Certificate::from_der(testing::RawCertificate().build(testing::rsa_key())).value()));
    EXPECT_TRUE(equal(data->content_type, oid::kData));
    EXPECT_EQ(parse_content_encryption(data->content_encryption)->cipher,
              ContentCipher::kAes128Cbc);
    EXPECT_EQ(data->ciphertext, Bytes(32, 0x03));
}

TEST(CmsEnvelopedDataTest, ReadsAuthEnvelopedData) {
    RawEnvelope envelope = sound();
    const Bytes tag = der::octet_string(Bytes(16, 0x06));
    envelope.after_content = tag;
    const Bytes der = envelope.build();
    const auto data = parse_enveloped_data(der, true);
    ASSERT_TRUE(data) << data.error().detail;
    EXPECT_TRUE(data->authenticated);
    EXPECT_TRUE(equal(data->tag, Bytes(16, 0x06)));
    EXPECT_EQ(parse_code(envelope.build(), false), Errc::kMalformed);

    envelope.after_content = der::concat({tag, explicit_tag(2, der::null())});
    EXPECT_TRUE(parses(envelope.build(), true));
    // Authenticated attributes would have to be part of what the tag is over.
    envelope.after_content = der::concat({explicit_tag(1, der::null()), tag});
    EXPECT_EQ(parse_code(envelope.build(), true), Errc::kMalformed);
    envelope.after_content = {};
    EXPECT_EQ(parse_code(envelope.build(), true), Errc::kMalformed);
}

TEST(CmsEnvelopedDataTest, SkipsUnprotectedAttributes) {
    RawEnvelope envelope = sound();
    envelope.after_content = explicit_tag(1, der::null());
    EXPECT_TRUE(parses(envelope.build(), false));
}

TEST(CmsEnvelopedDataTest, E03_KeyAgreementIsReadWithAnOriginatorKeyAndOneRecipient) {
    Agreement agreement;
    agreement.material = explicit_tag(1, der::octet_string(Bytes(8, 0x07)));
    agreement.recipients = wrapped_key(reference());
    RawEnvelope envelope = sound();
    envelope.recipients = {agreement.build()};
    Bytes der = envelope.build();
    auto data = parse_enveloped_data(der, false);
    ASSERT_TRUE(data) << data.error().detail;
    ASSERT_EQ(data->key_agreement.size(), 1U);
    const KeyAgreementRecipient& recipient = data->key_agreement[0];
    EXPECT_TRUE(equal(recipient.originator_algorithm.algorithm, oid::kEcPublicKey));
    EXPECT_EQ(recipient.originator_public_key.size(), 65U);
    EXPECT_TRUE(equal(recipient.user_keying_material.value(), Bytes(8, 0x07)));
    EXPECT_TRUE(equal(recipient.algorithm.algorithm, oid::kStdDhSha256Kdf));
    EXPECT_FALSE(recipient.recipient.issuer_der.empty());
    EXPECT_EQ(recipient.encrypted_key.size(), 40U);

    agreement.material = {};
    agreement.recipients = wrapped_key(explicit_tag(0, der::octet_string(Bytes(20, 0x08))));
    envelope.recipients = {agreement.build()};
    der = envelope.build();
    data = parse_enveloped_data(der, false);
    ASSERT_TRUE(data) << data.error().detail;
    EXPECT_TRUE(equal(data->key_agreement.at(0).recipient.key_identifier, Bytes(20, 0x08)));
    EXPECT_FALSE(data->key_agreement[0].user_keying_material);
}

TEST(CmsEnvelopedDataTest, E03_OtherRecipientsAreCounted) {
    Agreement several;
    several.recipients = der::concat({wrapped_key(reference()), wrapped_key(reference())});
    Agreement with_static_key;
    with_static_key.originator = reference();
    with_static_key.recipients = wrapped_key(reference());
    RawEnvelope envelope = sound();
    envelope.recipients = {several.build(), with_static_key.build(),
                           explicit_tag(2, der::integer(4)), explicit_tag(3, der::integer(0)),
                           explicit_tag(4, der::null())};
    const Bytes der = envelope.build();
    const auto data = parse_enveloped_data(der, false);
    ASSERT_TRUE(data) << data.error().detail;
    EXPECT_EQ(data->other_recipients, 5U);
    EXPECT_EQ(data->recipients(), 5U);
    EXPECT_TRUE(data->key_agreement.empty());
}

TEST(CmsEnvelopedDataTest, E03_WhatIsNoRecipientIsRefused) {
    RawEnvelope envelope = sound();
    for (const Bytes& odd : {explicit_tag(0, der::null()), explicit_tag(5, der::null()),
                             der::integer(1), der::octet_string(Bytes{1})}) {
        envelope.recipients = {odd};
        const Bytes octets = envelope.build();
        EXPECT_FALSE(parse_enveloped_data(octets, false)) << to_hex(odd);
    }
}

TEST(CmsEnvelopedDataTest, E02_TakesAtMost16Recipients) {
    RawEnvelope envelope = sound();
    envelope.recipients.assign(16, envelope.recipients[0]);
    EXPECT_TRUE(parses(envelope.build(), false));
    envelope.recipients.push_back(explicit_tag(4, der::null()));
    EXPECT_EQ(parse_code(envelope.build()), Errc::kMalformed);
}

TEST(CmsEnvelopedDataTest, E12_TheContentMustBeThere) {
    RawEnvelope envelope = sound();
    envelope.encrypted_content = {};
    EXPECT_EQ(parse_code(envelope.build()), Errc::kMalformed);
    envelope.encrypted_content = der::octet_string(Bytes(16));
    EXPECT_EQ(parse_code(envelope.build()), Errc::kMalformed);
    envelope.encrypted_content =
        explicit_tag(0, der::concat({der::octet_string(Bytes{1, 2}), der::octet_string(Bytes{3})}));
    const Bytes built = envelope.build();
    EXPECT_EQ(parse_enveloped_data(built, false)->ciphertext, (Bytes{1, 2, 3}));
    envelope.encrypted_content = explicit_tag(0, der::null());
    EXPECT_EQ(parse_code(envelope.build()), Errc::kMalformed);
}

TEST(CmsEnvelopedDataTest, S02_S03_RefusesTruncationsAndTrailingOctets) {
    Agreement agreement;
    agreement.recipients = wrapped_key(reference());
    RawEnvelope envelope = sound();
    envelope.recipients.push_back(agreement.build());
    Bytes der = envelope.build();
    for (std::size_t size = 0; size < der.size(); ++size)
        ASSERT_EQ(parse_code(ByteView(der).first(size)), Errc::kMalformed) << size;
    der.push_back(0x00);
    EXPECT_EQ(parse_code(der), Errc::kMalformed);
    envelope = sound();
    envelope.after_content = der::null();
    EXPECT_EQ(parse_code(envelope.build()), Errc::kMalformed);
    envelope = sound();
    envelope.encrypted_content = der::concat({envelope.encrypted_content, der::null()});
    EXPECT_EQ(parse_code(envelope.build()), Errc::kMalformed);
}

}  // namespace
}  // namespace scepgate::certs::this_file
