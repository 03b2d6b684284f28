// SignedData and EnvelopedData, layer by layer.
#include "certs/asn1_string.hpp"
#include "certs/ber.hpp"
#include "certs/clock.hpp"
#include "certs/oids.hpp"
#include "scep/envelope.hpp"
#include "server/cli/describe_parts.hpp"

namespace scepgate::server::cli {
namespace {

using certs::CmsSignedData;
using certs::CmsSignerInfo;
using certs::DerTag;
namespace oid = certs::oid;

constexpr certs::CmsLimits kWideLimits{.certificates = 100, .certificate_octets = 1 << 20};

std::string string_text(const certs::DerElement& value) {
    const auto text = certs::to_utf8(value.tag, value.content);
    return text ? *text : to_hex(value.content);
}

/// "19 (PKCSReq)", for the three attributes that are numbers in text.
std::string number_meaning(ByteView type, const std::string& number) {
    if (equal(type, oid::kMessageType)) {
        const auto known = scep::message_type_from_text(number);
        return known ? std::string(scep::to_text(*known)) : "unknown";
    }
    if (equal(type, oid::kPkiStatus)) {
        if (number == "0") return "SUCCESS";
        if (number == "2") return "FAILURE";
        return number == "3" ? "PENDING" : "unknown";
    }
    for (int value = 0; value <= static_cast<int>(FailInfo::kBadCertId); ++value) {
        if (number == std::to_string(value)) return to_text(static_cast<FailInfo>(value));
    }
    return "unknown";
}

std::string attribute_text(ByteView type, const certs::DerElement& value) {
    if (equal(type, oid::kMessageType) || equal(type, oid::kPkiStatus) ||
        equal(type, oid::kFailInfo)) {
        const std::string number = string_text(value);
        return number + " (" + number_meaning(type, number) + ")";
    }
    if (certs::is_string(value.tag)) return string_text(value);
    if (value.tag == DerTag::kOid) return oid_name(value.content);
    if (value.tag == DerTag::kUtcTime || value.tag == DerTag::kGeneralizedTime) {
        const auto time = certs::read_time(value);
        return time ? certs::utc_text(*time) : "(unreadable time)";
    }
    if (value.tag == DerTag::kOctetString && value.content.size() <= 64) {
        return to_hex(value.content);
    }
    return std::to_string(value.whole.size()) + " octets";
}

Facts attribute_facts(const CmsSignerInfo& signer) {
    Facts facts = Facts::object();
    for (const auto& attribute : signer.signed_attributes) {
        std::string name = oid_name(attribute.type);
        while (facts.contains(name))
            name += " (again)";
        std::string text;
        for (const auto& value : attribute.values) {
            text += (text.empty() ? "" : ", ") + attribute_text(attribute.type, value);
        }
        facts[name] = text;
    }
    return facts;
}

std::string signature_text(const CmsSignedData& data, const CmsSignerInfo& signer) {
    const certs::Certificate* certificate = nullptr;
    for (const auto& candidate : data.certificates) {
        if (signer.signer.names(candidate)) certificate = &candidate;
    }
    if (certificate == nullptr)
        return "not checked: the signer's certificate is not in the message";
    const auto digest = certs::parse_digest(signer.digest);
    if (!digest) return "not checked: " + digest.error().detail;
    const auto algorithm = certs::parse_signature_algorithm(signer.signature_algorithm, *digest);
    if (!algorithm) return "not checked: " + algorithm.error().detail;
    const auto key = certificate->public_key(wide_key_limits());
    if (!key) return "not checked: " + key.error().detail;
    const auto verified = certs::verify_signer(signer, data.content_type,
                                               data.content.value_or(ByteView()), *algorithm, *key);
    if (!verified) return "DOES NOT VERIFY: " + verified.error().detail;
    return "verifies with the certificate of " + name_text(certificate->subject_der()) +
           " (which says nothing about who that is)";
}

Facts signer_facts(const CmsSignedData& data, const CmsSignerInfo& signer) {
    return {{"what", reference_name(signer.signer)},
            {"digest", algorithm_name(signer.digest)},
            {"signature_algorithm", algorithm_name(signer.signature_algorithm)},
            {"signature", signature_text(data, signer)},
            {"attributes", attribute_facts(signer)}};
}

std::string attribute_of(const CmsSignerInfo& signer, ByteView type) {
    const auto value = signer.single_attribute(type);
    return value ? string_text(*value) : std::string();
}

std::string headline(const CmsSignedData& data) {
    if (data.signers.empty()) {
        return data.crls.empty() ? "certificates only (degenerate PKCS#7)"
                                 : "certificates and CRLs only (degenerate PKCS#7)";
    }
    const auto& signer = data.signers.front();
    const std::string type = attribute_of(signer, oid::kMessageType);
    if (!type.empty()) {
        std::string text = "pkiMessage " + number_meaning(oid::kMessageType, type);
        const std::string status = attribute_of(signer, oid::kPkiStatus);
        if (!status.empty()) text += ' ' + number_meaning(oid::kPkiStatus, status);
        const std::string info = attribute_of(signer, oid::kFailInfo);
        if (!info.empty()) text += ' ' + number_meaning(oid::kFailInfo, info);
        const std::string reason = attribute_of(signer, oid::kFailInfoText);
        if (!reason.empty()) text += ": " + reason;
        return text;
    }
    if (equal(data.content_type, oid::kAuthEnvelopedData) ||
        equal(data.content_type, oid::kEnvelopedData)) {
        return "signed and encrypted data: a challenge blob has this form";
    }
    return "SignedData";
}

/// The eContent: a whole ContentInfo, or bare what eContentType says.
Facts content_facts(const CmsSignedData& data, const scep::RecipientKey* key, int depth) {
    if (!data.content) return "none";
    const ByteView content = *data.content;
    if (content.empty()) return "empty";
    auto layer = describe_layer(content, key, depth);
    if (!layer && !equal(data.content_type, oid::kData)) {
        const auto der = certs::ber_to_der(content);
        if (der)
            layer = describe_layer(certs::build_content_info(data.content_type, *der), key, depth);
    }
    if (layer) return std::move(*layer);
    return std::to_string(content.size()) + " octets that are no message (" + layer.error().detail +
           ")";
}

Facts recipient_facts(const certs::KeyTransportRecipient& recipient) {
    const auto transport = certs::parse_key_transport(recipient.algorithm);
    return {{"what", reference_name(recipient.recipient)},
            {"key_transport",
             transport ? certs::to_text(*transport) : algorithm_name(recipient.algorithm)},
            {"encrypted_key_octets", recipient.encrypted_key.size()}};
}

Facts opened(ByteView der, const scep::RecipientKey& key, int depth) {
    scep::AlgorithmRules rules;
    rules.des = true;
    rules.key_limits = wide_key_limits();
    const auto envelope = scep::read_envelope(der, std::span(&key, 1), rules);
    if (!envelope) return "cannot be opened with the key given: " + envelope.error().text;
    const auto plain = scep::open_envelope(*envelope);
    if (!plain) return "cannot be opened with the key given: " + plain.error().detail;
    auto layer = describe_layer(plain->view(), nullptr, depth);
    if (layer) return std::move(*layer);
    return "does not open with the key given, or holds no message of SCEP";
}

}  // namespace

Result<Facts> describe_signed_data(ByteView octets, const scep::RecipientKey* key, int depth) {
    const auto der = certs::ber_to_der(octets);
    if (!der) return der.error();
    const auto data = certs::parse_signed_data(*der, kWideLimits);
    if (!data) return in_context("SignedData", data.error());
    Facts facts{{"what", headline(*data)}, {"octets", octets.size()}};
    facts["content_type"] = oid_name(data->content_type);
    Facts signers = Facts::array();
    for (const auto& signer : data->signers)
        signers.push_back(signer_facts(*data, signer));
    Facts certificates = Facts::array();
    for (const auto& certificate : data->certificates)
        certificates.push_back(describe_certificate(certificate));
    Facts crls = Facts::array();
    for (const auto& crl : data->crls) {
        crls.push_back(describe_crl(crl).value_or(Facts{{"what", "unreadable CRL"}}));
    }
    if (!signers.empty()) facts["signers"] = std::move(signers);
    if (!certificates.empty()) facts["certificates"] = std::move(certificates);
    if (!crls.empty()) facts["crls"] = std::move(crls);
    facts["content"] = content_facts(*data, key, depth);
    return found(std::move(facts));
}

Result<Facts> describe_enveloped_data(ByteView der, bool authenticated,
                                      const scep::RecipientKey* key, int depth) {
    // ContentInfo ::= SEQUENCE { contentType OBJECT IDENTIFIER, content [0] EXPLICIT ANY }
    certs::DerReader outer(der);
    const auto info = outer.read(DerTag::kSequence);
    if (!info) return info.error();
    certs::DerReader reader(*info);
    if (const auto type = reader.read_oid(); !type) return type.error();
    const auto content = reader.read(certs::context_constructed(0));
    if (!content) return content.error();
    const auto data = certs::parse_enveloped_data(*content, authenticated);
    if (!data) return in_context("EnvelopedData", data.error());

    Facts facts{{"what", authenticated ? "encrypted and authenticated data (AuthEnvelopedData)"
                                       : "encrypted data (EnvelopedData)"},
                {"octets", der.size()}};
    Facts recipients = Facts::array();
    for (const auto& recipient : data->key_transport)
        recipients.push_back(recipient_facts(recipient));
    for (const auto& recipient : data->key_agreement) {
        recipients.push_back({{"what", reference_name(recipient.recipient)},
                              {"key_agreement", algorithm_name(recipient.algorithm)}});
    }
    facts["recipients"] = std::move(recipients);
    if (data->other_recipients != 0) facts["other_recipients"] = data->other_recipients;
    const auto cipher = certs::parse_content_encryption(data->content_encryption);
    facts["cipher"] = cipher ? std::string(certs::to_text(cipher->cipher))
                             : algorithm_name(data->content_encryption);
    facts["encrypted_octets"] = data->ciphertext.size();
    if (key != nullptr) {
        facts["inside"] = opened(der, *key, depth);
    } else {
        facts["inside"] =
            data->key_transport.empty() ? "closed" : "closed (--key and --cert open it)";
    }
    return found(std::move(facts));
}

}  // namespace scepgate::server::cli
