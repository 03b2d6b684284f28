#include "tests/scep/support/raw_request.hpp"

namespace scepgate::scep::testing {

namespace der = certs::der;
namespace oid = certs::oid;
using certs::PrivateKey;
using certs::testing::RawCertificate;

namespace {

PrivateKey generate() {
    return PrivateKey::generate({certs::KeyType::kRsa, 2048}).value();
}

RawCertificate ra_certificate(int serial) {
    RawCertificate certificate;
    certificate.issuer = certs::testing::common_name(certs::DerTag::kPrintableString, "Issuing CA");
    certificate.subject = certs::testing::common_name(certs::DerTag::kPrintableString, "RA");
    certificate.serial = der::integer(serial);
    return certificate;
}

RecipientKey recipient(int serial, const PrivateKey& key) {
    return {certs::Certificate::from_der(ra_certificate(serial).build(key)).value(), key};
}

}  // namespace

const PrivateKey& device_key() {
    static const PrivateKey key = generate();
    return key;
}
const PrivateKey& attacker_key() {
    static const PrivateKey key = generate();
    return key;
}
const PrivateKey& ra_key() {
    static const PrivateKey key = generate();
    return key;
}
const PrivateKey& old_ra_key() {
    static const PrivateKey key = generate();
    return key;
}
const PrivateKey& foreign_key() {
    static const PrivateKey key = generate();
    return key;
}

const std::vector<RecipientKey>& our_recipients() {
    static const std::vector<RecipientKey> recipients{recipient(100, ra_key()),
                                                      recipient(99, old_ra_key())};
    return recipients;
}

Bytes ra_reference() {
    return certs::testing::issuer_and_serial(ra_certificate(100));
}
Bytes old_ra_reference() {
    return certs::testing::issuer_and_serial(ra_certificate(99));
}
Bytes foreign_reference() {
    return certs::testing::issuer_and_serial(ra_certificate(7));
}

Bytes csr_of(const PrivateKey& key) {
    certs::testing::RawCsr csr;
    csr.spki = to_bytes(key.public_key().spki());
    csr.attributes = {certs::testing::raw_attribute(oid::kChallengePassword,
                                                    {der::printable_string("open sesame")})};
    return csr.build(key);
}

Bytes Envelope::encrypted() const {
    return certs::testing::encrypt_blocks(openssl_cipher, content_key, iv,
                                          certs::testing::pkcs7_padded(plain, iv.size()));
}

Bytes Envelope::enveloped_data() const {
    certs::testing::RawEnvelope envelope;
    envelope.recipients = recipients ? *recipients
                                     : std::vector<Bytes>{certs::testing::key_transport(
                                           ra_reference(), encrypted_key(*this, ra_key()))};
    envelope.content_type = content_type;
    envelope.cipher_algorithm =
        cipher_algorithm ? *cipher_algorithm
                         : certs::testing::algorithm(oid::kAes128Cbc, der::octet_string(iv));
    envelope.encrypted_content =
        encrypted_content
            ? *encrypted_content
            : der::element(certs::context_primitive(0), ciphertext ? *ciphertext : encrypted());
    envelope.after_content = after_content;
    return envelope.build();
}

Bytes Envelope::build() const {
    return certs::testing::content_info(oid::kEnvelopedData, enveloped_data());
}

Envelope envelope_of(const PrivateKey& csr_key) {
    Envelope envelope;
    envelope.plain = csr_of(csr_key);
    return envelope;
}

Bytes encrypted_key(const Envelope& envelope, const PrivateKey& recipient) {
    return recipient.public_key().encrypt_pkcs1(envelope.content_key).value();
}

certs::testing::RawSigner Message::signer() const {
    certs::testing::RawSigner signer;
    signer.sid = certs::testing::issuer_and_serial(certificate);
    signer.digest = digest;
    signer.key = key;
    const Bytes digest_value = der::octet_string(certs::digest_of(digest, content));
    signer.attributes = {
        content_type,
        message_digest ? *message_digest : attribute(oid::kMessageDigest, digest_value),
        signing_time,
        message_type,
        transaction_id,
        sender_nonce};
    signer.attributes.insert(signer.attributes.end(), more_attributes.begin(),
                             more_attributes.end());
    return signer;
}

certs::testing::RawSignedData Message::signed_data() const {
    certs::testing::RawSignedData data;
    data.content = content;
    data.certificates = {certificate.build(key)};
    data.signers = {signer().build(content)};
    return data;
}

Message message_of(Bytes content, const PrivateKey& signer) {
    Message message;
    message.content = std::move(content);
    message.key = signer;
    return message;
}

Message honest_message() {
    return message_of(envelope_of(device_key()).build(), device_key());
}

std::string outcome_of(ByteView message, const AlgorithmRules& rules) {
    const auto text = [](const Refusal& refusal) {
        return std::string(to_text(refusal.fail_info)) + " " + refusal.code;
    };
    const auto request = read_signed_request(message);
    if (!request) {
        EXPECT_EQ(request.error().code, Errc::kMalformed) << request.error().detail;
        return "400";
    }
    if (const auto answerable = check_answerable(*request, rules); !answerable) {
        EXPECT_EQ(answerable.error().code, Errc::kMalformed) << answerable.error().detail;
        return "400";
    }
    const auto opened = open_request(*request, our_recipients(), rules);
    if (!opened) return text(opened.error());
    const auto judged = [&](const auto& read) {
        return read ? std::string("accepted") : text(read.error());
    };
    switch (opened->type()) {
        case MessageType::kCertPoll:
            return "accepted";
        case MessageType::kGetCert:
            return judged(read_get_cert(*opened));
        case MessageType::kGetCrl:
            return judged(read_get_crl(*opened));
        default:
            return judged(to_enrollment_request(*opened, {"/scep", "192.0.2.1", {}}, rules));
    }
}

Tolerances tolerances_of(ByteView message) {
    const auto request = read_signed_request(message);
    EXPECT_TRUE(request) << request.error().detail;
    return request ? request->tolerances : Tolerances{};
}

std::string outcome_of(const Envelope& envelope, const AlgorithmRules& rules) {
    return outcome_of(message_of(envelope.build(), device_key()), rules);
}

}  // namespace scepgate::scep::testing
