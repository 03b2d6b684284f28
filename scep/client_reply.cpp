// A CertRep as a client judges it (RFC 8894 section 3.3.2).
#include "certs/asn1_string.hpp"
#include "certs/ber.hpp"
#include "certs/oids.hpp"
#include "scep/client.hpp"
#include "scep/envelope.hpp"

namespace scepgate::scep {
namespace {

using certs::CmsSignedData;
using certs::CmsSignerInfo;
using certs::DerTag;

/// One layer, and the DER that its views lie in: moved, never copied.
struct Layer {
    Layer() = default;
    Layer(Layer&&) = default;
    Layer& operator=(Layer&&) = default;

    Bytes der;
    CmsSignedData data;
};

/// Servers may write BER at each layer, just as clients may.
Result<Layer> read_layer(ByteView octets) {
    auto der = certs::ber_to_der(octets);
    if (!der) return der.error();
    Layer layer;
    layer.der = std::move(*der);
    auto data = certs::parse_signed_data(layer.der);
    if (!data) return data.error();
    layer.data = std::move(*data);
    return layer;
}

Error not_ours(std::string what) {
    return {Errc::kConflict, "the reply is not to our request: " + std::move(what)};
}

/// The pinned certificate signed it; what certificates came along does not matter.
Result<void> check_signature(const CmsSignedData& data, const certs::Certificate& expected,
                             const certs::KeyLimits& limits) {
    if (data.signers.size() != 1) {
        return malformed(std::to_string(data.signers.size()) + " signers where one belongs");
    }
    const CmsSignerInfo& signer = data.signers.front();
    if (!equal(data.content_type, certs::oid::kData)) {
        return malformed("eContentType " + certs::oid_to_text(data.content_type) +
                         " where id-data belongs");
    }
    if (!signer.signer.names(expected)) {
        return Error{Errc::kBadSignature, "signed by another certificate than " +
                                              expected.subject_text() + ", serial " +
                                              expected.serial_hex()};
    }
    const auto digest = certs::parse_digest(signer.digest);
    if (!digest) return digest.error();
    const auto algorithm = certs::parse_signature_algorithm(signer.signature_algorithm, *digest);
    if (!algorithm) return algorithm.error();
    const auto key = expected.public_key(limits);
    if (!key) return in_context("the reply's signer", key.error());
    return certs::verify_signer(signer, data.content_type, data.content.value_or(ByteView()),
                                *algorithm, *key);
}

Result<std::string_view> text_attribute(const CmsSignerInfo& signer, ByteView type,
                                        std::string_view name) {
    const auto value = signer.single_attribute(type);
    if (!value) return in_context(name, value.error());
    if (value->tag != DerTag::kPrintableString && value->tag != DerTag::kUtf8String &&
        value->tag != DerTag::kIa5String) {
        return malformed(std::string(name) + " that is not a string");
    }
    return as_text(value->content);
}

/// It answers this request (section 3.2.1.5: a nonce that differs or is missing is an error).
Result<void> check_address(const CmsSignerInfo& signer, const ClientRequest& request) {
    const auto type = text_attribute(signer, certs::oid::kMessageType, "messageType");
    if (!type) return type.error();
    if (message_type_from_text(*type) != MessageType::kCertRep) {
        return malformed("messageType other than CertRep");
    }
    const auto transaction = text_attribute(signer, certs::oid::kTransactionId, "transactionID");
    if (!transaction) return transaction.error();
    if (*transaction != request.transaction_id) return not_ours("another transactionID");
    const auto nonce = signer.single_attribute(certs::oid::kRecipientNonce);
    if (!nonce) return in_context("recipientNonce", nonce.error());
    if (nonce->tag != DerTag::kOctetString || !equal(nonce->content, request.sender_nonce)) {
        return not_ours("another recipientNonce");
    }
    return {};
}

Result<PkiStatus> read_status(const CmsSignerInfo& signer) {
    const auto text = text_attribute(signer, certs::oid::kPkiStatus, "pkiStatus");
    if (!text) return text.error();
    for (const PkiStatus status : {PkiStatus::kSuccess, PkiStatus::kFailure, PkiStatus::kPending}) {
        if (*text == std::to_string(static_cast<int>(status))) return status;
    }
    return malformed("unknown pkiStatus");
}

Result<FailInfo> read_fail_info(const CmsSignerInfo& signer) {
    const auto text = text_attribute(signer, certs::oid::kFailInfo, "failInfo");
    if (!text) return text.error();
    for (const FailInfo info : {FailInfo::kBadAlg, FailInfo::kBadMessageCheck,
                                FailInfo::kBadRequest, FailInfo::kBadTime, FailInfo::kBadCertId}) {
        if (*text == std::to_string(static_cast<int>(info))) return info;
    }
    return malformed("unknown failInfo");
}

/// For a person to read: "" when there is none or it could play with the terminal.
std::string fail_info_text(const CmsSignerInfo& signer) {
    const auto value = signer.single_attribute(certs::oid::kFailInfoText);
    if (!value || !certs::is_string(value->tag)) return {};
    auto text = certs::to_utf8(value->tag, value->content);
    if (!text || !certs::check_readable(*text)) return {};
    return std::move(*text);
}

Result<Secret> open_content(const CmsSignedData& data, const ClientRequest& request) {
    if (!data.content) return malformed("SUCCESS without content");
    const auto der = certs::ber_to_der(*data.content);
    if (!der) return in_context("envelope", der.error());
    // K04: the key of the request, and no other that a reply might name.
    const std::array<RecipientKey, 1> ours{{{request.signer, request.signer_key}}};
    AlgorithmRules rules;
    rules.des = request.des_reply;
    const auto envelope = read_envelope(*der, ours, rules);
    if (!envelope) {
        const bool algorithm = envelope.error().fail_info == FailInfo::kBadAlg;
        if (envelope.error().code == undecryptable().code) {
            return not_ours("encrypted to another certificate");
        }
        return Error{algorithm ? Errc::kUnsupported : Errc::kMalformed, envelope.error().text};
    }
    return open_envelope(*envelope);
}

/// K03: by key, wherever it stands. The certificate that signed the request does not count, though
/// it has the key when that is kept.
Result<void> sort_certificates(std::vector<certs::Certificate> certificates,
                               const ClientRequest& request, const certs::PublicKey& csr_key,
                               CertReply& reply) {
    for (certs::Certificate& certificate : certificates) {
        const auto key = certificate.public_key(request.key_limits);
        if (!reply.certificate && key && *key == csr_key && certificate != request.signer) {
            reply.certificate = std::move(certificate);
        } else {
            reply.others.push_back(std::move(certificate));
        }
    }
    if (!reply.certificate) return not_ours("SUCCESS without a certificate for our key");
    return {};
}

}  // namespace

Result<CertReply> decode_reply(ByteView body, const ClientRequest& request,
                               const CaCertificates& ca, const certs::PublicKey& csr_key) {
    const auto outer = read_layer(body);
    if (!outer) return in_context("CertRep", outer.error());
    if (const auto good = check_signature(outer->data, ca.signing, request.key_limits); !good) {
        return in_context("CertRep", good.error());
    }
    const CmsSignerInfo& signer = outer->data.signers.front();
    if (const auto good = check_address(signer, request); !good) return good.error();
    const auto status = read_status(signer);
    if (!status) return status.error();

    CertReply reply;
    reply.status = *status;
    if (*status == PkiStatus::kFailure) {
        const auto info = read_fail_info(signer);
        if (!info) return info.error();
        reply.fail_info = *info;
        reply.fail_info_text = fail_info_text(signer);
    }
    // Without SUCCESS a content says nothing; some servers send one octet of it.
    if (*status != PkiStatus::kSuccess) return reply;

    const auto content = open_content(outer->data, request);
    if (!content) return content.error();
    auto inner = read_layer(content->view());
    if (!inner) return in_context("the reply's content", inner.error());
    const auto sorted =
        sort_certificates(std::move(inner->data.certificates), request, csr_key, reply);
    if (!sorted) return sorted.error();
    return reply;
}

}  // namespace scepgate::scep
