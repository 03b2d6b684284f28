// Reading claims.
#include "policy/challenge_claims.hpp"

#include "policy/json_fields.hpp"
#include "policy/sid_names.hpp"
#include "policy/strict_json.hpp"

namespace scepgate::policy {
namespace {

using nlohmann::json;

constexpr std::int64_t kLatestTime = 253'402'300'799;  // 9999-12-31T23:59:59Z
constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kMaxIdentity = 256;
constexpr std::size_t kMaxNames = 100;
constexpr std::int64_t kMaxRsaBits = 16384;

constexpr std::string_view kKnownClaims[] = {
    "v",        "jti",     "iss", "aud",          "iat",       "nbf",
    "exp",      "subject", "san", "key_usage",    "key",       "extended_key_usage",
    "template", "purpose", "sid", "max_validity", "device_id", "user_id",
    "endpoint", "crit"};
constexpr std::string_view kKeyTypes[] = {"rsa", "ec:p256", "ec:p384", "ec:p521"};

bool contains(std::span<const std::string_view> list, std::string_view value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

/// Hexadecimal of so many octets, in lower case.
Result<std::string> read_hex(const JsonFields& claims, const char* name, std::size_t octets) {
    const auto text = claims.text(name, kMaxText);
    if (!text) return text.error();
    const auto bytes = from_hex(*text);
    if (!bytes || bytes->size() != octets) {
        return claims.fault(name, "is not " + std::to_string(2 * octets) + " hexadecimal digits");
    }
    return to_hex(*bytes);
}

/// RFC 4514 alone: the slash form that Name::from_text takes as well has the other order.
Result<certs::Name> read_subject_text(const json& value) {
    if (!value.is_string()) return malformed("subject.text: is not a string");
    const auto& text = value.get_ref<const std::string&>();
    if (text.starts_with('/')) {
        return malformed("subject.text: is not in RFC 4514 form, as \"CN=device,O=Example\"");
    }
    auto name = certs::Name::from_text(text);
    if (!name) return in_context("subject.text", name.error());
    return name;
}

Result<certs::Name> read_subject_der(const json& value) {
    if (!value.is_string()) return malformed("subject.der: is not a string");
    const auto der = from_base64(value.get_ref<const std::string&>());
    if (!der) return in_context("subject.der", der.error());
    auto name = certs::Name::from_der(*der);
    if (!name) return in_context("subject.der", name.error());
    return name;
}

//   "subject": { "text": "CN=device,O=Example", "der": "MCsx…" }
Result<certs::Name> read_subject(const json* claim) {
    if (claim == nullptr) return malformed("subject: is missing");
    if (!claim->is_object()) return malformed("subject: is not an object with text or der");
    const JsonFields fields(*claim, "subject.");
    if (const auto known = fields.only({"text", "der"}); !known) return known.error();
    const json* const text = fields.find("text");
    const json* const der = fields.find("der");
    if (text == nullptr && der == nullptr) return malformed("subject: has neither text nor der");

    auto name = der != nullptr ? read_subject_der(*der) : read_subject_text(*text);
    if (!name) return name.error();
    if (text != nullptr && der != nullptr) {
        const auto same = read_subject_text(*text);
        if (!same) return same.error();
        if (matches_reversed(*name, *same)) {
            return malformed(
                "subject: text has the RDNs of der in reverse order; RFC 4514 writes "
                "the last one first");
        }
        if (!matches(*name, *same)) return malformed("subject: text and der are different names");
    }
    if (const auto bounds = name->check_certifiable(); !bounds) {
        return malformed("subject: " + bounds.error().detail);
    }
    return name;
}

//   "san": [ { "type": "dns", "value": "device.example" }, … ]
Result<certs::GeneralNames> read_alternative_names(const json* claim) {
    certs::GeneralNames names;
    if (claim == nullptr) return names;
    if (!claim->is_array()) return malformed("san: is not an array");
    if (claim->size() > kMaxNames) return malformed("san: has more than 100 names");
    for (const json& element : *claim) {
        if (!element.is_object()) return malformed("san: has an element that is not an object");
        const JsonFields fields(element, "san.");
        if (const auto known = fields.only({"type", "value"}); !known) return known.error();
        const auto type_text = fields.text("type", kMaxText);
        if (!type_text) return type_text.error();
        const auto type = certs::general_name_type(*type_text);
        if (!type) return in_context("san.type", type.error());
        const auto value = fields.text("value", kMaxText);
        if (!value) return value.error();
        auto name = certs::GeneralName::make(*type, *value);
        if (!name) return in_context("san", name.error());
        names.push_back(std::move(*name));
    }
    return names;
}

//   "key": { "types": ["rsa", "ec:p256"], "minimum_bits": 2048, "spki_sha256": "9f86d0…" }
Result<KeyClaim> read_key(const json* claim) {
    KeyClaim key;
    if (claim == nullptr) return key;
    if (!claim->is_object()) return malformed("key: is not an object");
    const JsonFields fields(*claim, "key.");
    if (const auto known = fields.only({"types", "minimum_bits", "spki_sha256"}); !known) {
        return known.error();
    }
    auto types = fields.texts("types", kMaxText);
    if (!types) return types.error();
    if (fields.find("types") != nullptr && types->empty()) {
        return fields.fault("types", "allows no key at all");
    }
    for (const std::string& type : *types) {
        if (!contains(kKeyTypes, type)) {
            return fields.fault("types", "takes rsa, ec:p256, ec:p384 and ec:p521");
        }
    }
    key.types = std::move(*types);
    if (fields.find("minimum_bits") != nullptr) {
        const auto bits = fields.integer("minimum_bits", kMaxRsaBits);
        if (!bits) return bits.error();
        key.minimum_bits = static_cast<int>(*bits);
    }
    if (fields.find("spki_sha256") != nullptr) {
        auto hash = read_hex(fields, "spki_sha256", 32);
        if (!hash) return hash.error();
        key.spki_sha256 = std::move(*hash);
    }
    return key;
}

Result<void> read_usages(const JsonFields& fields, ChallengeClaims& claims) {
    const auto key_usage = fields.texts("key_usage", kMaxText);
    if (!key_usage) return key_usage.error();
    if (fields.find("key_usage") != nullptr) {
        const auto usage = certs::KeyUsage::from_names(*key_usage);
        if (!usage) return in_context("key_usage", usage.error());
        if (usage->empty()) return fields.fault("key_usage", "is empty");
        claims.key_usage = *usage;
    }
    const auto extended = fields.texts("extended_key_usage", kMaxText);
    if (!extended) return extended.error();
    if (fields.find("extended_key_usage") != nullptr) {
        if (extended->empty()) return fields.fault("extended_key_usage", "is empty");
        certs::ExtendedKeyUsage usages;
        for (const std::string& text : *extended) {
            auto usage = certs::extended_key_usage_from_text(text);
            if (!usage) return in_context("extended_key_usage", usage.error());
            usages.push_back(std::move(*usage));
        }
        claims.extended_key_usage = std::move(usages);
    }
    return {};
}

Result<void> read_times(const JsonFields& fields, ChallengeClaims& claims) {
    const auto issued_at = fields.integer("iat", kLatestTime);
    if (!issued_at) return issued_at.error();
    const auto not_before = fields.integer("nbf", kLatestTime);
    if (!not_before) return not_before.error();
    const auto expires = fields.integer("exp", kLatestTime);
    if (!expires) return expires.error();
    claims.issued_at = *issued_at;
    claims.not_before = *not_before;
    claims.expires = *expires;
    return {};
}

Result<void> read_header(const JsonFields& fields, ChallengeClaims& claims) {
    const auto version = fields.integer("v", kLatestTime);
    if (!version) return version.error();
    if (*version != 1) return fields.fault("v", "only version 1 is known");
    auto id = read_hex(fields, "jti", 16);
    if (!id) return id.error();
    auto issuer = read_hex(fields, "iss", 32);
    if (!issuer) return issuer.error();
    auto audience = fields.text("aud", kMaxText);
    if (!audience) return audience.error();
    claims.id = std::move(*id);
    claims.issuer = std::move(*issuer);
    claims.audience = std::move(*audience);

    const auto critical = fields.texts("crit", kMaxText);
    if (!critical) return critical.error();
    for (const std::string& name : *critical) {
        if (!contains(kKnownClaims, name)) {
            return fields.fault("crit", "this version does not know the claim '" + name + "'");
        }
    }
    return {};
}

//   "endpoint": "/scep"    or    "endpoint": ["/scep", "laptops"]
Result<std::vector<std::string>> read_endpoints(const JsonFields& fields) {
    const json* const claim = fields.find("endpoint");
    if (claim == nullptr) return std::vector<std::string>();
    if (claim->is_array()) {
        auto names = fields.texts("endpoint", kMaxIdentity);
        if (!names) return names.error();
        if (names->empty()) return fields.fault("endpoint", "allows no endpoint at all");
        if (names->size() > kMaxNames) return fields.fault("endpoint", "has more than 100 names");
        return names;
    }
    auto name = fields.text("endpoint", kMaxIdentity);
    if (!name) return name.error();
    return std::vector{*std::move(name)};
}

/// Claims that may be absent and stand by themselves.
Result<void> read_options(const JsonFields& fields, ChallengeClaims& claims) {
    auto endpoints = read_endpoints(fields);
    if (!endpoints) return endpoints.error();
    claims.endpoints = *std::move(endpoints);
    if (fields.find("template") != nullptr) {
        auto name = fields.text("template", kMaxIdentity);
        if (!name) return name.error();
        claims.template_name = std::move(*name);
    }
    if (fields.find("purpose") != nullptr) {
        const auto text = fields.text("purpose", kMaxIdentity);
        if (!text) return text.error();
        const auto purpose = certs::purpose_from_text(*text);
        if (!purpose) return in_context("purpose", purpose.error());
        claims.purpose = *purpose;
    }
    if (fields.find("max_validity") != nullptr) {
        const auto seconds = fields.integer("max_validity", kLatestTime);
        if (!seconds) return seconds.error();
        if (*seconds == 0) return fields.fault("max_validity", "is zero");
        claims.max_validity = *seconds;
    }
    if (fields.find("sid") != nullptr) {
        auto sid = fields.text("sid", kMaxIdentity);
        if (!sid) return sid.error();
        if (!is_sid(*sid)) return fields.fault("sid", "is not a SID like S-1-5-21-...");
        claims.sid = std::move(*sid);
    }
    for (const auto& [name, value] :
         {std::pair{"device_id", &claims.device_id}, std::pair{"user_id", &claims.user_id}}) {
        if (fields.find(name) == nullptr) continue;
        auto text = fields.text(name, kMaxIdentity);
        if (!text) return text.error();
        *value = std::move(*text);
    }
    return {};
}

Result<void> read_names(const JsonFields& fields, ChallengeClaims& claims) {
    auto subject = read_subject(fields.find("subject"));
    if (!subject) return subject.error();
    claims.subject = std::move(*subject);
    auto names = read_alternative_names(fields.find("san"));
    if (!names) return names.error();
    claims.subject_alt_name = std::move(*names);
    if (claims.subject.empty() && claims.subject_alt_name.empty()) {
        return malformed("subject: is empty, and there is no san either");
    }
    return {};
}

Result<void> read_limits(const JsonFields& fields, ChallengeClaims& claims) {
    if (const auto read = read_usages(fields, claims); !read) return read.error();
    auto key = read_key(fields.find("key"));
    if (!key) return key.error();
    claims.key = std::move(*key);
    return read_options(fields, claims);
}

}  // namespace

Result<ChallengeClaims> parse_claims(std::string_view text) {
    const auto parsed = parse_strict_json(text);
    if (!parsed) return parsed.error();
    if (!parsed->root.is_object()) return malformed("the claims are not a JSON object");
    const JsonFields fields(parsed->root);

    ChallengeClaims claims;
    if (const auto read = read_header(fields, claims); !read) return read.error();
    if (const auto read = read_times(fields, claims); !read) return read.error();
    if (const auto read = read_names(fields, claims); !read) return read.error();
    if (const auto read = read_limits(fields, claims); !read) return read.error();
    return claims;
}

Result<ChallengeClaims> parse_bindings(std::string_view text) {
    const auto parsed = parse_strict_json(text);
    if (!parsed) return parsed.error();
    if (!parsed->root.is_object()) return malformed("the bindings are not a JSON object");
    const JsonFields fields(parsed->root);
    const auto known =
        fields.only({"subject", "san", "key_usage", "key", "extended_key_usage", "template",
                     "purpose", "max_validity", "device_id", "user_id", "sid", "endpoint"});
    if (!known) return known.error();
    ChallengeClaims claims;
    if (fields.find("subject") != nullptr || fields.find("san") != nullptr) {
        if (const auto read = read_names(fields, claims); !read) return read.error();
    }
    if (const auto read = read_limits(fields, claims); !read) return read.error();
    return claims;
}

}  // namespace scepgate::policy
