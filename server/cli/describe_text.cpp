// Facts as lines of text, and names for what is known by number.
#include <openssl/objects.h>

#include "certs/asn1_string.hpp"
#include "certs/name.hpp"
#include "certs/oids.hpp"
#include "certs/ossl.hpp"
#include "server/cli/describe_parts.hpp"
#include "server/text_escape.hpp"

namespace scepgate::server::cli {
namespace {

namespace oid = certs::oid;
using ObjectPtr = std::unique_ptr<ASN1_OBJECT, certs::Deleter<ASN1_OBJECT_free>>;

struct KnownOid {
    ByteView oid;
    const char* name;
};

/// What OpenSSL has no name for.
const KnownOid kScepOids[] = {
    {oid::kMessageType, "messageType"},
    {oid::kPkiStatus, "pkiStatus"},
    {oid::kFailInfo, "failInfo"},
    {oid::kSenderNonce, "senderNonce"},
    {oid::kRecipientNonce, "recipientNonce"},
    {oid::kTransactionId, "transactionID"},
    {oid::kFailInfoText, "failInfoText"},
    {oid::kVeriSignExtensionRequest, "extReq (VeriSign)"},
    {oid::kNtdsCaSecurity, "SID"},
};

std::string scalar_text(const Facts& value) {
    if (!value.is_string()) return value.dump();
    const auto& text = value.get_ref<const std::string&>();
    if (certs::check_readable(text)) return text;
    std::string escaped;
    append_json_string(escaped, text);
    return escaped;
}

void render(const Facts& facts, std::size_t indent, std::string& out);

/// An object under its label: "label: what", then the rest.
void render_object(const std::string& label, const Facts& value, std::size_t indent,
                   std::string& out) {
    out += std::string(indent, ' ') + label + ':';
    if (value.contains("what")) out += ' ' + scalar_text(value["what"]);
    out += '\n';
    render(value, indent + 2, out);
}

void render(const Facts& facts, std::size_t indent, std::string& out) {
    for (const auto& [key, value] : facts.items()) {
        if (key == "what") continue;
        std::string label = scalar_text(key);
        std::replace(label.begin(), label.end(), '_', ' ');
        if (value.is_object()) {
            render_object(label, value, indent, out);
        } else if (value.is_array() && !value.empty() && value.front().is_object()) {
            std::size_t number = 0;
            for (const auto& item : value) {
                render_object(
                    label + ' ' + std::to_string(++number) + " of " + std::to_string(value.size()),
                    item, indent, out);
            }
        } else if (value.is_array()) {
            std::string list;
            for (const auto& item : value)
                list += (list.empty() ? "" : ", ") + scalar_text(item);
            out += std::string(indent, ' ') + label + ": " + (list.empty() ? "none" : list) + '\n';
        } else {
            out += std::string(indent, ' ') + label + ": " + scalar_text(value) + '\n';
        }
    }
}

}  // namespace

certs::KeyLimits wide_key_limits() noexcept {
    certs::KeyLimits limits;
    limits.minimum_rsa_bits = 512;
    limits.maximum_rsa_bits = 16384;
    return limits;
}

std::string oid_name(ByteView content) {
    for (const auto& known : kScepOids) {
        if (equal(content, known.oid)) return known.name;
    }
    if (certs::is_oid(content)) {
        const Bytes der = certs::der::oid(content);
        const auto* at = der.data();
        const ObjectPtr object(d2i_ASN1_OBJECT(nullptr, &at, static_cast<long>(der.size())));
        const int nid = object ? OBJ_obj2nid(object.get()) : NID_undef;
        if (nid != NID_undef) return OBJ_nid2ln(nid);
    }
    return certs::oid_to_text(content);
}

std::string algorithm_name(const certs::AlgorithmIdentifier& identifier) {
    return oid_name(identifier.algorithm);
}

std::string name_text(ByteView der) {
    const auto name = certs::Name::from_der(der);
    if (!name) return "(unreadable: " + name.error().detail + ")";
    return name->empty() ? "(empty)" : name->text();
}

std::string reference_name(const certs::CertificateReference& reference) {
    if (!reference.key_identifier.empty()) {
        return "key identifier " + to_hex(reference.key_identifier);
    }
    return name_text(reference.issuer_der) + ", serial " + to_hex(reference.serial);
}

std::string to_text(const Facts& facts) {
    std::string out;
    if (facts.contains("what")) out += scalar_text(facts["what"]) + '\n';
    render(facts, 2, out);
    return out;
}

}  // namespace scepgate::server::cli
