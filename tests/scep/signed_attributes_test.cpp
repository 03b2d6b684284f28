// The signed attributes: whose request it is, of which type, and what is wrong with them
// (attacks.md S10, S11, S15, S16; rfc8894.md B08, B14–B16, B22).
#include <map>

#include <gtest/gtest.h>

#include "tests/scep/support/decryptions.hpp"
#include "tests/scep/support/raw_request.hpp"

namespace scepgate::scep::this_file {
namespace {

namespace der = certs::der;
namespace oid = certs::oid;
using certs::DerTag;
using certs::testing::RawSignedData;
using testing::honest_message;
using testing::Message;
using testing::outcome_of;
using testing::tolerances_of;
using namespace std::string_view_literals;

TEST(SignedAttributesTest, R_B08_A_S10_TheScepAttributesMustBeSigned) {
    struct Case {
        Bytes Message::*attribute;
        std::string_view outcome;
    };
    for (const Case& tested : {Case{&Message::transaction_id, "400"},
                               {&Message::message_type, testing::kFaulty},
                               {&Message::sender_nonce, testing::kFaulty}}) {
        Message message = honest_message();
        const Bytes unsigned_attribute = message.*tested.attribute;
        (message.*tested.attribute).clear();
        EXPECT_EQ(outcome_of(message), tested.outcome);
        certs::testing::RawSigner signer = message.signer();
        signer.after_signature = certs::testing::explicit_tag(1, unsigned_attribute);
        RawSignedData data = message.signed_data();
        data.signers = {signer.build(message.content)};
        EXPECT_EQ(outcome_of(data.build()), tested.outcome);
    }
}

TEST(SignedAttributesTest, A_S10_AnUnsignedCopyIsIgnored) {
    Message message = honest_message();
    const Bytes pkcs_req = message.message_type;
    message.set_type("18");
    certs::testing::RawSigner signer = message.signer();
    signer.after_signature = certs::testing::explicit_tag(1, pkcs_req);
    RawSignedData data = message.signed_data();
    data.signers = {signer.build(message.content)};
    EXPECT_EQ(outcome_of(data.build()), "badRequest MessageTypeUnsupported");
}

struct AttributeCase {
    const char* name;
    Bytes Message::*attribute;
    ByteView type;
    Bytes value;
    std::string_view outcome;
};

// Two transactionIDs are no identity, and with two contentTypes no signature verifies.
const AttributeCase kAttributes[] = {
    {"ContentType", &Message::content_type, oid::kContentType, der::oid(oid::kData), "400"},
    {"MessageType", &Message::message_type, oid::kMessageType, der::printable_string("19"),
     testing::kFaulty},
    {"TransactionId", &Message::transaction_id, oid::kTransactionId,
     der::printable_string("transaction-1"), "400"},
    {"SenderNonce", &Message::sender_nonce, oid::kSenderNonce, der::octet_string(Bytes(16, 0x77)),
     testing::kFaulty},
    {"SigningTime", &Message::signing_time, oid::kSigningTime, der::time(1'800'000'000),
     testing::kFaulty},
};

class SignedAttributeTest : public ::testing::TestWithParam<AttributeCase> {};
INSTANTIATE_TEST_SUITE_P(Each, SignedAttributeTest, ::testing::ValuesIn(kAttributes),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_P(SignedAttributeTest, A_S11_ComesOnceWithOneValue) {
    const AttributeCase& tested = GetParam();
    Message message = honest_message();
    message.more_attributes = {message.*tested.attribute};
    EXPECT_EQ(outcome_of(message), tested.outcome);
    message = honest_message();
    message.*tested.attribute =
        certs::testing::raw_attribute(tested.type, {tested.value, tested.value});
    EXPECT_EQ(outcome_of(message), tested.outcome);
    message.*tested.attribute = certs::testing::raw_attribute(tested.type, {});
    EXPECT_EQ(outcome_of(message), tested.outcome);
}

TEST(SignedAttributesTest, A_S11_MessageDigestComesOnceWithOneValue) {
    Message message = honest_message();
    const Bytes value = der::octet_string(sha256(message.content));
    message.more_attributes = {Message::attribute(oid::kMessageDigest, value)};
    EXPECT_EQ(outcome_of(message), "400");
    message.more_attributes.clear();
    message.message_digest = certs::testing::raw_attribute(oid::kMessageDigest, {value, value});
    EXPECT_EQ(outcome_of(message), "400");
    message.message_digest = certs::testing::raw_attribute(oid::kMessageDigest, {});
    EXPECT_EQ(outcome_of(message), "400");
}

TEST(SignedAttributesTest, A_S11_MessageDigestIsAnOctetString) {
    Message message = honest_message();
    const Sha256 digest = sha256(message.content);
    for (const DerTag type : {DerTag::kUtf8String, DerTag::kBitString, DerTag::kInteger}) {
        message.message_digest =
            Message::attribute(oid::kMessageDigest, der::element(type, digest));
        EXPECT_EQ(outcome_of(message), "badMessageCheck SignatureInvalid");
    }
}

TEST(SignedAttributesTest, A_S11_RefusesOtherTypesOfTheScepAttributes) {
    const Bytes bmp = der::element(DerTag::kBmpString, as_bytes("\0001\0009"sv));
    const Bytes constructed = der::element(static_cast<DerTag>(0x33), der::printable_string("19"));
    for (const Bytes& value : {bmp, der::integer(19), constructed, der::null(),
                               der::utf8_string("19"), der::octet_string(as_bytes("19"))}) {
        Message message = honest_message();
        message.message_type = Message::attribute(oid::kMessageType, value);
        EXPECT_EQ(outcome_of(message), testing::kFaulty);
    }
    for (const Bytes& value : {bmp, der::integer(19), constructed, der::null()}) {
        Message message = honest_message();
        message.transaction_id = Message::attribute(oid::kTransactionId, value);
        EXPECT_EQ(outcome_of(message), "400");
        message = honest_message();
        message.sender_nonce = Message::attribute(oid::kSenderNonce, value);
        EXPECT_EQ(outcome_of(message), testing::kFaulty);
    }
}

TEST(SignedAttributesTest, R_B08_AFaultIsAnsweredOnlyUnderAGoodSignature) {
    Message message = honest_message();
    message.sender_nonce.clear();
    EXPECT_EQ(outcome_of(message), testing::kFaulty);

    certs::testing::RawSigner signer = message.signer();
    signer.signature = Bytes(256, 0x00);
    RawSignedData data = message.signed_data();
    data.signers = {signer.build(message.content)};
    EXPECT_EQ(outcome_of(data.build()), "400") << "another signature";

    data = message.signed_data();
    data.content_type = to_bytes(oid::kData);
    data.content = std::nullopt;
    EXPECT_EQ(outcome_of(data.build()), "400") << "nothing was signed";

    Message changed = message;
    changed.message_digest = Message::attribute(oid::kMessageDigest, der::octet_string(Bytes(32)));
    EXPECT_EQ(outcome_of(changed), "400") << "other content was signed";

    changed = message;
    changed.digest = certs::Digest::kSha1;
    AlgorithmRules without_sha1;
    without_sha1.sha1 = false;
    EXPECT_EQ(outcome_of(changed), testing::kFaulty);
    EXPECT_EQ(outcome_of(changed, without_sha1), "400") << "a digest that proves nothing";

    AlgorithmRules large;
    large.key_limits.minimum_rsa_bits = 4096;
    EXPECT_EQ(outcome_of(message, large), "400") << "a key that is not allowed";
}

TEST(SignedAttributesTest, R_B08_EachFaultIsNamedToTheOperator) {
    Message message = honest_message();
    message.message_type.clear();
    message.sender_nonce = Message::attribute(oid::kSenderNonce, der::octet_string({}));
    const auto request = read_signed_request(message.build());
    ASSERT_TRUE(request) << request.error().detail;
    EXPECT_EQ(request->fault,
              "messageType: no signed attribute 2.16.840.1.113733.1.9.2; "
              "senderNonce of 0 octets");
    EXPECT_FALSE(request->message_type);
    EXPECT_TRUE(request->sender_nonce.empty());
}

TEST(SignedAttributesTest, R_B08_ARequestWithAFaultReachesNoPrivateKey) {
    const auto before = testing::decryptions();
    Message message = honest_message();
    message.sender_nonce.clear();
    const auto request = read_signed_request(message.build());
    ASSERT_TRUE(request) << request.error().detail;
    EXPECT_FALSE(open_request(*request, testing::our_recipients(), {}));
    EXPECT_EQ(testing::decryptions(), before);
}

Bytes with_transaction_id(const Bytes& value) {
    Message message = honest_message();
    message.transaction_id = Message::attribute(oid::kTransactionId, value);
    return message.build();
}

constexpr DerTag kTransactionIdTypes[] = {DerTag::kPrintableString, DerTag::kUtf8String,
                                          DerTag::kIa5String};

TEST(SignedAttributesTest, R_B11_ATransactionIdOfNoStringTypeIsRefused) {
    for (const DerTag type : {DerTag::kOctetString, DerTag::kInteger, DerTag::kOid,
                              DerTag::kBmpString, DerTag::kT61String}) {
        EXPECT_FALSE(
            read_signed_request(with_transaction_id(der::element(type, as_bytes("abcd")))));
    }
}

TEST(SignedAttributesTest, R_B14_TakesEachTransactionIdOfTheRfc) {
    for (const auto text : {"1"sv, "EUI-00:11:22"sv, "LJvw3XEomLnPa31UVin3m7k/AnU="sv, "0"sv,
                            "../../etc"sv, "a b'c(d)+,-./:=?"sv}) {
        const Bytes message =
            with_transaction_id(der::element(DerTag::kPrintableString, as_bytes(text)));
        const auto request = read_signed_request(message);
        ASSERT_TRUE(request) << text;
        EXPECT_EQ(request->transaction_id, text);
        EXPECT_TRUE(request->tolerances.empty());
    }
}

// C clients send a user name, Windows ones a domain before it, printers anything.
TEST(SignedAttributesTest, R_B14_TakesAnyTextAsTransactionIdAndNotesIt) {
    for (const DerTag type : kTransactionIdTypes) {
        for (const auto text : {"CORP\\alice"sv, "user_1@example"sv, "*"sv, "\""sv, "a&b"sv,
                                "'; DROP TABLE x; --"sv, "%s%n"sv, "<x>"sv, "J\xC3\xBCrgen"sv}) {
            const auto request =
                read_signed_request(with_transaction_id(der::element(type, as_bytes(text))));
            ASSERT_TRUE(request) << text << ": " << request.error().detail;
            EXPECT_EQ(request->transaction_id, text);
            EXPECT_EQ(request->transaction_id_type, type);
            EXPECT_EQ(request->tolerances.back(), "transaction-id-characters");
        }
    }
    EXPECT_EQ(tolerances_of(with_transaction_id(der::utf8_string("abc"))),
              Tolerances{"transaction-id-string-type"});
    EXPECT_EQ(tolerances_of(with_transaction_id(der::ia5_string("abc"))),
              Tolerances{"transaction-id-string-type"});
}

TEST(SignedAttributesTest, A_S15_RefusesTransactionIdsThatAreNoText) {
    for (const DerTag type : kTransactionIdTypes) {
        for (const auto text : {""sv, "a\0b"sv, "a\nb"sv, "\x1B[2J"sv, "\x7F"sv, "\xE4"sv,
                                "\xC0\x80"sv, "\xE2\x80\xAE"sv}) {
            EXPECT_FALSE(
                read_signed_request(with_transaction_id(der::element(type, as_bytes(text)))))
                << to_hex(as_bytes(text));
        }
    }
}

TEST(SignedAttributesTest, R_B14_ATransactionIdHasAtMost255Octets) {
    for (const DerTag type : kTransactionIdTypes) {
        const auto of_length = [&](std::size_t length) {
            return read_signed_request(with_transaction_id(der::element(type, Bytes(length, 'x'))));
        };
        EXPECT_TRUE(of_length(255));
        EXPECT_FALSE(of_length(256));
        EXPECT_FALSE(of_length(4096));
    }
}

TEST(SignedAttributesTest, R_B22_NoncesOfOtherLengthsAreNotedUpTo64) {
    const auto with = [](std::size_t size) {
        Message message = honest_message();
        message.sender_nonce =
            Message::attribute(oid::kSenderNonce, der::octet_string(Bytes(size, 0x11)));
        return message.build();
    };
    for (const std::size_t size : {1U, 15U, 17U, 64U}) {
        EXPECT_EQ(tolerances_of(with(size)), Tolerances{"nonce-length"}) << size;
        EXPECT_EQ(read_signed_request(with(size))->sender_nonce, Bytes(size, 0x11));
        EXPECT_EQ(outcome_of(with(size)), "accepted");
    }
    EXPECT_EQ(outcome_of(with(0)), testing::kFaulty);
    EXPECT_EQ(outcome_of(with(65)), testing::kFaulty);
}

TEST(SignedAttributesTest, ToleratesMissingContentTypeAndSigningTime) {
    Message message = honest_message();
    message.content_type.clear();
    message.signing_time.clear();
    EXPECT_EQ(outcome_of(message), "accepted");
    EXPECT_EQ(tolerances_of(message.build()), (Tolerances{"no-content-type", "no-signing-time"}));
}

TEST(SignedAttributesTest, R_B15_R_B16_A_S16_NoOtherTypeBecomesAPkcsReq) {
    Message message = honest_message();
    std::vector<std::string> spellings{"",    "019",     " 19",   "19 ",
                                       "+19", "-19",     "0x13",  "19.0",
                                       "1 9", "PKCSReq", "19,19", "1919191919191919191919"};
    spellings.emplace_back("19\0"sv);
    spellings.emplace_back("\00019"sv);
    for (int number = 0; number <= 255; ++number)
        spellings.push_back(std::to_string(number));
    const std::map<std::string, std::string> others{
        {"17", "badRequest RenewalSignerUnknown"},
        {"19", "accepted"},
        {"20", "accepted"},                               // never opened
        {"21", std::string(testing::kUnreadableLookUp)},  // a CSR is not what these hold
        {"22", std::string(testing::kUnreadableLookUp)}};
    for (const std::string& text : spellings) {
        message.set_type(text);
        const auto other = others.find(text);
        EXPECT_EQ(outcome_of(message),
                  other == others.end() ? "badRequest MessageTypeUnsupported" : other->second)
            << text;
    }
}

TEST(SignedAttributesTest, A_S16_KeepsLittleOfAnOddMessageType) {
    Message message = honest_message();
    message.set_type(std::string(4096, '1'));
    const auto request = read_signed_request(message.build());
    ASSERT_TRUE(request);
    EXPECT_FALSE(request->message_type);
    EXPECT_EQ(request->message_type_text, std::string(16, '1'));
}

}  // namespace
}  // namespace scepgate::scep::this_file
