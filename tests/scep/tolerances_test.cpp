// What clients in the field do and are forgiven, each by the name it has in the log.
#include <gtest/gtest.h>

#include "tests/scep/support/raw_request.hpp"

namespace scepgate::scep::this_file {
namespace {

namespace der = certs::der;
namespace oid = certs::oid;
using certs::DerTag;
using certs::testing::common_name;
using certs::testing::key_transport;
using certs::testing::RawSignedData;
using certs::testing::RawSigner;
using testing::device_key;
using testing::Envelope;
using testing::envelope_of;
using testing::honest_message;
using testing::Message;
using testing::message_of;
using testing::outcome_of;

/// All that was forgiven in a message that is accepted.
Tolerances forgiven(const Bytes& message) {
    EXPECT_EQ(outcome_of(message), "accepted");
    const auto request = read_signed_request(message).value();
    const auto opened = open_request(request, testing::our_recipients(), {}).value();
    Tolerances all = request.tolerances;
    all.insert(all.end(), opened.tolerances().begin(), opened.tolerances().end());
    return all;
}

Bytes to_recipient(const Bytes& reference, const certs::PrivateKey& key) {
    Envelope envelope = envelope_of(device_key());
    envelope.recipients =
        std::vector<Bytes>{key_transport(reference, testing::encrypted_key(envelope, key))};
    return message_of(envelope.build(), device_key()).build();
}

TEST(TolerancesTest, R_B22_OldIosSendsANonceOf8Octets) {
    Message message = honest_message();
    message.sender_nonce = Message::attribute(oid::kSenderNonce, der::octet_string(Bytes(8, 0x77)));
    EXPECT_EQ(forgiven(message.build()), Tolerances{"nonce-length"});
}

TEST(TolerancesTest, R_O10_WindowsSignsWithACertificateThatHasACriticalAuthorityKeyIdentifier) {
    Message message = honest_message();
    message.certificate.extensions = {certs::encode_extension(
        oid::kAuthorityKeyIdentifier, true,
        der::sequence({der::element(certs::context_primitive(0), Bytes(20, 0x11))}))};
    EXPECT_EQ(forgiven(message.build()), Tolerances());
}

TEST(TolerancesTest, R_A12_ClientsSendTheirChainAlongInAnyOrder) {
    const Message message = honest_message();
    const Bytes own = message.certificate.build(device_key());
    std::vector<Bytes> bag{own};
    for (const auto* name : {"Intermediate", "Root"}) {
        certs::testing::RawCertificate other;
        other.issuer = other.subject = common_name(DerTag::kUtf8String, name);
        bag.push_back(other.build(testing::attacker_key()));
    }
    std::sort(bag.begin(), bag.end());
    do {
        RawSignedData data = message.signed_data();
        data.certificates = bag;
        EXPECT_EQ(forgiven(data.build()), Tolerances());
    } while (std::next_permutation(bag.begin(), bag.end()));
}

TEST(TolerancesTest, R_O09_CiscoIosKeepsUsingTheRaCertificateThatItOnceGot) {
    EXPECT_EQ(forgiven(to_recipient(testing::old_ra_reference(), testing::old_ra_key())),
              Tolerances());
}

TEST(TolerancesTest, JavaClientsWriteTheRecipientsIssuerAnew) {
    for (const DerTag type : {DerTag::kUtf8String, DerTag::kBmpString, DerTag::kPrintableString}) {
        Bytes issuer = common_name(type, "ISSUING  ca");
        if (type == DerTag::kBmpString) {
            std::string wide;
            for (const char letter : std::string_view("issuing CA"))
                wide += std::string{'\0', letter};
            issuer = common_name(type, wide);
        }
        const Bytes reference = der::sequence({issuer, der::integer(100)});
        EXPECT_EQ(forgiven(to_recipient(reference, testing::ra_key())), Tolerances());
    }
}

TEST(TolerancesTest, JavaClientsWriteTheirOwnIssuerAnew) {
    const Message message = honest_message();
    RawSigner signer = message.signer();
    signer.sid = der::sequence({common_name(DerTag::kPrintableString, "DEVICE"), der::integer(1)});
    RawSignedData data = message.signed_data();
    data.signers = {signer.build(message.content)};
    EXPECT_EQ(forgiven(data.build()), Tolerances());
}

TEST(TolerancesTest, R_T10_CiscoIosSendsNoSigningTime) {
    Message message = honest_message();
    message.signing_time.clear();
    EXPECT_EQ(forgiven(message.build()), Tolerances{"no-signing-time"});
}

TEST(TolerancesTest, R_T10_DevicesWithoutAClockSendASigningTimeOfOtherYears) {
    Message message = honest_message();
    for (const std::int64_t time : {0LL, 946'684'800LL, 4'000'000'000LL}) {
        message.signing_time = Message::attribute(oid::kSigningTime, der::time(time));
        EXPECT_EQ(forgiven(message.build()), Tolerances());
    }
}

TEST(TolerancesTest, JscepSaysDataAndOtherJavaClientsSayEnvelopedData) {
    EXPECT_EQ(forgiven(honest_message().build()), Tolerances());
    Message message = honest_message();
    message.content_type = Message::attribute(oid::kContentType, der::oid(oid::kEnvelopedData));
    RawSignedData data = message.signed_data();
    data.content_type = to_bytes(oid::kEnvelopedData);
    EXPECT_EQ(forgiven(data.build()), Tolerances{"enveloped-content-type"});
}

TEST(TolerancesTest, R_B33_AppleSendsTheEnvelopeInBer) {
    const Bytes envelope = certs::testing::to_ber(envelope_of(device_key()).build(), 100);
    EXPECT_EQ(forgiven(message_of(envelope, device_key()).build()), Tolerances{"ber-envelope"});
}

}  // namespace
}  // namespace scepgate::scep::this_file
