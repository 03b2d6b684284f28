// What GetCert and GetCRL ask after, and that CertPoll is not opened (rfc8894.md C08-C12).
#include "scep/message_content.hpp"

#include <map>

#include <gtest/gtest.h>

#include "tests/scep/support/ra_pki.hpp"

namespace scepgate::scep::this_file {
namespace {

namespace der = certs::der;
using testing::pki;

struct Case {
    const char* name;
    const char* hex;
    bool reads;  ///< as IssuerAndSerialNumber
};

#define NAME "300C310A300806035504030C0141"  // CN=A

const Case kCases[] = {
    {"NameAndName", "301C" NAME NAME, false},
    {"NameAndEmptyName", "3010" NAME "3000", false},
    {"NameAndNumber", "3011" NAME "020105", true},
    {"NameAndNumberWithSignOctet", "3012" NAME "02020080", true},
    // Clients that lose the sign octet of a serial number whose top bit is set.
    {"NameAndNegativeNumber", "3011" NAME "020180", true},
    {"EmptyIssuerAndName", "30103000" NAME, false},
    {"EmptyIssuerAndNumber", "30053000020105", false},
    {"IssuerAlone", "300E" NAME, false},
    {"ThirdField", "301E" NAME NAME "0500", false},
    {"OctetsAfter", "301C" NAME NAME "00", false},
    {"EmptyNumber", "3010" NAME "0200", false},
    {"NumberOf33Octets",
     "3031" NAME "0221010203040506070809101112131415161718192021222324252627282930313233", false},
    {"NameWithNul", "301C" NAME "300C310A300806035504030C0100", false},
    {"Indefinite", "3080" NAME NAME "0000", false},
    {"Nothing", "", false},
    {"ACertificateRequest", "30030201FF", false},
};

class MessageContentTest : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Der, MessageContentTest, ::testing::ValuesIn(kCases),
                         [](const auto& row) { return std::string(row.param.name); });

PkiMessage message_with(MessageType type, Bytes content) {
    ClientRequest request = pki().request();
    request.type = type;
    request.content = std::move(content);
    const auto read = read_signed_request(encode_request(request).value()).value();
    return open_request(read, pki().recipients(), {}).value();
}

TEST_P(MessageContentTest, A_E08_IsReadOrEndsInTheUniformRefusal) {
    const Bytes content = from_hex(GetParam().hex).value();
    EXPECT_EQ(parse_issuer_and_serial(content).has_value(), GetParam().reads);
    const auto outcome = [&](MessageType type, auto read) {
        const auto got = read(message_with(type, content));
        if (got) return std::string("read");
        EXPECT_EQ(got.error().text, undecryptable().text);
        return to_text(got.error().fail_info) + (" " + got.error().code);
    };
    // badCertId, as for one that asks after what there is not: otherwise what opened would be told.
    const std::string expected =
        GetParam().reads ? "read" : std::string(testing::kUnreadableLookUp);
    EXPECT_EQ(outcome(MessageType::kGetCert, read_get_cert), expected);
    EXPECT_EQ(outcome(MessageType::kGetCrl, read_get_crl), expected);
}

// Whoever saw a PKCSReq knows how it begins, so can write one block by the IV, let a serial number
// swallow the next, and ask 256 times for the last octet of a third. One question is readable:
// which one must not show.
TEST(MessageContentTest, A_E08_ARequestCutUpIntoALookUpIsNotReadByItsPadding) {
    constexpr std::size_t kBlock = 16;
    testing::Envelope cut = testing::envelope_of(testing::device_key());
    const Bytes sniffed = cut.encrypted();
    // SEQUENCE { issuer 1.2=, serialNumber of 32 octets }
    const Bytes wanted = from_hex("302D30093107300506012A0C00022001").value();
    for (std::size_t i = 0; i < kBlock; ++i)
        cut.iv[i] = static_cast<std::uint8_t>(cut.iv[i] ^ cut.plain[i] ^ wanted[i]);
    std::map<std::string, int> outcomes;
    for (int guess = 0; guess < 256; ++guess) {
        Bytes ciphertext(sniffed.begin(), sniffed.begin() + kBlock);
        ciphertext.resize(2 * kBlock, static_cast<std::uint8_t>(guess));
        ciphertext.insert(ciphertext.end(), sniffed.begin() + 3 * kBlock,
                          sniffed.begin() + 4 * kBlock);
        cut.ciphertext = ciphertext;
        auto message = testing::message_of(cut.build(), testing::attacker_key());
        message.set_type("21");
        ++outcomes[testing::outcome_of(message)];
    }
    // What is read is a certificate that is not known: badCertId, too.
    const std::map<std::string, int> expected{{"accepted", 1},
                                              {std::string(testing::kUnreadableLookUp), 255}};
    EXPECT_EQ(outcomes, expected);
}

TEST(MessageContentTest, R_B06_AnotherTypesMessageIsRefusedWhateverIsInside) {
    const PkiMessage poll = message_with(MessageType::kCertPoll, {});
    EXPECT_EQ(read_get_cert(poll).error().code, "MessageTypeUnsupported");
    EXPECT_EQ(read_get_crl(poll).error().code, "MessageTypeUnsupported");
    EXPECT_EQ(to_enrollment_request(poll, {}, {}).error().code, "MessageTypeUnsupported");
}

TEST(MessageContentTest, R_C08_APollNamesTheCaAndTheSubject) {
    const auto issuer = certs::Name::from_der(pki().ca.subject_der()).value();
    const auto subject = certs::Name::from_text("CN=device,O=Example").value();
    const Bytes content = encode_issuer_and_subject(issuer, subject);
    EXPECT_EQ(content, der::sequence({pki().ca.subject_der(), subject.der()}));
}

TEST(MessageContentTest, R_C09_APollIsNotOpened) {
    const Bytes content = pki().issued.issuer_and_serial();
    EXPECT_TRUE(message_with(MessageType::kCertPoll, content).content().empty());
    EXPECT_TRUE(equal(message_with(MessageType::kGetCert, content).content(), content));
}

TEST(MessageContentTest, R_C10_ACertificateIsNamedByIssuerAndSerial) {
    const auto read =
        read_get_cert(message_with(MessageType::kGetCert, pki().issued.issuer_and_serial()));
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_TRUE(read->names(pki().issued));
    EXPECT_FALSE(read->names(pki().signing));
    EXPECT_FALSE(read->names(pki().transient));
    const auto crl =
        read_get_crl(message_with(MessageType::kGetCrl, pki().issued.issuer_and_serial()));
    ASSERT_TRUE(crl) << crl.error().text;
    EXPECT_TRUE(crl->names(pki().issued));
}

// Java clients write the issuer anew, in string types and letters of their own.
TEST(MessageContentTest, ToleratesAnIssuerThatWasWrittenAnew) {
    const Bytes name = certs::testing::common_name(certs::DerTag::kPrintableString, "ca");
    const Bytes content = der::sequence({name, der::unsigned_integer(pki().issued.serial())});
    const auto read = read_get_cert(message_with(MessageType::kGetCert, content));
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_TRUE(read->names(pki().issued));
}

}  // namespace
}  // namespace scepgate::scep::this_file
