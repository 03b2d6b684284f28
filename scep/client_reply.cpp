// A CertRep as a client judges it (RFC 8894 section 3.3.2).
#include "certs/asn1_string.hpp"
#include "certs/ber.hpp"
#include "certs/cms_password.hpp"
#include "certs/crl.hpp"
#include "certs/oids.hpp"
#include "scep/client.hpp"
#include "scep/client_cms.hpp"
#include "scep/envelope.hpp"

namespace scepgate::scep {
namespace {

using certs::CmsSignedData;
using certs::CmsSignerInfo;
using certs::DerTag;

Error not_ours(std::string what) {
    return {Errc::kConflict, "the reply is not to our request: " + std::move(what)};
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

/// The content when it went to the request's password.
Result<Secret> open_with_password(const certs::CmsEnvelopedData& data,
                                  const ClientRequest& request) {
    if (!request.password || data.recipients() != 1 || data.password_recipients.size() != 1) {
        return not_ours("encrypted to nobody with an EC key and its challenge");
    }
    const auto wrap = certs::parse_password_recipient(data.password_recipients.front());
    if (!wrap) return in_context("envelope", wrap.error());
    const auto encryption = certs::parse_content_encryption(data.content_encryption);
    if (!encryption) return in_context("envelope", encryption.error());
    // Not AES-GCM either: decrypt_cbc() does not take it.
    if (encryption->cipher == certs::ContentCipher::kDesCbc && !request.des_reply) {
        return unsupported("envelope: single DES");
    }
    const auto key =
        certs::unwrap_key(*wrap, request.password->view(), certs::key_length(encryption->cipher));
    if (!key) return not_ours("encrypted with another password");
    auto plain =
        certs::decrypt_cbc(encryption->cipher, key->view(), encryption->iv, data.ciphertext);
    if (!plain) return malformed("envelope that does not open");
    return std::move(*plain);
}

/// K04: with the key of the request, and no other that a reply might name.
Result<Secret> open_with_key(ByteView der, const ClientRequest& request) {
    const std::array<RecipientKey, 1> ours{{{request.signer, request.signer_key}}};
    AlgorithmRules rules;
    rules.des = request.des_reply;
    const auto envelope = read_envelope(der, ours, rules);
    if (!envelope) {
        const bool algorithm = envelope.error().fail_info == FailInfo::kBadAlg;
        if (envelope.error().code == undecryptable().code) {
            return not_ours("encrypted to another certificate");
        }
        return Error{algorithm ? Errc::kUnsupported : Errc::kMalformed, envelope.error().text};
    }
    return open_envelope(*envelope);
}

Result<Secret> open_content(const CmsSignedData& data, const ClientRequest& request) {
    if (!data.content) return malformed("SUCCESS without content");
    const auto der = certs::ber_to_der(*data.content);
    if (!der) return in_context("envelope", der.error());
    if (request.signer_key.type() == certs::KeyType::kRsa) return open_with_key(*der, request);
    const auto enveloped = find_enveloped_data(*der);
    if (!enveloped) return Error{Errc::kMalformed, enveloped.error().text};
    const auto envelope = certs::parse_enveloped_data(*enveloped, false);
    if (!envelope) return in_context("envelope", envelope.error());
    return open_with_password(*envelope, request);
}

/// What every reply says, and the inner layer of a SUCCESS.
struct Opened {
    ReplyStatus status;
    std::optional<CmsLayer> content;
};
Result<Opened> open_reply(ByteView body, const ClientRequest& request, const CaCertificates& ca) {
    const auto outer = read_cms_layer(body);
    if (!outer) return in_context("CertRep", outer.error());
    if (const auto good = check_signed_by(outer->data, ca.signing, request.key_limits); !good) {
        return in_context("CertRep", good.error());
    }
    const CmsSignerInfo& signer = outer->data.signers.front();
    if (const auto good = check_address(signer, request); !good) return good.error();
    const auto status = read_status(signer);
    if (!status) return status.error();

    Opened opened;
    opened.status.status = *status;
    if (*status == PkiStatus::kFailure) {
        const auto info = read_fail_info(signer);
        if (!info) return info.error();
        opened.status.fail_info = *info;
        opened.status.fail_info_text = fail_info_text(signer);
    }
    // Without SUCCESS a content says nothing; some servers send one octet of it.
    if (*status != PkiStatus::kSuccess) return opened;

    const auto content = open_content(outer->data, request);
    if (!content) return content.error();
    // By now the server has signed it, and a CRL has many elements.
    constexpr certs::BerLimits kWideLimits{.elements = 1'000'000};
    auto inner = read_cms_layer(content->view(), kWideLimits);
    if (!inner) return in_context("the reply's content", inner.error());
    opened.content = std::move(*inner);
    return opened;
}

/// K03: the one that was asked for, wherever it stands.
template <class Wanted>
Result<CertReply> choose_certificate(Result<Opened> opened, const Wanted& wanted,
                                     std::string_view what) {
    if (!opened) return opened.error();
    CertReply reply{opened->status, {}, {}};
    if (!opened->content) return reply;
    for (certs::Certificate& certificate : opened->content->data.certificates) {
        if (!reply.certificate && wanted(certificate)) {
            reply.certificate = std::move(certificate);
        } else {
            reply.others.push_back(std::move(certificate));
        }
    }
    if (!reply.certificate) return not_ours("SUCCESS without " + std::string(what));
    return reply;
}

Result<void> check_crl(const certs::Crl& crl, const certs::Certificate& ca,
                       const certs::KeyLimits& limits) {
    const auto key = ca.public_key(limits);
    if (!key) return in_context("the CA's key", key.error());
    if (!certs::same_name(crl.issuer_der(), ca.subject_der()) || !crl.signed_by(*key)) {
        return Error{Errc::kBadSignature, "the CRL is not by " + ca.subject_text()};
    }
    return {};
}

}  // namespace

Result<CertReply> decode_reply(ByteView body, const ClientRequest& request,
                               const CaCertificates& ca, const certs::PublicKey& csr_key) {
    // The certificate that signed the request does not count, though it has the key when that is
    // kept.
    const auto wanted = [&](const certs::Certificate& certificate) {
        const auto key = certificate.public_key(request.key_limits);
        return key && *key == csr_key && certificate != request.signer;
    };
    return choose_certificate(open_reply(body, request, ca), wanted, "a certificate for our key");
}

Result<CertReply> decode_get_cert_reply(ByteView body, const ClientRequest& request,
                                        const CaCertificates& ca) {
    const auto asked = parse_issuer_and_serial(request.content);
    if (!asked) return in_context("GetCert", asked.error());
    const auto wanted = [&](const certs::Certificate& certificate) {
        return asked->names(certificate);
    };
    return choose_certificate(open_reply(body, request, ca), wanted, "the certificate asked for");
}

Result<CrlReply> decode_get_crl_reply(ByteView body, const ClientRequest& request,
                                      const CaCertificates& ca, const certs::Certificate* issuer) {
    const auto opened = open_reply(body, request, ca);
    if (!opened) return opened.error();
    CrlReply reply{opened->status, {}};
    if (!opened->content) return reply;
    const std::vector<ByteView>& crls = opened->content->data.crls;
    if (crls.size() != 1) {
        return malformed("SUCCESS with " + std::to_string(crls.size()) + " CRLs where one belongs");
    }
    auto crl = certs::Crl::from_der(crls.front());
    if (!crl) return in_context("CRL", crl.error());
    if (const auto good = check_crl(*crl, issuer ? *issuer : ca.ca, request.key_limits); !good)
        return good.error();
    reply.crl = to_bytes(crl->der());
    return reply;
}

}  // namespace scepgate::scep
