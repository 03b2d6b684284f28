// The first step: what stands in a pkiMessage before anything of it is trusted.
#include "certs/asn1_string.hpp"
#include "certs/ber.hpp"
#include "certs/oids.hpp"
#include "scep/pki_message.hpp"

namespace scepgate::scep {
namespace {

using certs::DerElement;
using certs::DerTag;

constexpr std::size_t kLongestTransactionId = 255;
constexpr std::size_t kKeptTypeOctets = 16;
constexpr std::size_t kSenderNonceOctets = 16;
constexpr std::size_t kLongestNonce = 64;

/// SignedData out of DER, or out of BER turned into DER. The views lie in `request.der`.
Result<void> read_structure(ByteView message, SignedRequest& request) {
    request.der = to_bytes(message);
    auto data = certs::parse_signed_data(request.der);
    if (!data) {
        auto der = certs::ber_to_der(message);
        if (!der) return der.error();
        // It was DER already, and its fault another one.
        if (*der == request.der) return data.error();
        request.der = std::move(*der);
        request.tolerances.emplace_back("ber");
        data = certs::parse_signed_data(request.der);
        if (!data) return data.error();
    }
    request.signed_data = std::move(*data);
    return {};
}

Result<void> check_content_type(SignedRequest& request) {
    const ByteView type = request.signed_data.content_type;
    if (equal(type, certs::oid::kData)) return {};
    if (!equal(type, certs::oid::kEnvelopedData)) {
        return malformed("eContentType " + certs::oid_to_text(type));
    }
    // RFC 8894 section 3.2 has id-data; Java clients say what is inside.
    request.tolerances.emplace_back("enveloped-content-type");
    return {};
}

/// The one certificate of the message that the SignerInfo names, in whatever order they came.
Result<certs::Certificate> find_signer(const certs::CmsSignedData& data) {
    certs::Certificate found;
    for (const certs::Certificate& candidate : data.certificates) {
        if (!data.signers.front().signer.names(candidate) || candidate == found) continue;
        if (found) return malformed("two certificates that the SignerInfo could mean");
        found = candidate;
    }
    if (!found) {
        return malformed("none of the " + std::to_string(data.certificates.size()) +
                         " certificates is the signer's");
    }
    return found;
}

/// RFC 8894 section 3.2.1.1 has a PrintableString; clients put user names into it.
Result<std::string> read_transaction_id(const DerElement& value, Tolerances& tolerances) {
    if (value.tag != DerTag::kPrintableString) {
        if (value.tag != DerTag::kUtf8String && value.tag != DerTag::kIa5String) {
            return malformed("transactionID of another type");
        }
        tolerances.emplace_back("transaction-id-string-type");
    }
    const std::string_view text = as_text(value.content);
    if (text.empty() || text.size() > kLongestTransactionId) {
        return malformed("transactionID of " + std::to_string(text.size()) + " octets");
    }
    if (!certs::fits_printable_string(text)) {
        if (const auto readable = certs::check_readable(text); !readable) {
            return in_context("transactionID", readable.error());
        }
        tolerances.emplace_back("transaction-id-characters");
    }
    return std::string(text);
}

/// Fails when an attribute of this type is there but not with one single value.
Result<std::optional<DerElement>> optional_attribute(const certs::CmsSignerInfo& signer,
                                                     ByteView type) {
    const auto value = signer.single_attribute(type);
    if (value) return std::optional<DerElement>{*value};
    if (value.error().code != Errc::kNotFound) return value.error();
    return std::optional<DerElement>{};
}

Result<DerElement> required_attribute(const certs::CmsSignerInfo& signer, ByteView type,
                                      std::string_view name) {
    const auto value = signer.single_attribute(type);
    if (!value) return malformed(std::string(name) + ": " + value.error().detail);
    return *value;
}

Result<void> read_identity(const certs::CmsSignerInfo& signer, SignedRequest& request) {
    const auto id = required_attribute(signer, certs::oid::kTransactionId, "transactionID");
    if (!id) return id.error();
    auto transaction_id = read_transaction_id(*id, request.tolerances);
    if (!transaction_id) return transaction_id.error();
    request.transaction_id = std::move(*transaction_id);
    request.transaction_id_type = id->tag;
    return {};
}

Result<void> read_message_type(const certs::CmsSignerInfo& signer, SignedRequest& request) {
    const auto type = required_attribute(signer, certs::oid::kMessageType, "messageType");
    if (!type) return type.error();
    if (type->tag != DerTag::kPrintableString) return malformed("messageType of another type");
    const std::string_view text = as_text(type->content);
    request.message_type_text = text.substr(0, kKeptTypeOctets);
    request.message_type = message_type_from_text(text);
    return {};
}

Result<void> read_sender_nonce(const certs::CmsSignerInfo& signer, SignedRequest& request) {
    const auto nonce = required_attribute(signer, certs::oid::kSenderNonce, "senderNonce");
    if (!nonce) return nonce.error();
    if (nonce->tag != DerTag::kOctetString) return malformed("senderNonce of another type");
    if (nonce->content.empty() || nonce->content.size() > kLongestNonce) {
        return malformed("senderNonce of " + std::to_string(nonce->content.size()) + " octets");
    }
    if (nonce->content.size() != kSenderNonceOctets)
        request.tolerances.emplace_back("nonce-length");
    request.sender_nonce = to_bytes(nonce->content);
    return {};
}

/// CMS's own attributes: their values are for verify_signer(), but each comes once at most. A
/// missing messageDigest is a signature that does not verify.
Result<void> check_cms_attributes(const certs::CmsSignerInfo& signer, SignedRequest& request) {
    const auto digest = optional_attribute(signer, certs::oid::kMessageDigest);
    if (!digest) return in_context("messageDigest", digest.error());
    const auto type = optional_attribute(signer, certs::oid::kContentType);
    if (!type) return in_context("contentType", type.error());
    if (!*type) request.tolerances.emplace_back("no-content-type");
    const auto time = optional_attribute(signer, certs::oid::kSigningTime);
    if (!time) return in_context("signingTime", time.error());
    if (!*time) {
        request.tolerances.emplace_back("no-signing-time");
    } else if (const auto read = certs::read_time(**time)) {
        request.signing_time = *read;
    }
    return {};
}

/// What is wrong beside the identity does not stop the reading: there is somebody to tell.
void note_fault(const Result<void>& part, SignedRequest& request) {
    if (part) return;
    if (!request.fault.empty()) request.fault += "; ";
    request.fault += part.error().detail;
}

}  // namespace

Result<SignedRequest> read_signed_request(ByteView message) {
    SignedRequest request;
    if (const auto read = read_structure(message, request); !read) return read.error();
    if (const auto checked = check_content_type(request); !checked) return checked.error();

    const certs::CmsSignedData& data = request.signed_data;
    if (data.signers.size() != 1) {
        return malformed(std::to_string(data.signers.size()) + " SignerInfos where one belongs");
    }
    const certs::CmsSignerInfo& signer = data.signers.front();
    if (!signer.signed_attributes_der) return malformed("a SignerInfo without signed attributes");
    auto certificate = find_signer(data);
    if (!certificate) return certificate.error();
    request.signer = std::move(*certificate);
    if (const auto read = read_identity(signer, request); !read) return read.error();
    note_fault(read_message_type(signer, request), request);
    note_fault(read_sender_nonce(signer, request), request);
    note_fault(check_cms_attributes(signer, request), request);
    return request;
}

}  // namespace scepgate::scep
