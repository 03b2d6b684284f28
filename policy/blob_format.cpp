#include "policy/blob_format.hpp"

#include "certs/ber.hpp"
#include "certs/oids.hpp"

namespace scepgate::policy {
namespace {

using certs::ContentCipher;

constexpr std::string_view kSpaces = " \t\r\n";

bool fits(ContentCipher cipher, bool authenticated) {
    if (authenticated) return cipher == ContentCipher::kAes256Gcm;
    return cipher == ContentCipher::kAes128Cbc || cipher == ContentCipher::kAes256Cbc;
}

}  // namespace

Result<Bytes> decode_blob_text(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kSpaces);
    if (first == std::string_view::npos) return malformed("it is empty");
    text = text.substr(first, text.find_last_not_of(kSpaces) - first + 1);

    if (auto plain = from_base64(text)) return plain;  // as most encoders have it
    bool plain = true;                                 // nothing to leave out or to translate
    bool url_safe = false;
    bool standard = false;
    for (const char c : text) {
        url_safe = url_safe || c == '-' || c == '_';
        standard = standard || c == '+' || c == '/';
        plain = plain && c != '\r' && c != '\n';
    }
    if (url_safe && standard) return malformed("base64 of both alphabets at once");
    if (plain && !url_safe) return from_base64(text);

    std::string digits;
    digits.reserve(text.size() + 3);
    for (const char c : text) {
        if (c == '\r' || c == '\n') continue;
        digits += c == '-' ? '+' : c == '_' ? '/' : c;
    }
    if (url_safe) digits.append((4 - digits.size() % 4) % 4, '=');
    return from_base64(digits);
}

Result<OuterBlob> read_blob(ByteView blob) {
    auto der = certs::ber_to_der(blob);
    if (!der) return der.error();
    OuterBlob outer;
    outer.der = std::move(*der);
    auto data = certs::parse_signed_data(outer.der);
    if (!data) return data.error();
    outer.signed_data = std::move(*data);

    const ByteView type = outer.signed_data.content_type;
    outer.authenticated = equal(type, certs::oid::kAuthEnvelopedData);
    if (equal(type, certs::oid::kData)) return malformed("the signed content is not encrypted");
    if (!outer.authenticated && !equal(type, certs::oid::kEnvelopedData)) {
        return malformed("the signed content is of type " + certs::oid_to_text(type) +
                         ", not [Auth]EnvelopedData");
    }
    if (!outer.signed_data.content) return malformed("the signed content is missing");
    if (outer.signed_data.signers.size() != 1) {
        return malformed("it has " + std::to_string(outer.signed_data.signers.size()) +
                         " signers, not one");
    }
    return outer;
}

Result<BlobEnvelope> read_envelope(ByteView content, bool authenticated) {
    // The eContent is an encoding of its own, which the rewrite of the outer one left alone.
    auto der = certs::ber_to_der(content);
    if (!der) return der.error();
    BlobEnvelope envelope;
    envelope.der = std::move(*der);
    auto data = certs::parse_enveloped_data(envelope.der, authenticated);
    if (!data) return data.error();
    envelope.data = std::move(*data);

    if (envelope.data.recipients() != 1 || envelope.data.other_recipients != 0) {
        return unsupported("it is encrypted to " + std::to_string(envelope.data.recipients()) +
                           " recipients, " + std::to_string(envelope.data.other_recipients) +
                           " of them by other means than key agreement and key transport; not to "
                           "one");
    }
    if (!equal(envelope.data.content_type, certs::oid::kData)) {
        return unsupported("the encrypted content is of type " +
                           certs::oid_to_text(envelope.data.content_type) + ", not id-data");
    }
    const auto encryption = certs::parse_content_encryption(envelope.data.content_encryption);
    if (!encryption) return encryption.error();
    if (!fits(encryption->cipher, authenticated)) {
        return unsupported(std::string(certs::to_text(encryption->cipher)) + " in " +
                           (authenticated ? "AuthEnvelopedData" : "EnvelopedData"));
    }
    envelope.encryption = *encryption;
    return envelope;
}

std::string describe(const certs::CertificateReference& reference) {
    if (!reference.key_identifier.empty()) {
        return "key identifier " + to_hex(reference.key_identifier.first(
                                       std::min<std::size_t>(reference.key_identifier.size(), 32)));
    }
    const auto issuer = certs::Name::from_der(reference.issuer_der);
    return "serial " +
           to_hex(reference.serial.first(std::min<std::size_t>(reference.serial.size(), 32))) +
           " by " + (issuer ? issuer->text() : "(unreadable name)");
}

}  // namespace scepgate::policy
