#include "server/config_signers.hpp"

#include "server/config_rules.hpp"

namespace scepgate::server {
namespace {

using Json = ConfigParts::Json;

void read_limits(ConfigReader& reader, policy::SignerLimits& limits, const ConfigParts& parts,
                 ConfigFaults& faults) {
    reader.text("name", limits.signer);
    if (reader.member("templates") != nullptr) {
        reader.require_some("templates", "the names of 'templates' that it may grant");
        reader.texts("templates", limits.templates);
    }
    const auto duration = [&](const char* key, std::optional<std::int64_t>& into,
                              std::int64_t least, std::int64_t most) {
        if (reader.member(key) == nullptr) return;
        into = most;
        reader.duration(key, *into, least, most);
    };
    duration("max_validity", limits.max_validity, 3600, 100 * 366 * 86'400LL);
    duration("max_lifetime", limits.max_lifetime, 60, 400 * 86'400LL);
    reader.flag("approval", limits.approval);
    if (const Json* rules = reader.member("rules")) {
        limits.rules = read_rules(*rules, reader.path_of("rules"), parts, faults);
    }
}

}  // namespace

TrustedSignerConfig read_trusted_signer(const Json& json, const std::string& path,
                                        ConfigParts& parts, ConfigFaults& faults) {
    TrustedSignerConfig signer;
    if (json.is_string()) {
        const auto file = json.get<std::string>();
        if (file.empty()) faults.error(path, "is empty", "give the file's path");
        signer.certificate = parts.resolve(file);
        return signer;
    }
    if (!json.is_object()) {
        faults.error(path, "is neither text nor an object",
                     "give the file's path, or { \"certificate\": …, \"templates\": […] }");
        return signer;
    }
    ConfigReader reader(json, path, faults);
    signer.certificate = parts.required_file(reader, "certificate", "the signer's PEM file");
    signer.limits.emplace().where = path;
    read_limits(reader, *signer.limits, parts, faults);
    nlohmann::json limits = json;  // sorted by its keys
    limits.erase("certificate");
    limits.erase("name");
    signer.limits_json = limits.dump(-1, ' ', false, Json::error_handler_t::replace);
    reader.finish();
    return signer;
}

}  // namespace scepgate::server
