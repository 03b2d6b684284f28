// What a client sends: the request and the certificate that signs it.
#include "certs/asn1_string.hpp"
#include "certs/certificate_builder.hpp"
#include "certs/oids.hpp"
#include "scep/client.hpp"

namespace scepgate::scep {
namespace {

constexpr std::int64_t kDay = 24 * 60 * 60;
constexpr std::int64_t kTransientDays = 30;

}  // namespace

Result<Bytes> encode_request(const ClientRequest& request) {
    const auto recipient_key = request.recipient.public_key(request.key_limits);
    if (!recipient_key) return in_context("the CA's encryption key", recipient_key.error());
    const auto enveloped = certs::build_enveloped_data(
        request.content, request.cipher, request.recipient, *recipient_key, request.oaep);
    if (!enveloped) return enveloped.error();
    const Bytes content = certs::build_content_info(certs::oid::kEnvelopedData, *enveloped);

    certs::SignedDataContents contents;
    contents.content_type = certs::oid::kData;
    contents.content = content;
    contents.signed_attributes = {
        certs::encode_attribute(
            certs::oid::kMessageType,
            certs::der::printable_string(std::to_string(static_cast<int>(request.type)))),
        certs::encode_attribute(certs::oid::kTransactionId,
                                certs::encode_text(request.transaction_id)),
        certs::encode_attribute(certs::oid::kSenderNonce,
                                certs::der::octet_string(request.sender_nonce))};
    contents.signing_time = request.now;
    contents.certificates = {request.signer};
    contents.digest = request.digest;
    return certs::build_signed_data(contents, request.signer, request.signer_key);
}

Result<certs::Certificate> transient_certificate(const certs::Name& subject,
                                                 const certs::PrivateKey& key, std::int64_t now) {
    using certs::KeyUsageBit;
    certs::KeyUsage usage{KeyUsageBit::kDigitalSignature};
    if (key.type() == certs::KeyType::kRsa) {
        usage = {KeyUsageBit::kDigitalSignature, KeyUsageBit::kKeyEncipherment};
    }
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.issuer_der = subject.der();
    contents.subject_der = subject.der();
    contents.not_before = now - kDay;
    contents.not_after = contents.not_before + kTransientDays * kDay;
    contents.spki = to_bytes(key.public_key().spki());
    contents.extensions = {certs::key_usage_extension(usage)};
    return certs::build_certificate(contents, key, certs::Digest::kSha256);
}

std::string new_transaction_id() {
    return to_hex(random_bytes(16));
}

}  // namespace scepgate::scep
