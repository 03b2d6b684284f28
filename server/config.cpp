#include "server/config.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "server/config_admin_reader.hpp"
#include "server/config_json.hpp"
#include "server/config_notifiers_reader.hpp"
#include "server/config_policy_reader.hpp"
#include "server/config_policy_rule.hpp"
#include "server/config_references.hpp"
#include "server/config_sandbox_reader.hpp"
#include "server/config_signer_reader.hpp"
#include "server/config_store_reader.hpp"
#include "server/config_template.hpp"
#include "server/file_access.hpp"

namespace scepgate::server {
namespace {

namespace fs = std::filesystem;
using Json = ConfigReader::Json;

constexpr std::uintmax_t kLargestConfig = 4 << 20;

/// Reads the top of a configuration: what is not in ConfigParts.
class Parser {
public:
    Parser(const fs::path& base, ConfigFaults& faults) : parts_(base, faults), faults_(faults) {}

    Config read(const Json& json) {
        Config config;
        ConfigReader top(json, "", faults_);
        top.text("$schema");
        if (const Json* signer = top.member("signer")) {
            config.signer = read_signer(*signer, "signer", parts_, faults_);
            read_shared(top, config);
            finish_signer(top, config);
            return config;
        }
        read_listen(top, config.http);
        read_proxies(top, config.http);
        read_shared(top, config);
        top.each_named("policies", [&](const auto& name, const auto& value, const auto& path) {
            check_policy_name(name, path, faults_);
            config.policies[name] = read_policy(value, path, parts_, faults_);
        });
        top.each_named("notifiers", [&](const auto& name, const auto& value, const auto& path) {
            config.notifiers[name] = read_notifier(value, path, parts_, faults_);
        });
        top.require_some("endpoints", "{ \"paths\": [\"/scep\"], \"ca\": …, \"policy\": … }");
        top.each("endpoints", false, [&](const Json& value, const std::string& path) {
            config.endpoints.push_back(parts_.endpoint(value, path));
        });
        if (const Json* admin = top.member("admin"))
            config.admin = read_admin(*admin, "admin", parts_, faults_);
        read_limits(top, config);
        read_store(top, parts_, faults_, config);
        top.finish();
        if (config.admin) config.admin->http.trusted_proxies = config.http.trusted_proxies;
        check_references(config, faults_);
        return config;
    }

private:
    /// What server and signer have alike.
    void read_shared(ConfigReader& top, Config& config) {
        top.each_named("cas", [&](const auto& name, const auto& value, const auto& path) {
            config.cas[name] = parts_.ca(value, path);
        });
        top.each_named("templates", [&](const auto& name, const auto& value, const auto& path) {
            config.templates[name] = read_template(value, path, faults_);
        });
        read_threads(top, config);
        read_files(top, config);
        read_run_as(top, config, faults_);
        read_sandbox(top, parts_, config, faults_);
        top.flag("openssl_patched", config.openssl_patched);
    }

    void finish_signer(ConfigReader& top, const Config& config) {
        const std::string servers = "the server's configuration, which is a file of its own";
        top.finish({{"listen", servers},
                    {"endpoints", servers},
                    {"policies", servers},
                    {"notifiers", servers},
                    {"admin", servers},
                    {"limits", "signer.limits"},
                    {"store", servers}});
        if (config.cas.empty()) {
            faults_.error("cas", "is missing", "give the CAs whose keys the signer holds");
        }
        for (const auto& [name, ca] : config.cas) {
            if (!ca.signer) continue;
            faults_.error(ca.json_path + ".type", "is \"signer\" in a signer's own configuration",
                          "write \"embedded\", with the CA's key");
        }
        for (const auto& [name, limits] : config.signer->rates.templates) {
            check_name("signer.limits.templates", name, config.templates, "templates", faults_);
        }
    }

    void read_listen(ConfigReader& top, HttpSettings& http) {
        top.require_some("listen", "[{ \"address\": \"127.0.0.1:8080\" }]");
        top.each("listen", true, [&](const Json& value, const std::string& path) {
            ConfigReader reader(value, path, faults_);
            ListenSettings listen;
            listen.json_path = path;
            listen.address =
                reader.required_text("address", "HOST:PORT, such as \"127.0.0.1:8080\"");
            if (const Json* tls = reader.member("tls")) {
                listen.tls = parts_.key_pair(*tls, reader.path_of("tls"));
            }
            reader.finish();
            http.listen.push_back(std::move(listen));
        });
    }

    void read_proxies(ConfigReader& top, HttpSettings& http) {
        std::vector<std::string> proxies;
        top.texts("trusted_proxies", proxies);
        for (std::size_t i = 0; i < proxies.size(); ++i) {
            auto prefix = AddressPrefix::parse(proxies[i]);
            if (prefix) {
                http.trusted_proxies.push_back(std::move(*prefix));
            } else {
                faults_.error("trusted_proxies[" + std::to_string(i) + "]", prefix.error().detail,
                              "give an address or a network, as 10.0.0.0/8 or 2001:db8::/32");
            }
        }
    }

    void read_limits(ConfigReader& top, Config& config) {
        if (const Json* json = top.member("limits")) {
            ConfigReader reader(*json, "limits", faults_);
            auto& limits = config.http.limits;
            reader.number("request_line", limits.request_line, 1024, 16 << 20);
            reader.number("header_fields", limits.header_fields, 1024, 1 << 20);
            reader.number("header_count", limits.header_count, 8, 10'000);
            reader.number("body", limits.body, 4096, 64 << 20);
            reader.number("requests_per_connection", limits.requests_per_connection, 1, 1 << 30);
            reader.number("connections", limits.connections, 1, 1 << 20);
            reader.number("connections_per_address", limits.connections_per_address, 1, 1 << 20);
            reader.number("refusals_per_second", config.refusals_per_second, 0, 100'000);
            reader.number("queue", config.queue, 1, 100'000);
            read_time(reader, "queue_time", config.queue_time);
            read_time(reader, "shutdown_delay", config.shutdown_delay, 0, 60);
            read_time(reader, "header_time", limits.header_time);
            read_time(reader, "request_time", limits.request_time);
            read_time(reader, "write_time", limits.write_time);
            read_time(reader, "idle_time", limits.idle_time);
            reader.finish();
        }
    }

    void read_threads(ConfigReader& top, Config& config) {
        if (const Json* json = top.member("threads")) {
            ConfigReader reader(*json, "threads", faults_);
            reader.number("io", config.http.io_threads, 0, 256);
            reader.number("crypto", config.crypto_threads, 0, 256);
            reader.finish();
        }
    }

    void read_files(ConfigReader& top, Config& config) {
        if (const Json* json = top.member("log")) {
            ConfigReader reader(*json, "log", faults_);
            if (reader.choice("format", {"text", "json"}) == "json") {
                config.log.format = LogConfig::Format::kJson;
            }
            if (const auto level = reader.choice("level", {"debug", "info", "warn", "error"})) {
                config.log.level = *level;
            }
            config.log.file = parts_.file(reader, "file");
            reader.finish();
        }
        config.audit_file = parts_.resolve("audit.jsonl");
        if (const Json* json = top.member("audit")) {
            ConfigReader reader(*json, "audit", faults_);
            if (const auto file = parts_.file(reader, "file")) config.audit_file = *file;
            if (const Json* key = reader.member("hmac_key"))
                config.audit_hmac_key = parts_.secret(*key, reader.path_of("hmac_key"));
            config.audit_sync = reader.choice("sync", {"none", "every"}) == "every";
            reader.finish();
        }
    }

    template <class Duration>
    void read_time(ConfigReader& reader, const char* key, Duration& target, std::int64_t least = 1,
                   std::int64_t most = 86'400) {
        std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(target).count();
        reader.duration(key, seconds, least, most);
        target = std::chrono::seconds(seconds);
    }

    ConfigParts parts_;
    ConfigFaults& faults_;
};

/// The file's text; nothing, and a fault, when it cannot be read.
std::optional<std::string> read_text(const fs::path& file, ConfigFaults& faults) {
    const std::string what = "cannot read the configuration file " + file.string();
    std::error_code error;
    const auto status = fs::status(file, error);
    if (fs::exists(status) && !fs::is_regular_file(status)) {
        faults.error("", what + ": it is not a file", "name the file, such as DIR/scepgate.json");
        return std::nullopt;
    }
    errno = 0;
    std::ifstream stream(file, std::ios::binary);
    const int failure = errno;
    const auto size = fs::file_size(file, error);
    if (!stream || error) {
        const bool absent = failure == ENOENT || failure == ENOTDIR;
        faults.error("", what + " as " + this_user() + ": " + std::strerror(failure),
                     absent ? "name the file, such as DIR/scepgate.json; 'scepgate init' makes one"
                            : how_to_let_read(file));
        return std::nullopt;
    }
    if (size > kLargestConfig) {
        faults.error("", what + ": it holds over 4 MiB", "name a configuration file");
        return std::nullopt;
    }
    std::string text(static_cast<std::size_t>(size), '\0');
    stream.read(text.data(), static_cast<std::streamsize>(size));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    return text;
}

}  // namespace

Config parse_config(std::string_view text, const fs::path& base, ConfigFaults& faults) {
    const auto json = parse_config_json(text, "the configuration", faults);
    return json ? Parser(base, faults).read(*json) : Config();
}

Config load_config(const fs::path& file, ConfigFaults& faults) {
    const auto text = read_text(file, faults);
    if (!text) return {};
    std::error_code ignored;
    auto absolute = fs::absolute(file, ignored);
    const auto json = parse_config_json(*text, file.string(), faults);
    Config config = json ? Parser(absolute.parent_path(), faults).read(*json) : Config();
    config.file = std::move(absolute);
    return config;
}

}  // namespace scepgate::server
