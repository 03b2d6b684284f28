#include "certs/der.hpp"
#include "certs/key_usage.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

constexpr std::size_t kMaxUsages = 50;

const struct {
    ByteView oid;
    std::string_view text;
} kUsages[] = {
    {oid::kEkuClientAuth, "clientAuth"},   {oid::kEkuServerAuth, "serverAuth"},
    {oid::kEkuCodeSigning, "codeSigning"}, {oid::kEkuEmailProtection, "emailProtection"},
    {oid::kEkuIpsecIke, "ipsecIKE"},       {oid::kEkuTimeStamping, "timeStamping"},
    {oid::kEkuOcspSigning, "OCSPSigning"}, {oid::kEkuSmartcardLogon, "smartcardLogon"},
};

bool contains(const ExtendedKeyUsage& usages, const Bytes& usage) {
    return std::find(usages.begin(), usages.end(), usage) != usages.end();
}

bool within(const ExtendedKeyUsage& inner, const ExtendedKeyUsage& outer) {
    return std::all_of(inner.begin(), inner.end(),
                       [&outer](const Bytes& usage) { return contains(outer, usage); });
}

}  // namespace

//   ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId
//   KeyPurposeId ::= OBJECT IDENTIFIER
Result<ExtendedKeyUsage> parse_extended_key_usage(ByteView der) {
    DerReader outer(der);
    const auto sequence = outer.read(DerTag::kSequence);
    if (!sequence) return in_context("extended key usage", sequence.error());
    if (const auto end = outer.finish("extended key usage"); !end) return end.error();
    if (sequence->empty()) return malformed("extended key usage: an empty list");

    ExtendedKeyUsage usages;
    for (DerReader reader(*sequence); !reader.empty();) {
        if (usages.size() == kMaxUsages) return malformed("extended key usage: more than 50");
        const auto usage = reader.read_oid();
        if (!usage) return in_context("extended key usage", usage.error());
        usages.push_back(to_bytes(*usage));
    }
    return usages;
}

Bytes encode_extended_key_usage(const ExtendedKeyUsage& usages) {
    Bytes content;
    for (const Bytes& usage : usages) {
        const Bytes encoded = der::oid(usage);
        content.insert(content.end(), encoded.begin(), encoded.end());
    }
    return der::element(DerTag::kSequence, content);
}

Result<Bytes> extended_key_usage_from_text(std::string_view text) {
    for (const auto& known : kUsages) {
        if (known.text == text) return to_bytes(known.oid);
    }
    auto oid = oid_from_text(text);
    if (!oid) {
        return malformed("'" + std::string(text.substr(0, 64)) +
                         "' is not an extended key usage (clientAuth, serverAuth, ... or a "
                         "dotted OID)");
    }
    return oid;
}

std::string extended_key_usage_to_text(ByteView oid) {
    for (const auto& known : kUsages) {
        if (equal(known.oid, oid)) return std::string(known.text);
    }
    return oid_to_text(oid);
}

std::string to_text(const ExtendedKeyUsage& usages) {
    if (usages.empty()) return "none";
    std::string text;
    for (const Bytes& usage : usages) {
        if (!text.empty()) text += ", ";
        text += extended_key_usage_to_text(usage);
    }
    return text;
}

bool same_usages(const ExtendedKeyUsage& left, const ExtendedKeyUsage& right) {
    return within(left, right) && within(right, left);
}

}  // namespace scepgate::certs
