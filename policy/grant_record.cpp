#include "policy/grant_record.hpp"

#include "policy/json_fields.hpp"
#include "policy/strict_json.hpp"

namespace scepgate::policy {
namespace {

using nlohmann::ordered_json;

constexpr std::int64_t kRecordVersion = 1;
constexpr std::size_t kMaxRecordText = 16 * 1024;
constexpr std::int64_t kMaxSeconds = 253'402'300'799;

Result<Bytes> read_octets(const JsonFields& fields, const char* name) {
    const auto text = fields.text(name, kMaxRecordText);
    if (!text) return text.error();
    auto octets = from_base64(*text);
    if (!octets) return in_context(name, octets.error());
    return octets;
}

Result<certs::GeneralNames> read_names(const JsonFields& fields) {
    const auto texts = fields.texts("san", kMaxRecordText);
    if (!texts) return texts.error();
    certs::GeneralNames names;
    for (const std::string& text : *texts) {
        const std::size_t colon = text.find(':');
        if (colon == std::string::npos) return fields.fault("san", "has a name without a type");
        const auto type = certs::general_name_type(std::string_view(text).substr(0, colon));
        if (!type) return in_context("san", type.error());
        auto name = certs::GeneralName::make(*type, std::string_view(text).substr(colon + 1));
        if (!name) return in_context("san", name.error());
        names.push_back(std::move(*name));
    }
    return names;
}

Result<std::optional<certs::KeyUsage>> read_key_usage(const JsonFields& fields) {
    if (fields.find("key_usage") == nullptr) return std::optional<certs::KeyUsage>();
    const auto names = fields.texts("key_usage", kMaxRecordText);
    if (!names) return names.error();
    const auto usage = certs::KeyUsage::from_names(*names);
    if (!usage) return in_context("key_usage", usage.error());
    if (usage->empty()) return fields.fault("key_usage", "is empty");
    return std::optional(*usage);
}

Result<std::optional<certs::ExtendedKeyUsage>> read_extended_key_usage(const JsonFields& fields) {
    if (fields.find("extended_key_usage") == nullptr) {
        return std::optional<certs::ExtendedKeyUsage>();
    }
    const auto texts = fields.texts("extended_key_usage", kMaxRecordText);
    if (!texts) return texts.error();
    certs::ExtendedKeyUsage usages;
    for (const std::string& text : *texts) {
        auto usage = certs::extended_key_usage_from_text(text);
        if (!usage) return in_context("extended_key_usage", usage.error());
        usages.push_back(std::move(*usage));
    }
    return std::optional(std::move(usages));
}

Result<std::optional<certs::RequestedValidity>> read_requested_validity(const JsonFields& fields) {
    certs::RequestedValidity requested;
    for (const auto& [name, target] : {std::pair{"requested_validity", &requested.seconds},
                                       std::pair{"requested_not_after", &requested.not_after}}) {
        if (fields.find(name) == nullptr) continue;
        const auto seconds = fields.integer(name, kMaxSeconds);
        if (!seconds) return seconds.error();
        if (*seconds == 0) return fields.fault(name, "is 0");
        *target = *seconds;
    }
    if (requested.seconds != 0 && requested.not_after != 0) {
        return fields.fault("requested_validity", "is given twice");
    }
    if (requested == certs::RequestedValidity{}) return std::optional<certs::RequestedValidity>();
    return std::optional(requested);
}

Result<std::optional<std::string>> read_optional(const JsonFields& fields, const char* name) {
    if (fields.find(name) == nullptr) return std::optional<std::string>();
    auto text = fields.text(name, kMaxRecordText);
    if (!text) return text.error();
    return std::optional(std::move(*text));
}

void add_optional(ordered_json& out, const char* name, const std::string& value) {
    if (!value.empty()) out[name] = value;
}

}  // namespace

Bytes GrantRecord::encode(const Grant& grant) {
    ordered_json out;
    out["v"] = kRecordVersion;
    out["policy"] = grant.policy();
    out["subject"] = to_base64(grant.subject().der());
    out["san"] = ordered_json::array();
    for (const certs::GeneralName& name : grant.subject_alt_name())
        out["san"].push_back(name.text());
    out["key"] = to_base64(grant.public_key().spki());
    out["purpose"] = certs::to_text(grant.purpose());
    if (grant.key_usage()) out["key_usage"] = grant.key_usage()->names();
    if (grant.extended_key_usage()) {
        out["extended_key_usage"] = ordered_json::array();
        for (const Bytes& usage : *grant.extended_key_usage())
            out["extended_key_usage"].push_back(certs::extended_key_usage_to_text(usage));
    }
    add_optional(out, "template", grant.template_name().value_or(""));
    if (grant.max_validity()) out["max_validity"] = *grant.max_validity();
    if (grant.requested_validity()) {
        const auto& requested = *grant.requested_validity();
        if (requested.seconds != 0) out["requested_validity"] = requested.seconds;
        if (requested.not_after != 0) out["requested_not_after"] = requested.not_after;
    }
    add_optional(out, "sid", grant.sid().value_or(""));
    add_optional(out, "device_id", grant.device_id());
    add_optional(out, "user_id", grant.user_id());
    out["stripped"] = grant.stripped();
    return to_bytes(as_bytes(out.dump()));
}

Result<Grant> GrantRecord::decode(ByteView record) {
    const auto parsed = parse_strict_json(as_text(record));
    if (!parsed) return parsed.error();
    if (!parsed->root.is_object()) return malformed("a grant that is not a JSON object");
    const JsonFields fields(parsed->root, "grant.");
    if (const auto known =
            fields.only({"v", "policy", "subject", "san", "key", "purpose", "key_usage",
                         "extended_key_usage", "template", "max_validity", "requested_validity",
                         "requested_not_after", "sid", "device_id", "user_id", "stripped"});
        !known) {
        return known.error();
    }
    const auto version = fields.integer("v", kMaxSeconds);
    if (!version) return version.error();
    if (*version != kRecordVersion) return fields.fault("v", "only version 1 is known");

    const auto spki = read_octets(fields, "key");
    if (!spki) return spki.error();
    auto key = certs::PublicKey::from_spki(*spki);
    if (!key) return in_context("grant.key", key.error());
    Grant grant(std::move(*key));

    auto policy = fields.text("policy", kMaxRecordText);
    if (!policy) return policy.error();
    grant.policy_ = std::move(*policy);
    const auto subject_der = read_octets(fields, "subject");
    if (!subject_der) return subject_der.error();
    auto subject = certs::Name::from_der(*subject_der);
    if (!subject) return in_context("grant.subject", subject.error());
    // As GrantMaker does: the record may be older, or of a server that is not ours any more.
    grant.subject_ = in_legal_form(std::move(*subject));
    auto names = read_names(fields);
    if (!names) return names.error();
    grant.san_ = std::move(*names);
    if (grant.subject_.empty() && grant.san_.empty()) return malformed("a grant without any name");
    const auto purpose_text = fields.text("purpose", kMaxRecordText);
    if (!purpose_text) return purpose_text.error();
    const auto purpose = certs::purpose_from_text(*purpose_text);
    if (!purpose) return purpose.error();
    grant.purpose_ = *purpose;

    auto usage = read_key_usage(fields);
    if (!usage) return usage.error();
    grant.ku_ = *usage;
    auto extended = read_extended_key_usage(fields);
    if (!extended) return extended.error();
    grant.eku_ = std::move(*extended);
    if (fields.find("max_validity") != nullptr) {
        const auto seconds = fields.integer("max_validity", kMaxSeconds);
        if (!seconds) return seconds.error();
        grant.validity_ = *seconds;
    }
    auto requested = read_requested_validity(fields);
    if (!requested) return requested.error();
    grant.requested_validity_ = *requested;
    for (const auto& [name, target] :
         {std::pair{"template", &grant.template_}, std::pair{"sid", &grant.sid_}}) {
        auto text = read_optional(fields, name);
        if (!text) return text.error();
        *target = std::move(*text);
    }
    for (const auto& [name, target] :
         {std::pair{"device_id", &grant.device_id_}, std::pair{"user_id", &grant.user_id_}}) {
        auto text = read_optional(fields, name);
        if (!text) return text.error();
        *target = std::move(*text).value_or("");
    }
    auto stripped = fields.texts("stripped", kMaxRecordText);
    if (!stripped) return stripped.error();
    grant.stripped_ = std::move(*stripped);
    return grant;
}

}  // namespace scepgate::policy
