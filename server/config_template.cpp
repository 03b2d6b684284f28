#include "server/config_template.hpp"

#include <algorithm>

#include "certs/key_usage.hpp"

namespace scepgate::server {
namespace {

using Json = ConfigReader::Json;

constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kLongestValidity = 100 * 366 * kDaySeconds;

/// Text, or a list of it.
std::vector<std::string> one_or_more(ConfigReader& reader, const std::string& key,
                                     ConfigFaults& faults) {
    std::vector<std::string> all;
    const Json* json = reader.member(key);
    if (json == nullptr) return all;
    if (json->is_string()) {
        all.push_back(json->get<std::string>());
    } else {
        reader.texts(key, all);
        if (json->is_array() && json->empty()) faults.error(reader.path_of(key), "is empty");
    }
    return all;
}

/// Each has to be one of `words`.
void check_words(const std::vector<std::string>& texts, const std::set<std::string>& words,
                 const std::string& path, ConfigFaults& faults) {
    for (const std::string& text : texts) {
        if (words.contains(text)) continue;
        std::string all;
        for (const std::string& word : words)
            all += (all.empty() ? "" : ", ") + word;
        faults.error(path, "'" + text + "' is none of " + all);
    }
}

CertificatePolicyConfig read_certificate_policy(const Json& json, const std::string& path,
                                                ConfigFaults& faults) {
    CertificatePolicyConfig policy;
    if (json.is_string()) {
        policy.oid = json.get<std::string>();
        return policy;
    }
    ConfigReader reader(json, path, faults);
    policy.oid = reader.required_text("oid", "the policy's OID");
    policy.cps = one_or_more(reader, "cps", faults);
    reader.text("notice", policy.notice);
    reader.finish();
    return policy;
}

MicrosoftTemplateConfig read_microsoft_template(const Json& json, const std::string& path,
                                                ConfigFaults& faults) {
    MicrosoftTemplateConfig result;
    ConfigReader reader(json, path, faults);
    reader.text("name", result.name);
    reader.text("oid", result.oid);
    const auto version = [&](const char* key, std::optional<int>& into) {
        if (reader.member(key) == nullptr) return;
        into = 0;
        reader.number(key, *into, 0, 2'147'483'647);
    };
    version("major", result.major);
    version("minor", result.minor);
    reader.finish();
    if (reader.is_object() && result.name.empty() == result.oid.empty()) {
        faults.error(path, "needs exactly one of 'oid' and 'name'",
                     "certutil -dstemplate NAME shows msPKI-Cert-Template-OID; a version 1 "
                     "template has a name alone");
    }
    return result;
}

RequestedValidityConfig read_requested_validity(const Json& json, const std::string& path,
                                                ConfigFaults& faults) {
    RequestedValidityConfig result;
    ConfigReader reader(json, path, faults);
    reader.duration("minimum", result.minimum, 3600, kLongestValidity);
    reader.duration("maximum", result.maximum, 3600, kLongestValidity);
    reader.finish();
    return result;
}

void read_application_policies(ConfigReader& reader, TemplateConfig& result, ConfigFaults& faults) {
    const Json* json = reader.member("application_policies");
    if (json == nullptr) return;
    if (json->is_boolean()) {
        if (json->get<bool>()) result.application_policies.emplace();
        return;
    }
    result.application_policies.emplace();
    reader.texts("application_policies", *result.application_policies);
    if (result.application_policies->empty()) {
        faults.error(reader.path_of("application_policies"), "is empty",
                     "write true for those of extended_key_usage, or leave it out");
    }
}

}  // namespace

TemplateConfig read_template(const Json& json, const std::string& path, ConfigFaults& faults) {
    TemplateConfig result;
    result.json_path = path;
    ConfigReader reader(json, path, faults);
    result.purposes = one_or_more(reader, "purpose", faults);
    check_words(result.purposes, {"signature", "encryption", "general_purpose"}, path + ".purpose",
                faults);
    reader.texts("key_usage", result.key_usage);
    reader.texts("extended_key_usage", result.extended_key_usage);
    const Json* purposes = reader.member("extended_key_usage");
    if (purposes != nullptr && purposes->is_array() && purposes->empty()) {
        faults.warn(reader.path_of("extended_key_usage"),
                    "is empty: certificates have no such extension, and verifiers take them for "
                    "every purpose, TLS servers and code signing among them",
                    "name the purposes, such as clientAuth; leave it out for clientAuth alone");
    }
    read_application_policies(reader, result, faults);
    reader.each("certificate_policies", false, [&](const Json& value, const std::string& at) {
        result.certificate_policies.push_back(read_certificate_policy(value, at, faults));
    });
    if (const Json* value = reader.member("microsoft_template")) {
        result.microsoft_template =
            read_microsoft_template(*value, reader.path_of("microsoft_template"), faults);
    }
    reader.texts("critical", result.critical);
    check_words(result.critical,
                {"key_usage", "extended_key_usage", "application_policies", "certificate_policies"},
                path + ".critical", faults);
    reader.text("subject", result.subject);
    reader.duration("validity", result.validity, 3600, kLongestValidity);
    if (const Json* value = reader.member("requested_validity")) {
        result.requested_validity =
            read_requested_validity(*value, reader.path_of("requested_validity"), faults);
    }
    reader.duration("backdate", result.backdate, 0, 7 * kDaySeconds);
    reader.texts("keys", result.keys);
    check_words(result.keys, {"rsa", "ec:p256", "ec:p384", "ec:p521"}, path + ".keys", faults);
    reader.number("minimum_rsa_bits", result.minimum_rsa_bits, 2048, 8192);
    reader.number("maximum_rsa_bits", result.maximum_rsa_bits, 2048, 8192);
    reader.flag("sid_extension", result.sid_extension);
    reader.flag("approval", result.approval);
    reader.duration("approval_expires", result.approval_expires, 60, 366 * kDaySeconds);
    reader.finish();
    return result;
}

void read_endpoint_templates(const Json& json, const std::string& path, EndpointConfig& endpoint,
                             ConfigFaults& faults) {
    ConfigReader reader(json, path, faults);
    const auto read = [&](certs::Purpose purpose, std::string& first) {
        const std::string key(to_text(purpose));
        auto names = one_or_more(reader, key, faults);
        if (names.empty()) return;
        first = names.front();
        names.erase(names.begin());
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (names[i] == first || std::count(names.begin(), names.end(), names[i]) > 1) {
                faults.error(reader.path_of(key), "'" + names[i] + "' is there twice");
                break;
            }
        }
        endpoint.other_templates[static_cast<std::size_t>(purpose)] = std::move(names);
    };
    read(certs::Purpose::kSignature, endpoint.signature_template);
    read(certs::Purpose::kEncryption, endpoint.encryption_template);
    read(certs::Purpose::kGeneralPurpose, endpoint.general_purpose_template);
    reader.finish();
}

std::vector<std::pair<std::string, std::string>> templates_of(const EndpointConfig& endpoint) {
    std::vector<std::pair<std::string, std::string>> all;
    const auto add = [&](certs::Purpose purpose, const std::string& first) {
        const std::string at = endpoint.json_path + ".templates." + std::string(to_text(purpose));
        const auto& others = endpoint.other_templates[static_cast<std::size_t>(purpose)];
        if (!first.empty()) all.emplace_back(first, others.empty() ? at : at + "[0]");
        for (std::size_t i = 0; i < others.size(); ++i)
            all.emplace_back(others[i], at + "[" + std::to_string(i + 1) + "]");
    };
    add(certs::Purpose::kSignature, endpoint.signature_template);
    add(certs::Purpose::kEncryption, endpoint.encryption_template);
    add(certs::Purpose::kGeneralPurpose, endpoint.general_purpose_template);
    return all;
}

}  // namespace scepgate::server
