#include "server/config_admin_reader.hpp"

#include <charconv>

#include "server/config_paths.hpp"
#include "server/config_references.hpp"
#include "server/config_rules.hpp"
#include "server/http_address.hpp"

namespace scepgate::server {
namespace {

using Json = ConfigParts::Json;

constexpr std::size_t kMostCallers = 1000;
constexpr std::size_t kMostCredentials = 4;

/// Requests here are small, and come from few.
HttpLimits admin_limits() {
    HttpLimits limits;
    limits.request_line = 16 * 1024;
    limits.header_fields = 8 * 1024;
    limits.header_count = 64;
    limits.body = 64 * 1024;
    limits.request_time = std::chrono::seconds(10);
    limits.idle_time = std::chrono::seconds(30);
    limits.connections = 256;
    limits.connections_per_address = 64;
    return limits;
}

class AdminReader {
public:
    AdminReader(ConfigParts& parts, ConfigFaults& faults) : parts_(parts), faults_(faults) {}

    AdminConfig read(const Json& json, const std::string& path) {
        AdminConfig admin;
        admin.http.limits = admin_limits();
        admin.http.io_threads = 1;
        ConfigReader reader(json, path, faults_);
        reader.require_some("listen", "[{ \"address\": \"127.0.0.1:8081\" }]");
        reader.each("listen", true, [&](const Json& value, const std::string& at) {
            admin.http.listen.push_back(listener(value, at));
        });
        reader.each_named("callers", [&](const auto& name, const auto& value, const auto& at) {
            admin.callers[name] = caller(name, value, at);
        });
        if (admin.callers.size() > kMostCallers)
            faults_.error(reader.path_of("callers"), "has more than 1000 callers");
        if (const Json* pages = reader.member("mscep_admin")) {
            ConfigReader page(*pages, reader.path_of("mscep_admin"), faults_);
            if (const auto encoding = page.choice("encoding", {"utf-16le", "utf-8"}))
                admin.utf16_pages = *encoding == "utf-16le";
            page.finish();
        }
        reader.finish();
        return admin;
    }

private:
    ListenSettings listener(const Json& json, const std::string& path) {
        ConfigReader reader(json, path, faults_);
        ListenSettings listen;
        listen.json_path = path;
        listen.address = reader.required_text("address", "HOST:PORT, such as \"127.0.0.1:8081\"");
        if (const Json* tls = reader.member("tls"))
            listen.tls = parts_.key_pair(*tls, reader.path_of("tls"));
        listen.client_ca = parts_.file(reader, "client_ca");
        if (listen.client_ca && !listen.tls) {
            faults_.error(reader.path_of("client_ca"), "client certificates need TLS",
                          "add \"tls\", or leave \"client_ca\" out");
        }
        bool plain_text = false;
        reader.flag("plain_text", plain_text);
        reader.finish();
        judge_plain_text(listen, plain_text);
        return listen;
    }

    void judge_plain_text(const ListenSettings& listen, bool allowed) {
        const auto endpoint = parse_endpoint(listen.address);
        if (listen.tls || !endpoint || endpoint->address().is_loopback()) return;
        const std::string what =
            "passwords, tokens and challenges go over the network in the clear";
        if (allowed) {
            faults_.warn(listen.json_path + ".plain_text", what, "add \"tls\"");
        } else {
            faults_.error(listen.json_path, what,
                          "add \"tls\", or listen on 127.0.0.1 behind a proxy that does TLS");
        }
    }

    AdminCallerConfig caller(const std::string& name, const Json& json, const std::string& path) {
        ConfigReader reader(json, path, faults_);
        AdminCallerConfig caller;
        caller.json_path = path;
        if (!sound_caller_name(name)) {
            faults_.error(path, "is no name for a caller",
                          "use at most 64 letters, digits, '-', '.', '_', '/', '\\' and '@'");
        }
        const auto secrets = [&](const char* key, std::vector<SecretSource>& into) {
            reader.each(key, true, [&](const Json& value, const std::string& at) {
                into.push_back(parts_.secret(value, at));
            });
            bound(reader.path_of(key), into.size());
        };
        secrets("password", caller.passwords);
        secrets("token", caller.tokens);
        const Json* certificates = reader.member("certificate");
        if (certificates != nullptr && certificates->is_string()) {
            certificate(*certificates, reader.path_of("certificate"), caller);
        } else if (certificates != nullptr) {
            reader.each("certificate", false, [&](const Json& value, const std::string& at) {
                certificate(value, at, caller);
            });
        }
        bound(reader.path_of("certificate"), caller.certificates.size());
        if (reader.is_object() && caller.passwords.empty() && caller.tokens.empty() &&
            caller.certificates.empty()) {
            faults_.error(path, "nothing says how this caller proves who it is",
                          "add \"token\": { \"file\": … }, \"password\" or \"certificate\"");
        }
        reader.texts("policies", caller.policies);
        reader.texts("endpoints", caller.endpoints);
        if (reader.is_object() && caller.policies.empty() && caller.endpoints.empty()) {
            faults_.warn(path, "this caller may have nothing",
                         "name \"policies\", or \"endpoints\" for their mscep_admin pages");
        }
        reader.number("per_day", caller.per_day, 0, 100'000'000);
        reader.number("outstanding", caller.outstanding, 0, 100'000'000);
        if (reader.member("templates") != nullptr) {
            reader.require_some("templates", "the names of 'templates' that it may grant");
            reader.texts("templates", caller.templates);
        }
        if (const Json* rules = reader.member("rules"))
            caller.rules = name_rules(*rules, reader.path_of("rules"));
        if (const auto rate = reader.text("rate")) {
            if (const auto parsed = parse_rate(*rate)) {
                caller.rate = *parsed;
            } else {
                faults_.error(reader.path_of("rate"), parsed.error().detail,
                              "write \"60/m\": a number, and s, m, h or d");
            }
        }
        reader.finish();
        return caller;
    }

    policy::IssuanceRules name_rules(const Json& json, const std::string& path) {
        if (json.is_object() && json.contains("keys")) {
            faults_.error(path + ".keys", "a challenge is made before there is a key",
                          "put it into the endpoint's rules");
        }
        return read_rules(json, path, parts_, faults_);
    }

    void certificate(const Json& value, const std::string& path, AdminCallerConfig& caller) {
        const auto* file = value.get_ptr<const std::string*>();
        if (file == nullptr || file->empty()) {
            faults_.error(path, "is not a file's path", "name the PEM certificate of the caller");
        } else {
            caller.certificates.push_back(parts_.resolve(*file));
        }
    }

    void bound(const std::string& path, std::size_t count) {
        if (count > kMostCredentials) {
            faults_.error(path, "has more than 4 elements",
                          "two are enough to change from one to the next");
        }
    }

    ConfigParts& parts_;
    ConfigFaults& faults_;
};

template <class Known>
void check_names(const std::vector<std::string>& names, const std::set<std::string>& known,
                 const std::string& path, const Known& what, ConfigFaults& faults) {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (known.contains(names[i])) continue;
        faults.error(path + "[" + std::to_string(i) + "]",
                     "'" + names[i] + "' is not " + std::string(what),
                     remedy_for_name(names[i], known));
    }
}

}  // namespace

AdminConfig read_admin(const Json& json, const std::string& path, ConfigParts& parts,
                       ConfigFaults& faults) {
    return AdminReader(parts, faults).read(json, path);
}

Result<RequestRate> parse_rate(std::string_view text) {
    const Error fault{Errc::kConfig, "\"" + std::string(text) + "\" is not a rate"};
    const auto slash = text.find('/');
    if (slash == std::string_view::npos || text.size() != slash + 2) return fault;
    RequestRate rate;
    const auto [end, error] = std::from_chars(text.data(), text.data() + slash, rate.requests);
    if (error != std::errc{} || end != text.data() + slash) return fault;
    if (rate.requests == 0 || rate.requests > 1'000'000) return fault;
    switch (text.back()) {
        case 's':
            rate.seconds = 1;
            return rate;
        case 'm':
            rate.seconds = 60;
            return rate;
        case 'h':
            rate.seconds = 3600;
            return rate;
        case 'd':
            rate.seconds = 86'400;
            return rate;
        default:
            return fault;
    }
}

std::string mscep_admin_path(std::string_view endpoint_path) {
    constexpr std::string_view kModule = "/mscep.dll";
    if (endpoint_path.size() > kModule.size() && endpoint_path.ends_with(kModule))
        endpoint_path.remove_suffix(kModule.size());
    return std::string(endpoint_path) + "_admin";
}

void check_admin_references(const Config& config, ConfigFaults& faults) {
    if (!config.admin) return;
    std::set<std::string> policies, endpoints, templates;
    for (const auto& [name, policy] : config.policies)
        policies.insert(name);
    for (const auto& [name, of_config] : config.templates)
        templates.insert(name);
    std::map<std::string, const EndpointConfig*> pages;
    for (const auto& endpoint : config.endpoints) {
        endpoints.insert(endpoint.name);
        for (const auto& path : endpoint.paths) {
            const auto [page, fresh] = pages.emplace(mscep_admin_path(path), &endpoint);
            if (fresh || page->second == &endpoint) continue;
            faults.error(endpoint.json_path + ".paths",
                         "'" + page->first + "' would be the mscep_admin page of " +
                             page->second->json_path + " too",
                         "give one of them another path");
        }
    }
    for (const auto& [name, caller] : config.admin->callers) {
        check_names(caller.policies, policies, caller.json_path + ".policies", "in 'policies'",
                    faults);
        check_names(caller.endpoints, endpoints, caller.json_path + ".endpoints",
                    "the name of an endpoint (by default its first path)", faults);
        check_names(caller.templates, templates, caller.json_path + ".templates", "in 'templates'",
                    faults);
    }
}

}  // namespace scepgate::server
