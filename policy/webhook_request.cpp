#include "policy/webhook_request.hpp"

#include <nlohmann/json.hpp>

#include "certs/asn1_string.hpp"
#include "certs/clock.hpp"
#include "certs/oids.hpp"

namespace scepgate::policy {
namespace {

using certs::DerReader;
using certs::DerTag;
using nlohmann::ordered_json;

constexpr int kRenewalReq = 17;  // RFC 8894 section 3.2.1.2

ordered_json names_json(const certs::GeneralNames& names) {
    ordered_json list = ordered_json::array();
    for (const certs::GeneralName& name : names)
        list.push_back({{"type", to_text(name.type)}, {"value", name.value}});
    return list;
}

ordered_json key_json(const certs::PublicKey& key) {
    const bool rsa = key.type() == certs::KeyType::kRsa;
    return {{"type", rsa ? "rsa" : key.text()},
            {"bits", key.bits()},
            {"spki_sha256", to_hex(sha256(key.spki()))}};
}

void append(Bytes& out, std::string_view text) {
    out.insert(out.end(), text.begin(), text.end());
}

/// A JSON string. `text`: UTF-8.
void append_string(Bytes& out, std::string_view text) {
    constexpr char kDigits[] = "0123456789abcdef";
    out.push_back('"');
    for (const char c : text) {
        const auto octet = static_cast<std::uint8_t>(c);
        if (octet == '"' || octet == '\\') out.push_back('\\');
        if (octet >= 0x20) {
            out.push_back(octet);
            continue;
        }
        append(out, "\\u00");
        append(out, {&kDigits[octet >> 4], 1});
        append(out, {&kDigits[octet & 15], 1});
    }
    out.push_back('"');
}

/// The object with a member more that never stands in memory that is not wiped.
Secret with_secret_member(std::string_view object, std::string_view name, std::string_view value) {
    Bytes out;
    out.reserve(object.size() + name.size() + 6 * value.size() + 8);
    append(out, object.substr(0, object.size() - 1));
    append(out, ",");
    append_string(out, name);
    append(out, ":");
    append_string(out, value);
    append(out, "}");
    return Secret(std::move(out));
}

// RFC 2986 section 4:
//   CertificationRequest ::= SEQUENCE {
//     certificationRequestInfo CertificationRequestInfo,
//     signatureAlgorithm AlgorithmIdentifier, signature BIT STRING }
//   CertificationRequestInfo ::= SEQUENCE {
//     version INTEGER, subject Name, subjectPKInfo SubjectPublicKeyInfo,
//     attributes [0] IMPLICIT SET OF Attribute }
//   Attribute ::= SEQUENCE { type OBJECT IDENTIFIER, values SET OF ANY }
Result<Bytes> remove_challenge(ByteView request) {
    DerReader outer(request);
    const auto whole = outer.read(DerTag::kSequence);
    if (!whole) return whole.error();
    DerReader parts(*whole);
    const auto info = parts.read(DerTag::kSequence);
    if (!info) return info.error();
    const ByteView algorithm_and_signature = parts.rest();

    constexpr DerTag kAttributes = certs::context_constructed(0);
    DerReader fields(*info);
    Bytes kept_fields;
    while (!fields.empty()) {
        const auto field = fields.next();
        if (!field) return field.error();
        if (field->tag != kAttributes) {
            kept_fields.insert(kept_fields.end(), field->whole.begin(), field->whole.end());
            continue;
        }
        Bytes kept;
        DerReader attributes(field->content);
        while (!attributes.empty()) {
            const auto attribute = attributes.read_whole(DerTag::kSequence);
            if (!attribute) return attribute.error();
            DerReader inside(*attribute);
            const auto content = inside.read(DerTag::kSequence);
            if (!content) return content.error();
            DerReader members(*content);
            const auto type = members.read_oid();
            if (!type) return type.error();
            if (equal(*type, certs::oid::kChallengePassword)) continue;
            kept.insert(kept.end(), attribute->begin(), attribute->end());
        }
        const Bytes list = certs::der::element(kAttributes, kept);
        kept_fields.insert(kept_fields.end(), list.begin(), list.end());
    }
    const Bytes kept_info = certs::der::element(DerTag::kSequence, kept_fields);
    return certs::der::sequence({kept_info, algorithm_and_signature});
}

}  // namespace

Bytes without_challenge(const certs::Csr& csr) {
    // Whatever challenge() says: it may be another one than the octets hold.
    return remove_challenge(csr.der()).value();  // it was read before
}

Result<Secret> encode_webhook_request(const EnrollmentRequest& request,
                                      const WebhookQuestion& question) {
    const certs::Csr& csr = request.csr;
    const certs::RequestedExtensions& asked = csr.requested();
    ordered_json out;
    out["version"] = 1;
    out["event"] = "verify";
    out["id"] = question.id;
    out["time"] = certs::utc_text(question.time);
    out["endpoint"] = request.endpoint;
    out["transaction_id"] = request.transaction_id;
    out["message_type"] = request.message_type == kRenewalReq ? "RenewalReq" : "PKCSReq";
    out["kind"] = request.kind == EnrollmentKind::kRenewal ? "renewal" : "initial";
    out["purpose"] = to_text(request.purpose);
    out["client_address"] = request.client_address;
    out["subject"] = {{"text", csr.subject().text()}, {"der", to_base64(csr.subject().der())}};
    out["san"] = names_json(asked.subject_alt_name);
    out["key"] = key_json(csr.public_key());
    if (asked.key_usage) out["key_usage"] = asked.key_usage->names();
    if (asked.extended_key_usage) {
        out["extended_key_usage"] = ordered_json::array();
        for (const Bytes& usage : *asked.extended_key_usage)
            out["extended_key_usage"].push_back(certs::extended_key_usage_to_text(usage));
    }
    if (asked.sid) out["sid"] = *asked.sid;
    out["signer"] = to_base64(request.signer.der());
    out["csr"] = to_base64(without_challenge(csr));
    const std::string text = out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
    if (!question.send_challenge || !csr.challenge()) return Secret(text);

    const std::string_view challenge = csr.challenge()->text();
    if (!certs::to_utf8(DerTag::kUtf8String, as_bytes(challenge))) {
        return malformed("the challengePassword is no UTF-8, so it cannot stand in JSON");
    }
    return with_secret_member(text, "challenge", challenge);
}

}  // namespace scepgate::policy
