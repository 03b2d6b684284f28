#include "server/config.hpp"

#include <fstream>
#include <sstream>

#include "server/config_reader.hpp"

namespace scepgate::server {
namespace {

namespace fs = std::filesystem;
using Json = ConfigReader::Json;

/// Reads the parts of one configuration; relative paths get `base` in front.
class Parser {
public:
    Parser(fs::path base, ConfigFaults& faults) : base_(std::move(base)), faults_(faults) {}

    Config read(const Json& json) {
        Config config;
        ConfigReader top(json, "", faults_);
        top.text("$schema");
        read_listen(top, config.http);
        top.each_named("cas", [&](const auto& name, const auto& value, const auto& path) {
            config.cas[name] = read_ca(value, path);
        });
        top.each_named("policies", [&](const auto& name, const auto& value, const auto& path) {
            config.policies[name] = read_policy(value, path);
        });
        top.each_named("templates", [&](const auto& name, const auto& value, const auto& path) {
            config.templates[name] = read_template(value, path);
        });
        top.required("endpoints", "at least one endpoint");
        top.each("endpoints", false, [&](const Json& value, const std::string& path) {
            config.endpoints.push_back(read_endpoint(value, path));
        });
        read_rest(top, config);
        top.finish();
        check_references(config);
        return config;
    }

private:
    fs::path resolve(const std::string& path) const { return (base_ / path).lexically_normal(); }

    void read_listen(ConfigReader& top, HttpSettings& http) {
        top.required("listen", "[{ \"address\": \"127.0.0.1:8080\" }]");
        top.each("listen", true, [&](const Json& value, const std::string& path) {
            ConfigReader reader(value, path, faults_);
            ListenSettings listen;
            listen.address =
                reader.required_text("address", "HOST:PORT, such as \"127.0.0.1:8080\"");
            if (const Json* tls = reader.member("tls")) {
                ConfigReader part(*tls, reader.path_of("tls"), faults_);
                TlsSettings settings;
                settings.certificate_file =
                    resolve(part.required_text("certificate", "a PEM file with the chain"))
                        .string();
                settings.key_file = resolve(part.required_text("key", "a PEM file")).string();
                part.finish();
                listen.tls = std::move(settings);
            }
            reader.finish();
            http.listen.push_back(std::move(listen));
        });
        std::vector<std::string> proxies;
        top.texts("trusted_proxies", proxies);
        for (std::size_t i = 0; i < proxies.size(); ++i) {
            auto prefix = AddressPrefix::parse(proxies[i]);
            if (prefix) {
                http.trusted_proxies.push_back(std::move(*prefix));
            } else {
                faults_.error("trusted_proxies[" + std::to_string(i) + "]", prefix.error().detail);
            }
        }
    }

    void read_rest(ConfigReader& top, Config& config) {
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
            reader.number("queue", config.queue, 1, 100'000);
            read_time(reader, "header_time", limits.header_time);
            read_time(reader, "request_time", limits.request_time);
            read_time(reader, "write_time", limits.write_time);
            read_time(reader, "idle_time", limits.idle_time);
            reader.finish();
        }
        if (const Json* json = top.member("threads")) {
            ConfigReader reader(*json, "threads", faults_);
            reader.number("io", config.http.io_threads, 0, 256);
            reader.number("crypto", config.crypto_threads, 0, 256);
            reader.finish();
        }
        if (const Json* json = top.member("log")) {
            ConfigReader reader(*json, "log", faults_);
            if (reader.choice("format", {"text", "json"}) == "json") {
                config.log.format = LogConfig::Format::kJson;
            }
            if (const auto level = reader.choice("level", {"debug", "info", "warn", "error"})) {
                config.log.level = *level;
            }
            if (const auto file = reader.text("file")) config.log.file = resolve(*file);
            reader.finish();
        }
        config.audit_file = resolve("audit.jsonl");
        if (const Json* json = top.member("audit")) {
            ConfigReader reader(*json, "audit", faults_);
            if (const auto file = reader.text("file")) config.audit_file = resolve(*file);
            reader.finish();
        }
        if (const Json* json = top.required("store", "{ \"sqlite\": \"scepgate.db\" }")) {
            ConfigReader reader(*json, "store", faults_);
            config.store_sqlite = resolve(reader.required_text("sqlite", "the database's file"));
            reader.finish();
        }
    }

    template <class Duration>
    void read_time(ConfigReader& reader, const char* key, Duration& target) {
        std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(target).count();
        reader.duration(key, seconds, 1, 86'400);
        target = std::chrono::seconds(seconds);
    }

    SecretSource read_secret(const Json& json, const std::string& path) {
        SecretSource source{path, {}, {}};
        if (json.is_string()) {
            faults_.error(path, "is text",
                          "a secret never stands here: write { \"file\": … } or { \"env\": … }");
            return source;
        }
        ConfigReader reader(json, path, faults_);
        read_source(reader, source);
        reader.finish();
        return source;
    }

    void read_source(ConfigReader& reader, SecretSource& source) {
        if (const auto file = reader.text("file")) source.file = resolve(*file);
        source.environment = reader.text("env");
        if (source.file.has_value() == source.environment.has_value()) {
            faults_.error(reader.path(), "needs exactly one of 'file' and 'env'");
        }
    }

    KeySource read_key(ConfigReader& owner) {
        KeySource source;
        source.pem.json_path = owner.path_of("key");
        const Json* json = owner.required("key", "{ \"file\": \"….key\" }");
        if (json == nullptr) return source;
        ConfigReader reader(*json, owner.path_of("key"), faults_);
        read_source(reader, source.pem);
        if (const Json* passphrase = reader.member("passphrase")) {
            source.passphrase = read_secret(*passphrase, reader.path_of("passphrase"));
        }
        reader.finish();
        return source;
    }

    KeyPairConfig read_key_pair(const Json& json, const std::string& path) {
        KeyPairConfig pair;
        pair.json_path = path;
        ConfigReader reader(json, path, faults_);
        pair.certificate = resolve(reader.required_text("certificate", "a PEM file"));
        pair.key = read_key(reader);
        reader.finish();
        return pair;
    }

    CaConfig read_ca(const Json& json, const std::string& path) {
        CaConfig ca;
        ca.json_path = path;
        ConfigReader reader(json, path, faults_);
        reader.required("type", "\"embedded\"");
        reader.choice("type", {"embedded"});
        ca.certificate = resolve(reader.required_text("certificate", "the CA's PEM file"));
        if (const auto chain = reader.text("chain")) ca.chain = resolve(*chain);
        ca.key = read_key(reader);
        reader.texts("ca_issuers_urls", ca.ca_issuers_urls);
        reader.texts("ocsp_urls", ca.ocsp_urls);
        reader.texts("crl_urls", ca.crl_urls);
        reader.finish();
        return ca;
    }

    PolicyConfig read_policy(const Json& json, const std::string& path) {
        PolicyConfig policy;
        policy.json_path = path;
        ConfigReader reader(json, path, faults_);
        reader.required("type", "\"challenge_blob\", \"static_password\" or \"none\"");
        const auto type = reader.choice("type", {"challenge_blob", "static_password", "none"});
        if (type == "challenge_blob") {
            policy.type = PolicyConfig::Type::kChallengeBlob;
            reader.required("decryption", "{ \"certificate\": …, \"key\": { \"file\": … } }");
            reader.each("decryption", true, [&](const Json& value, const std::string& at) {
                policy.decryption.push_back(read_key_pair(value, at));
            });
            if (policy.decryption.empty() && reader.member("decryption") != nullptr) {
                faults_.error(reader.path_of("decryption"), "is empty",
                              "give the key that challenges are encrypted to");
            }
            std::vector<std::string> signers;
            reader.texts("trusted_signers", signers);
            if (signers.empty()) {
                faults_.error(reader.path_of("trusted_signers"), "names nobody",
                              "list the PEM certificates of the MDMs that sign challenges");
            }
            for (const auto& signer : signers)
                policy.trusted_signers.push_back(resolve(signer));
            policy.audience =
                reader.required_text("audience", "the URL that challenges for this policy name");
            reader.duration("clock_skew", policy.clock_skew, 0, 86'400);
            reader.duration("max_lifetime", policy.maximum_lifetime, 60, 400 * 86'400LL);
            if (const Json* signer = reader.member("signer")) {
                policy.signer = read_key_pair(*signer, reader.path_of("signer"));
            }
        } else if (type == "static_password") {
            policy.type = PolicyConfig::Type::kStaticPassword;
            policy.password.json_path = reader.path_of("password");
            if (const Json* password = reader.required("password", "{ \"file\": … }")) {
                policy.password = read_secret(*password, reader.path_of("password"));
            }
        }
        if (type) reader.finish();
        return policy;
    }

    TemplateConfig read_template(const Json& json, const std::string& path) {
        TemplateConfig result;
        result.json_path = path;
        ConfigReader reader(json, path, faults_);
        reader.texts("key_usage", result.key_usage);
        reader.texts("extended_key_usage", result.extended_key_usage);
        reader.duration("validity", result.validity, 3600, 100 * 366 * 86'400LL);
        reader.duration("backdate", result.backdate, 0, 7 * 86'400);
        reader.number("minimum_rsa_bits", result.minimum_rsa_bits, 2048, 8192);
        reader.flag("sid_extension", result.sid_extension);
        reader.finish();
        return result;
    }

    EndpointConfig read_endpoint(const Json& json, const std::string& path) {
        EndpointConfig endpoint;
        endpoint.json_path = path;
        ConfigReader reader(json, path, faults_);
        reader.required("paths", "[\"/certsrv/mscep/mscep.dll\", \"/scep\"]");
        reader.texts("paths", endpoint.paths);
        endpoint.ca = reader.required_text("ca", "the name of one of 'cas'");
        endpoint.policy = reader.required_text(
            "policy",
            "the name of one of 'policies' (to allow everybody, spell out one of type \"none\")");
        if (const Json* ra = reader.member("ra")) {
            ConfigReader part(*ra, reader.path_of("ra"), faults_);
            EndpointConfig::Ra keys;
            const char* const meaning = "{ \"certificate\": …, \"key\": { \"file\": … } }";
            if (const Json* signing = part.required("signing", meaning)) {
                keys.signing = read_key_pair(*signing, part.path_of("signing"));
            }
            if (const Json* encryption = part.required("encryption", meaning)) {
                keys.encryption = read_key_pair(*encryption, part.path_of("encryption"));
            }
            part.each("previous_encryption", true, [&](const Json& value, const std::string& at) {
                keys.previous_encryption.push_back(read_key_pair(value, at));
            });
            part.finish();
            endpoint.ra = std::move(keys);
        }
        reader.flag("include_root", endpoint.include_root);
        if (const Json* templates = reader.required("templates", "{ \"general_purpose\": … }")) {
            ConfigReader part(*templates, reader.path_of("templates"), faults_);
            part.text("signature", endpoint.signature_template);
            part.text("encryption", endpoint.encryption_template);
            part.text("general_purpose", endpoint.general_purpose_template);
            part.finish();
        }
        if (const Json* algorithms = reader.member("algorithms")) {
            ConfigReader part(*algorithms, reader.path_of("algorithms"), faults_);
            part.flag("sha1", endpoint.sha1);
            part.flag("des3", endpoint.des3);
            part.flag("des", endpoint.des);
            part.finish();
        }
        reader.finish();
        return endpoint;
    }

    template <class Map>
    void check_name(const std::string& path, const std::string& name, const Map& named,
                    const char* section) {
        if (name.empty() || named.contains(name)) return;
        std::set<std::string> names;
        for (const auto& [key, value] : named)
            names.insert(key);
        const std::string near = nearest(name, names);
        faults_.error(path, "'" + name + "' is not in '" + section + "'",
                      near.empty() ? "" : "did you mean '" + near + "'?");
    }

    void check_references(const Config& config) {
        std::map<std::string, std::string> seen;
        if (config.endpoints.empty()) faults_.error("endpoints", "is empty", "give at least one");
        if (config.http.listen.empty())
            faults_.error("listen", "is empty", "give at least one address");
        for (const auto& endpoint : config.endpoints) {
            const std::string& at = endpoint.json_path;
            check_name(at + ".ca", endpoint.ca, config.cas, "cas");
            check_name(at + ".policy", endpoint.policy, config.policies, "policies");
            const auto& templates = config.templates;
            check_name(at + ".templates.signature", endpoint.signature_template, templates,
                       "templates");
            check_name(at + ".templates.encryption", endpoint.encryption_template, templates,
                       "templates");
            check_name(at + ".templates.general_purpose", endpoint.general_purpose_template,
                       templates, "templates");
            if (endpoint.paths.empty())
                faults_.error(at + ".paths", "is empty", "give at least one path");
            for (std::size_t i = 0; i < endpoint.paths.size(); ++i) {
                const std::string path_at = at + ".paths[" + std::to_string(i) + "]";
                std::string path = endpoint.paths[i];
                if (path.empty() || path.front() != '/' ||
                    path.find_first_of("?# %\\") != std::string::npos) {
                    faults_.error(path_at, "'" + path + "' is no path",
                                  "begin it with / and leave out ? # % \\ and spaces");
                    continue;
                }
                for (char& c : path)
                    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
                while (path.size() > 1 && path.back() == '/')
                    path.pop_back();
                const auto [place, fresh] = seen.emplace(path, path_at);
                if (!fresh) {
                    faults_.error(path_at,
                                  "'" + endpoint.paths[i] + "' is taken by " + place->second,
                                  "paths are compared without case and trailing /");
                }
            }
        }
    }

    fs::path base_;
    ConfigFaults& faults_;
};

/// A parser callback that finds object keys that come twice.
Json parse_without_duplicates(std::string_view text, ConfigFaults& faults) {
    std::vector<std::set<std::string>> scopes;
    std::string duplicate;
    const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
        if (event == Json::parse_event_t::object_start) scopes.emplace_back();
        if (event == Json::parse_event_t::object_end) scopes.pop_back();
        if (event == Json::parse_event_t::key &&
            !scopes.back().insert(parsed.get<std::string>()).second) {
            duplicate = parsed.get<std::string>();
        }
        return true;
    };
    Json json;
    try {
        json = Json::parse(text.begin(), text.end(), watch, true, true);
    } catch (const Json::exception& error) {  // parse_error, and out_of_range for 1e400
        std::string what = error.what();
        // The library repeats the octets that it could not read.
        for (char& c : what)
            c = c < ' ' || c > '~' ? '?' : c;
        const auto cut = what.find("] ");  // "[json.exception.parse_error.101] parse error at …"
        faults.error("", cut == std::string::npos ? what : what.substr(cut + 2),
                     "mend the JSON at that place");
        return Json::object();
    }
    if (!duplicate.empty())
        faults.error(duplicate, "this key stands twice in one object", "keep one");
    return json;
}

}  // namespace

Config parse_config(std::string_view text, const fs::path& base, ConfigFaults& faults) {
    const Json json = parse_without_duplicates(text, faults);
    if (faults.has_errors()) return {};
    return Parser(base, faults).read(json);
}

Config load_config(const fs::path& file, ConfigFaults& faults) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    if (!stream || !(text << stream.rdbuf())) {
        faults.error(
            "", "cannot read the configuration file " + file.string(),
            "check that it exists and that this user may read it; 'scepgate init' makes one");
        return {};
    }
    std::error_code ignored;
    auto absolute = fs::absolute(file, ignored);
    Config config = parse_config(text.str(), absolute.parent_path(), faults);
    config.file = std::move(absolute);
    return config;
}

}  // namespace scepgate::server
