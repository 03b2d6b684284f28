// Requests as real clients sent them (tests/data/vectors/README.md).
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include <gtest/gtest.h>

#include "scep/message_content.hpp"
#include "scep/query.hpp"
#include "tests/scep/support/raw_request.hpp"

namespace scepgate::scep::this_file {
namespace {

using certs::ContentCipher;
using certs::Digest;

std::filesystem::path data() {
    return SCEPGATE_TEST_DATA;
}

Bytes file(const std::filesystem::path& name) {
    std::ifstream stream(data() / name, std::ios::binary);
    if (!stream) throw std::runtime_error("no test data " + name.string());
    return Bytes(std::istreambuf_iterator<char>(stream), {});
}

Bytes recorded(const std::string& name) {
    return file("vectors/recorded/" + name);
}

const std::vector<RecipientKey>& recorded_ca() {
    static const std::vector<RecipientKey> recipients{
        {certs::Certificate::from_file(data() / "vectors/recorded/ca.pem").value(),
         certs::PrivateKey::from_file(data() / "vectors/recorded/ca.key").value()}};
    return recipients;
}

AlgorithmRules rules_with_des() {
    AlgorithmRules rules;
    rules.des = true;
    return rules;
}

/// The transaction ID that INDEX.txt notes for a file.
std::string indexed_transaction_id(const std::string& name) {
    std::istringstream lines{std::string(as_text(recorded("INDEX.txt")))};
    for (std::string line; std::getline(lines, line);) {
        if (line.substr(0, line.find(' ')) != name) continue;
        const std::size_t begin = line.find("tid=") + 4;
        return line.substr(begin, line.find(' ', begin) - begin);
    }
    throw std::runtime_error("not in INDEX.txt: " + name);
}

struct Client {
    const char* name;
    Digest digest;
    ContentCipher cipher;
    const char* common_name;  ///< without the prefix that the recordings of polls have
    const char* san;
    const char* poll_san;
};
constexpr Client kCertmonger{"certmonger",
                             Digest::kSha256,
                             ContentCipher::kAes256Cbc,
                             "certmonger.bench.test",
                             "dns:certmonger.bench.test",
                             "dns:certmonger.bench.test"};
constexpr Client kMicromdm{"micromdm", Digest::kSha1, ContentCipher::kDesCbc, "micromdm.bench.test",
                           "none",     "none"};
constexpr Client kStrongswan{"strongswan",
                             Digest::kSha256,
                             ContentCipher::kAes128Cbc,
                             "strongswan.bench.test",
                             "dns:strongswan.bench.test",
                             "none"};

struct Recording {
    const char* test_name;
    const char* file;
    const Client& client;
    const char* challenge = "secret";
    bool poll = false;
};

const Recording kRecordings[] = {
    {"CertmongerBadChallenge", "certmonger-badchal-GET", kCertmonger, "not-secret"},
    {"CertmongerEnrol", "certmonger-enrol-GET", kCertmonger},
    {"CertmongerEnrol2", "certmonger-enrol-GET-2", kCertmonger},
    {"CertmongerPoll", "certmonger-poll-GET", kCertmonger, "secret", true},
    {"CertmongerPoll2", "certmonger-poll-GET-2", kCertmonger, "secret", true},
    {"CertmongerPoll3", "certmonger-poll-GET-3", kCertmonger, "secret", true},
    {"CertmongerPoll4", "certmonger-poll-GET-4", kCertmonger, "secret", true},
    {"CertmongerPoll5", "certmonger-poll-GET-5", kCertmonger, "secret", true},
    {"CertmongerPoll6", "certmonger-poll-GET-6", kCertmonger, "secret", true},
    {"CertmongerBeforeRenewal", "certmonger-renew-GET", kCertmonger},
    {"CertmongerBeforeRenewal3", "certmonger-renew-GET-3", kCertmonger},
    {"MicromdmBadChallenge", "micromdm-badchal-POST", kMicromdm, "not-secret"},
    {"MicromdmEnrolByGet", "micromdm-enrol-GET", kMicromdm},
    {"MicromdmEnrolByPost", "micromdm-enrol-POST", kMicromdm},
    {"MicromdmPoll", "micromdm-poll-POST", kMicromdm, "secret", true},
    {"MicromdmPoll2", "micromdm-poll-POST-2", kMicromdm, "secret", true},
    {"MicromdmPoll3", "micromdm-poll-POST-3", kMicromdm, "secret", true},
    {"StrongswanBadChallenge", "strongswan-badchal-POST", kStrongswan, "not-secret"},
    {"StrongswanEnrol", "strongswan-enrol-POST", kStrongswan},
    {"StrongswanPoll", "strongswan-poll-POST", kStrongswan, "secret", true},
};

class RecordedRequestTest : public ::testing::TestWithParam<Recording> {};
INSTANTIATE_TEST_SUITE_P(Clients, RecordedRequestTest, ::testing::ValuesIn(kRecordings),
                         [](const auto& row) { return std::string(row.param.test_name); });

TEST_P(RecordedRequestTest, DecodesToItsCertificateRequest) {
    const Recording& expected = GetParam();
    const Client& client = expected.client;
    const std::string name = std::string(expected.file) + ".der";
    const auto signed_request = read_signed_request(recorded(name));
    ASSERT_TRUE(signed_request) << signed_request.error().detail;
    EXPECT_EQ(signed_request->transaction_id, indexed_transaction_id(name));
    EXPECT_EQ(signed_request->message_type, MessageType::kPkcsReq);
    EXPECT_EQ(signed_request->message_type_text, "19");
    EXPECT_EQ(signed_request->sender_nonce.size(), 16U);
    EXPECT_TRUE(signed_request->tolerances.empty());

    const auto message = open_request(*signed_request, recorded_ca(), rules_with_des());
    ASSERT_TRUE(message) << message.error().text;
    EXPECT_EQ(message->type(), MessageType::kPkcsReq);
    EXPECT_EQ(message->signature_algorithm().digest, client.digest);
    EXPECT_EQ(message->cipher(), client.cipher);
    EXPECT_FALSE(message->key_transport().oaep);

    const auto request =
        to_enrollment_request(*message, {"/scep", "192.0.2.7", {}}, rules_with_des());
    ASSERT_TRUE(request) << request.error().text;
    const std::string prefix = expected.poll ? "poll-" : "";
    EXPECT_EQ(request->csr.subject().common_name(), prefix + client.common_name);
    EXPECT_EQ(request->csr.challenge().value().text(), expected.challenge);
    EXPECT_EQ(to_text(request->csr.requested().subject_alt_name),
              expected.poll ? client.poll_san : client.san);
    EXPECT_EQ(request->csr.public_key().text(), "rsa:2048");
    EXPECT_EQ(request->purpose, certs::Purpose::kGeneralPurpose);
    EXPECT_EQ(request->kind, EnrollmentKind::kInitial);
    EXPECT_EQ(request->message_type, 19);
    EXPECT_EQ(request->transaction_id, signed_request->transaction_id);
    EXPECT_EQ(request->endpoint, "/scep");
    EXPECT_EQ(request->client_address, "192.0.2.7");
    EXPECT_EQ(request->signer, signed_request->signer);
    // Decoded once, shared by the message and its CSR.
    EXPECT_EQ(request->csr.public_key().evp(), message->signer_key().evp());
}

TEST(RecordedMessagesTest, TheHttpRequestsCarryTheSameMessages) {
    for (const auto name :
         {"certmonger-enrol-GET", "certmonger-poll-GET-6", "micromdm-enrol-GET"}) {
        const Bytes http = recorded(std::string(name) + ".http");
        std::string_view target = as_text(http);
        target.remove_prefix(target.find('?') + 1);
        const auto query = parse_query(target.substr(0, target.find(' ')));
        ASSERT_TRUE(query) << name;
        EXPECT_EQ(query->operation, Operation::kPkiOperation);
        const auto message = decode_query_message(query->message.value(), 1024 * 1024);
        ASSERT_TRUE(message) << name << ": " << message.error().detail;
        EXPECT_EQ(message->bytes, recorded(std::string(name) + ".der")) << name;
    }
}

TEST(RecordedMessagesTest, MicromdmNeedsSha1AndSingleDes) {
    const auto request = read_signed_request(recorded("micromdm-enrol-POST.der"));
    ASSERT_TRUE(request);
    const auto code = [&](const AlgorithmRules& rules) {
        const auto opened = open_request(*request, recorded_ca(), rules);
        return opened ? std::string("opened")
                      : to_text(opened.error().fail_info) + (" " + opened.error().code);
    };
    AlgorithmRules rules = rules_with_des();
    EXPECT_EQ(code(rules), "opened");
    rules.sha1 = false;
    EXPECT_EQ(code(rules), "badAlg DigestUnsupported");
    EXPECT_EQ(code({}), "badAlg ContentCipherUnsupported");
}

/// The recording's CA, whose certificates are renewed.
std::vector<TrustedIssuer> recorded_issuers() {
    const certs::Certificate ca = recorded_ca().at(0).certificate;
    return {{ca, ca.public_key().value()}};
}

TEST(RecordedMessagesTest, R_T11_MicromdmsRenewalReqIsARenewalOfItsSigner) {
    const auto request = read_signed_request(recorded("micromdm-renew-POST.der"));
    ASSERT_TRUE(request) << request.error().detail;
    EXPECT_EQ(request->message_type, MessageType::kRenewalReq);
    const auto message = open_request(*request, recorded_ca(), rules_with_des());
    ASSERT_TRUE(message) << message.error().text;
    const auto issuers = recorded_issuers();
    const auto renewal = to_enrollment_request(*message, {"", "", issuers}, rules_with_des());
    ASSERT_TRUE(renewal) << renewal.error().text;
    EXPECT_EQ(renewal->kind, EnrollmentKind::kRenewal);
    EXPECT_EQ(renewal->signer, request->signer);
    const auto stranger = to_enrollment_request(*message, {}, rules_with_des());
    ASSERT_FALSE(stranger);
    EXPECT_EQ(stranger.error().code, "RenewalSignerUnknown");
}

TEST(RecordedMessagesTest, R_T12_CertmongersRenewalWithANewKeyIsOneThoughAPkcsReq) {
    for (const auto name : {"certmonger-renew-GET-2.der", "certmonger-renew-GET-4.der"}) {
        const auto request = read_signed_request(recorded(name));
        ASSERT_TRUE(request) << request.error().detail;
        EXPECT_FALSE(request->signer.self_issued());
        const auto message = open_request(*request, recorded_ca(), {});
        ASSERT_TRUE(message) << message.error().text;
        const auto issuers = recorded_issuers();
        const auto renewal = to_enrollment_request(*message, {"", "", issuers}, {});
        ASSERT_TRUE(renewal) << renewal.error().text;
        EXPECT_EQ(renewal->kind, EnrollmentKind::kRenewal);
        const auto stranger = to_enrollment_request(*message, {}, {});
        ASSERT_FALSE(stranger);
        EXPECT_EQ(stranger.error().code, "SignerKeyMismatch");
    }
}

TEST(RecordedMessagesTest, A_S20_AnotherServersRequestIsUndecryptable) {
    const auto request = read_signed_request(recorded("strongswan-enrol-POST.der"));
    ASSERT_TRUE(request);
    auto renamed = recorded_ca();
    renamed[0].certificate =
        certs::Certificate::from_file(data() / "vectors/micromdm/testca/ca.pem").value();
    const auto opened = open_request(*request, renamed, {});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, undecryptable().code);
}

// An Apple device of 2016: signed by the MDM's identity, whose key is not the CSR's.
TEST(RecordedMessagesTest, AppleDecodesToItsCertificateRequest) {
    AlgorithmRules rules;
    rules.key_limits.minimum_rsa_bits = 1024;
    const std::vector<RecipientKey> recipients{
        {certs::Certificate::from_file(data() / "vectors/micromdm/testca/ca.pem").value(),
         certs::PrivateKey::from_file(data() / "scep/micromdm-testca.key").value()}};
    const auto request = read_signed_request(file("vectors/micromdm/PKCSReq.der"));
    ASSERT_TRUE(request) << request.error().detail;
    EXPECT_EQ(request->signer.subject_text(), "C=US,CN=MDM SCEP SIGNER");
    EXPECT_EQ(request->tolerances, Tolerances{"nonce-length"});

    const auto message = open_request(*request, recipients, rules);
    ASSERT_TRUE(message) << message.error().text;
    EXPECT_EQ(message->cipher(), ContentCipher::kDes3Cbc);
    certs::CsrLimits limits;
    limits.key = rules.key_limits;
    const auto csr = certs::Csr::from_der(message->content(), limits);
    ASSERT_TRUE(csr) << csr.error().detail;
    EXPECT_EQ(csr->subject().common_name(),
              "com.apple.security.scep.063D7953-1338-4BF0-8F99-913382996224");
    EXPECT_EQ(csr->requested().key_usage.value().text(), "digitalSignature");
    EXPECT_EQ(csr->public_key().text(), "rsa:1024");

    const auto enrollment = to_enrollment_request(*message, {}, rules);
    ASSERT_FALSE(enrollment);
    EXPECT_EQ(enrollment.error().code, "SignerKeyMismatch");
    // Without the smaller keys the CSR does not count as one.
    const auto strict = to_enrollment_request(*message, {}, {});
    ASSERT_FALSE(strict);
    EXPECT_EQ(strict.error().code, undecryptable().code);
}

// By the RFC's author, with keys of 1536 bits; the recipient's private key was not published.
TEST(RecordedMessagesTest, CryptlibIsReadAndVerified) {
    const auto request = read_signed_request(file("vectors/jscep/scep_req2.der"));
    ASSERT_TRUE(request) << request.error().detail;
    EXPECT_EQ(request->message_type, MessageType::kPkcsReq);
    AlgorithmRules rules;
    const auto small = open_request(*request, recorded_ca(), rules);
    ASSERT_FALSE(small);
    EXPECT_EQ(small.error().code, "SignerKeyUnsupported");
    rules.key_limits.minimum_rsa_bits = 1536;
    const auto verified = open_request(*request, recorded_ca(), rules);
    ASSERT_FALSE(verified);
    EXPECT_EQ(verified.error().code, undecryptable().code);

    certs::CsrLimits limits;
    limits.key = rules.key_limits;
    const auto csr = certs::Csr::from_der(file("vectors/jscep/scep_req0.der"), limits);
    ASSERT_TRUE(csr) << csr.error().detail;
    EXPECT_EQ(csr->public_key(), request->signer.public_key(rules.key_limits).value());
    EXPECT_EQ(csr->challenge().value().text(), "NQ3C6-GS3ZN-2XPGL-SEJTQ");
}

// cryptlib's has 1536 bits and no senderNonce either; to micromdm's own server it is optional.
TEST(RecordedMessagesTest, A_S19_RepliesWithoutASenderNonceAreNoRequests) {
    AlgorithmRules rules;
    rules.key_limits.minimum_rsa_bits = 1024;
    for (const auto name : {"vectors/jscep/scep_resp2.der", "vectors/micromdm/CertRep.der"})
        EXPECT_EQ(testing::outcome_of(file(name), rules), testing::kFaulty) << name;
}

}  // namespace
}  // namespace scepgate::scep::this_file
