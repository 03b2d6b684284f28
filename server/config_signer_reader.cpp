#include "server/config_signer_reader.hpp"

#include "server/config_rules.hpp"

namespace scepgate::server {
namespace {

using Json = ConfigReader::Json;

constexpr std::int64_t kMostInADay = 1'000'000'000;

void read_rates(ConfigReader& reader, signer::RateLimits& limits) {
    reader.number("per_minute", limits.per_minute, 1, kMostInADay);
    reader.number("per_hour", limits.per_hour, 1, kMostInADay);
    reader.number("per_day", limits.per_day, 1, kMostInADay);
}

}  // namespace

SignerConfig read_signer(const Json& json, const std::string& path, ConfigParts& parts,
                         ConfigFaults& faults) {
    SignerConfig config;
    config.json_path = path;
    ConfigReader reader(json, path, faults);
    config.socket = parts.required_file(reader, "socket", "the Unix socket's path");
    reader.text("socket_group", config.socket_group);
    reader.texts("allow", config.allow);
    config.state = parts.resolve("signer.db");
    if (const auto state = parts.file(reader, "state")) config.state = *state;
    if (const Json* rules = reader.member("rules"))
        config.rules = read_rules(*rules, reader.path_of("rules"), parts, faults);
    if (const Json* limits = reader.member("limits")) {
        ConfigReader inner(*limits, reader.path_of("limits"), faults);
        read_rates(inner, config.rates.in_all);
        inner.each_named("templates",
                         [&](const auto& name, const Json& value, const std::string& at) {
                             ConfigReader one(value, at, faults);
                             read_rates(one, config.rates.templates[name]);
                             one.finish();
                         });
        inner.duration("crl_validity", config.crl_validity, 3600, 366 * 86'400LL);
        inner.number("crls_per_hour", config.crls_per_hour, 1, kMostInADay);
        inner.number("ocsp_responders_per_day", config.ocsp_responders_per_day, 0, kMostInADay);
        inner.number("queue", config.queue, 1, 100'000);
        inner.number("connections", config.connections, 1, 1 << 16);
        inner.finish();
    }
    reader.finish();
    return config;
}

RemoteSignerConfig read_remote_signer(ConfigReader& ca, ConfigParts& parts) {
    RemoteSignerConfig config;
    config.socket = parts.required_file(ca, "socket", "the signer's Unix socket");
    ca.duration("timeout", config.timeout, 1, 300);
    return config;
}

}  // namespace scepgate::server
