// Writing claims.
#include <nlohmann/json.hpp>

#include "policy/challenge_claims.hpp"

namespace scepgate::policy {
namespace {

using nlohmann::ordered_json;

ordered_json encode_names(const certs::GeneralNames& names) {
    ordered_json list = ordered_json::array();
    for (const certs::GeneralName& name : names) {
        list.push_back({{"type", certs::to_text(name.type)}, {"value", name.value}});
    }
    return list;
}

ordered_json encode_key(const KeyClaim& claim) {
    ordered_json key;
    if (!claim.types.empty()) key["types"] = claim.types;
    if (claim.minimum_bits) key["minimum_bits"] = *claim.minimum_bits;
    if (claim.spki_sha256) key["spki_sha256"] = *claim.spki_sha256;
    return key;
}

ordered_json encode_usages(const certs::ExtendedKeyUsage& usages) {
    ordered_json list = ordered_json::array();
    for (const Bytes& usage : usages) {
        list.push_back(certs::extended_key_usage_to_text(usage));
    }
    return list;
}

void encode_names_of(const ChallengeClaims& claims, ordered_json& out) {
    out["subject"] = {{"text", claims.subject.text()}, {"der", to_base64(claims.subject.der())}};
    if (!claims.subject_alt_name.empty()) out["san"] = encode_names(claims.subject_alt_name);
}

void encode_limits(const ChallengeClaims& claims, ordered_json& out) {
    if (claims.key_usage) out["key_usage"] = claims.key_usage->names();
    if (claims.extended_key_usage) {
        out["extended_key_usage"] = encode_usages(*claims.extended_key_usage);
    }
    const ordered_json key = encode_key(claims.key);
    if (!key.is_null()) out["key"] = key;
    if (claims.template_name) out["template"] = *claims.template_name;
    if (claims.purpose) out["purpose"] = certs::to_text(*claims.purpose);
    if (claims.max_validity) out["max_validity"] = *claims.max_validity;
    if (!claims.device_id.empty()) out["device_id"] = claims.device_id;
    if (!claims.user_id.empty()) out["user_id"] = claims.user_id;
    if (claims.sid) out["sid"] = *claims.sid;
    if (claims.endpoints.size() == 1) {
        out["endpoint"] = claims.endpoints.front();
    } else if (!claims.endpoints.empty()) {
        out["endpoint"] = claims.endpoints;
    }
}

/// The replacing handler: a dump never throws, whatever the free texts hold.
std::string text_of(const ordered_json& json) {
    return json.dump(-1, ' ', /*ensure_ascii=*/false, ordered_json::error_handler_t::replace);
}

}  // namespace

std::string encode_claims(const ChallengeClaims& claims) {
    ordered_json out;
    out["v"] = claims.version;
    out["jti"] = claims.id;
    out["iss"] = claims.issuer;
    out["aud"] = claims.audience;
    out["iat"] = claims.issued_at;
    out["nbf"] = claims.not_before;
    out["exp"] = claims.expires;
    encode_names_of(claims, out);
    encode_limits(claims, out);
    if (!claims.endpoints.empty()) out["crit"] = ordered_json::array({"endpoint"});
    return text_of(out);
}

std::string encode_bindings(const ChallengeClaims& claims) {
    ordered_json out = ordered_json::object();
    if (!claims.subject.empty() || !claims.subject_alt_name.empty()) encode_names_of(claims, out);
    encode_limits(claims, out);
    return text_of(out);
}

}  // namespace scepgate::policy
