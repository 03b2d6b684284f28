#include "server/config_parts.hpp"

#include <algorithm>

#include "server/config_ca_urls.hpp"
#include "server/config_crl_reader.hpp"
#include "server/config_key_source.hpp"
#include "server/config_paths.hpp"
#include "server/config_policy_rule.hpp"
#include "server/config_rules.hpp"
#include "server/config_shape.hpp"
#include "server/config_signer_reader.hpp"
#include "server/config_template.hpp"

namespace scepgate::server {

namespace fs = std::filesystem;

fs::path ConfigParts::resolve(const std::string& path) const {
    return path.empty() ? fs::path() : (base_ / path).lexically_normal();
}

fs::path ConfigParts::required_file(ConfigReader& reader, const std::string& key,
                                    const std::string& meaning) {
    return resolve(reader.required_text(key, meaning));
}

std::optional<fs::path> ConfigParts::file(ConfigReader& reader, const std::string& key) {
    const auto text = reader.text(key);
    if (!text) return std::nullopt;
    if (text->empty()) faults_.error(reader.path_of(key), "is empty", "give the file's path");
    return resolve(*text);
}

SecretSource ConfigParts::secret(const Json& json, const std::string& path) {
    SecretSource result{path, {}, {}};
    if (json.is_string()) {
        faults_.error(path, "is text",
                      "a secret never stands here: write { \"file\": … } or { \"env\": … }");
        return result;
    }
    ConfigReader reader(json, path, faults_);
    result.file = file(reader, "file");
    result.environment = reader.text("env");
    if (reader.is_object() && result.file.has_value() == result.environment.has_value()) {
        faults_.error(reader.path(), "needs exactly one of 'file' and 'env'");
    }
    reader.finish();
    return result;
}

KeySource ConfigParts::key(ConfigReader& owner) {
    KeySource result;
    result.pem.json_path = owner.path_of("key");
    const Json* json = owner.required("key", "{ \"file\": \"….key\" }");
    if (json != nullptr) read_key_source(*json, *this, faults_, result);
    return result;
}

KeyPairConfig ConfigParts::key_pair(const Json& json, const std::string& path) {
    KeyPairConfig pair;
    pair.json_path = path;
    ConfigReader reader(json, path, faults_);
    pair.certificate = required_file(reader, "certificate", "a PEM file");
    pair.key = key(reader);
    reader.finish();
    return pair;
}

CaConfig ConfigParts::ca(const Json& json, const std::string& path) {
    CaConfig ca;
    ca.json_path = path;
    ConfigReader reader(json, path, faults_);
    reader.required("type", "\"embedded\", or \"signer\" where 'scepgate signer' has the key");
    const auto type = reader.choice("type", {"embedded", "signer"});
    ca.certificate = required_file(reader, "certificate", "the CA's PEM file");
    ca.chain = file(reader, "chain");
    if (type == "signer") {
        ca.signer = read_remote_signer(reader, *this);
    } else {
        ca.key = key(reader);
    }
    read_ca_urls(reader, ca, faults_);
    reader.duration("crl_validity", ca.crl_validity, 3600, 30 * 86'400);
    publishing(reader, ca);
    reader.finish();
    return ca;
}

void ConfigParts::publishing(ConfigReader& owner, CaConfig& ca) {
    read_crl(owner, *this, ca, faults_);
    read_published_path(owner, "certificate_path", ca.certificate_path, faults_);
    if (const Json* json = owner.member("ocsp")) {
        ConfigReader reader(*json, owner.path_of("ocsp"), faults_);
        ca.ocsp.emplace();
        read_published_path(reader, "path", ca.ocsp->path, faults_);
        if (ca.ocsp->path.empty()) {
            faults_.error(reader.path_of("path"), "is empty", "give it as /ocsp");
        }
        reader.duration("period", ca.ocsp->period, 60, 30 * 86'400LL);
        reader.number("uncached_per_second", ca.ocsp->uncached_per_second, 1, 1'000'000);
        reader.finish();
    }
}

EndpointConfig ConfigParts::endpoint(const Json& json, const std::string& path) {
    EndpointConfig endpoint;
    endpoint.json_path = path;
    ConfigReader reader(json, path, faults_);
    reader.require_some("paths", "[\"/certsrv/mscep/mscep.dll\", \"/scep\"]");
    reader.texts("paths", endpoint.paths);
    endpoint_name(reader, endpoint);
    endpoint.ca = reader.required_text("ca", "the name of one of 'cas'");
    endpoint.policy = read_policy_rule(reader, faults_);
    if (const Json* keys = reader.member("ra")) endpoint.ra = ra(*keys, reader.path_of("ra"));
    if (const Json* later = reader.member("next")) {
        endpoint.next = next(*later, reader.path_of("next"));
    }
    read_endpoint_shape(reader, endpoint);
    if (const Json* templates = reader.required("templates", "{ \"general_purpose\": … }")) {
        read_endpoint_templates(*templates, reader.path_of("templates"), endpoint, faults_);
    }
    if (const Json* algorithms = reader.member("algorithms")) {
        ConfigReader part(*algorithms, reader.path_of("algorithms"), faults_);
        part.flag("sha1", endpoint.sha1);
        part.flag("des3", endpoint.des3);
        part.flag("des", endpoint.des);
        part.flag("ec_password_recipient", endpoint.ec_password_recipient);
        part.finish();
    }
    if (const Json* rule = reader.member("renewal")) {
        endpoint.renewal = renewal(*rule, reader.path_of("renewal"));
    }
    if (const Json* rules = reader.member("rules")) {
        endpoint.rules = read_rules(*rules, reader.path_of("rules"), *this, faults_);
        const nlohmann::json sorted = *rules;  // by its keys
        endpoint.rules_json = sorted.dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    reader.number("max_pending", endpoint.max_pending, 1, 1'000'000);
    reader.finish({{"mscep_admin", "admin"}});
    return endpoint;
}

void ConfigParts::endpoint_name(ConfigReader& reader, EndpointConfig& endpoint) {
    for (std::size_t i = 0; i < endpoint.paths.size(); ++i) {
        if (!sound_endpoint_path(endpoint.paths[i])) {
            faults_.error(reader.path_of("paths") + "[" + std::to_string(i) + "]",
                          "'" + endpoint.paths[i] + "' is no path",
                          "begin it with / and leave out empty segments, \".\", \"..\" and all of "
                          "? # % \\ and spaces");
        }
        endpoint.paths[i] = normal_path(endpoint.paths[i]);
    }
    if (!endpoint.paths.empty()) endpoint.name = endpoint.paths.front();
    if (const auto name = reader.text("name")) {
        if (!sound_endpoint_name(*name)) {
            faults_.error(reader.path_of("name"), "'" + *name + "' is no name",
                          "use 1 to 64 letters, digits and . _ - /");
        }
        endpoint.name = *name;
    }
}

RenewalConfig ConfigParts::renewal(const Json& json, const std::string& path) {
    RenewalConfig result;
    result.json_path = path;
    policy::RenewalSettings& settings = result.settings;
    ConfigReader reader(json, path, faults_);
    if (reader.member("window") != nullptr) {
        settings.window = 0;
        reader.duration("window", *settings.window, 0, 100 * 366 * 86'400LL);
    }
    reader.duration("grace", settings.grace, 0, 366 * 86'400LL);
    reader.flag("same_key", settings.same_key);
    reader.flag("newest_only", settings.newest_only);
    const auto challenge =
        reader.choice("challenge", {"ignored", "required", "verified_if_present"});
    if (challenge == "required") settings.challenge = policy::RenewalChallenge::kRequired;
    if (challenge == "verified_if_present") {
        settings.challenge = policy::RenewalChallenge::kVerifiedIfPresent;
    }
    std::vector<std::string> files;
    reader.texts("previous_cas", files);
    for (std::size_t i = 0; i < files.size(); ++i) {
        if (files[i].empty()) {
            faults_.error(reader.path_of("previous_cas") + "[" + std::to_string(i) + "]",
                          "is empty", "give the file's path");
        }
        result.previous_cas.push_back(resolve(files[i]));
    }
    reader.finish();
    return result;
}

EndpointConfig::Ra ConfigParts::ra(const Json& json, const std::string& path) {
    ConfigReader reader(json, path, faults_);
    EndpointConfig::Ra keys;
    if (const Json* signing = reader.required("signing", kKeyPairExample)) {
        keys.signing = key_pair(*signing, reader.path_of("signing"));
    }
    if (const Json* encryption = reader.required("encryption", kKeyPairExample)) {
        keys.encryption = key_pair(*encryption, reader.path_of("encryption"));
    }
    reader.each("previous_encryption", true, [&](const Json& value, const std::string& at) {
        keys.previous_encryption.push_back(key_pair(value, at));
    });
    reader.finish();
    return keys;
}

EndpointConfig::Next ConfigParts::next(const Json& json, const std::string& path) {
    EndpointConfig::Next result;
    result.json_path = path;
    ConfigReader reader(json, path, faults_);
    result.ca = reader.required_text("ca", "the name of one of 'cas'");
    if (const Json* keys = reader.member("ra")) result.ra = ra(*keys, reader.path_of("ra"));
    const auto from = reader.required_text("from", "a time such as \"2027-01-01T00:00:00Z\"");
    if (!from.empty()) {
        const auto time = parse_time(from);
        if (time) {
            result.from = *time;
        } else {
            faults_.error(reader.path_of("from"), time.error().detail);
        }
    }
    reader.finish();
    return result;
}

}  // namespace scepgate::server
