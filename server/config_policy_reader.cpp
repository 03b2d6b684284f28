#include "server/config_policy_reader.hpp"

#include <algorithm>
#include <set>

#include "server/config_intune_reader.hpp"
#include "server/config_notifiers_reader.hpp"
#include "server/config_outbound_reader.hpp"
#include "server/config_signers.hpp"

namespace scepgate::server {
namespace {

using Json = ConfigParts::Json;

/// What the readers of the modules work with.
struct Source {
    ConfigReader& reader;
    ConfigParts& parts;
    ConfigFaults& faults;
};

PolicyConfig::Module read_open(const Source&) {
    return OpenPolicyConfig{};
}

PolicyConfig::Module read_static_password(const Source& from) {
    StaticPasswordConfig module;
    module.password.json_path = from.reader.path_of("password");
    if (const Json* password = from.reader.required("password", "{ \"file\": … }")) {
        module.password = from.parts.secret(*password, module.password.json_path);
    }
    return module;
}

PolicyConfig::Module read_challenge_blob(const Source& from) {
    ConfigReader& reader = from.reader;
    ChallengeBlobConfig module;
    reader.require_some("decryption", std::string("the key of challenges, ") + kKeyPairExample);
    reader.each("decryption", true, [&](const Json& value, const std::string& at) {
        module.decryption.push_back(from.parts.key_pair(value, at));
    });
    reader.require_some("trusted_signers", "the PEM certificate of an MDM that signs challenges");
    reader.each("trusted_signers", false, [&](const Json& value, const std::string& at) {
        module.trusted_signers.push_back(read_trusted_signer(value, at, from.parts, from.faults));
    });
    module.audience =
        reader.required_text("audience", "the URL that challenges for this policy name");
    reader.duration("clock_skew", module.clock_skew, 0, 86'400);
    reader.duration("max_lifetime", module.maximum_lifetime, 60, 400 * 86'400LL);
    if (reader.member("signer") != nullptr) reader.require_some("signer", kKeyPairExample);
    reader.each("signer", true, [&](const Json& value, const std::string& at) {
        module.signers.push_back(from.parts.key_pair(value, at));
    });
    return module;
}

/// As the registry has it (0, 1), or as JSON does.
void read_switch(const Source& from, const std::string& key, bool& target) {
    const Json* value = from.reader.member(key);
    if (value == nullptr) return;
    if (*value == 0 || *value == false) {
        target = false;
    } else if (*value == 1 || *value == true) {
        target = true;
    } else {
        from.faults.error(from.reader.path_of(key), "is no switch", "write 1 or 0, true or false");
    }
}

/// Minutes as a number, as in the registry, or a duration as everywhere else.
void read_minutes(const Source& from, const std::string& key, std::int64_t& seconds) {
    constexpr std::int64_t kMostMinutes = 400 * 1440LL;
    const Json* value = from.reader.member(key);
    if (value != nullptr && value->is_number()) {
        std::int64_t minutes = seconds / 60;
        from.reader.number(key, minutes, 1, kMostMinutes);
        seconds = minutes * 60;
    } else {
        from.reader.duration(key, seconds, 1, kMostMinutes * 60);
    }
}

PolicyConfig::Module read_one_time_password(const Source& from) {
    ConfigReader& reader = from.reader;
    OneTimePasswordConfig module;
    reader.number("PasswordLength", module.password_length, 8, 64);
    reader.number("PasswordMax", module.password_max, 1, 1'000'000);
    read_minutes(from, "PasswordValidity", module.password_validity);
    bool single = false;
    read_switch(from, "UseSinglePassword", single);
    bool enforce = true;
    read_switch(from, "EnforcePassword", enforce);
    const Json* password = single ? reader.required("password",
                                                    "the one password for all, as "
                                                    "{ \"file\": … }")
                                  : reader.member("password");
    if (password != nullptr && !single) {
        from.faults.error(reader.path_of("password"), "is for UseSinglePassword alone",
                          "remove it: one-time passwords are made by the server");
    }
    if (single) {
        module.single_password.emplace().json_path = reader.path_of("password");
        if (password != nullptr) {
            module.single_password = from.parts.secret(*password, reader.path_of("password"));
        }
    }
    if (const Json* key = reader.member("hash_key")) {
        module.hash_key = from.parts.secret(*key, reader.path_of("hash_key"));
    }
    if (!enforce) return OpenPolicyConfig{};
    return module;
}

PolicyConfig::Module read_webhook(const Source& from) {
    ConfigReader& reader = from.reader;
    WebhookConfig module;
    module.url = reader.required_text("url", "\"https://hook.example/verify\"");
    module.keys = read_webhook_keys(reader, from.parts, from.faults);
    reader.flag("send_challenge", module.send_challenge);
    reader.flag("require_signed_answer", module.require_signed_answer);
    reader.text("once_scope", module.once_scope);
    module.http = read_outbound(reader, from.parts, from.faults);
    judge_outbound_url(module.url, reader.path_of("url"), module.http, from.faults);
    return module;
}

PolicyConfig::Module read_intune_module(const Source& from) {
    return read_intune(from.reader, from.parts, from.faults);
}

struct ModuleType {
    const char* name;
    PolicyConfig::Module (*read)(const Source&);
};
constexpr ModuleType kTypes[] = {
    {"challenge_blob", read_challenge_blob},
    {"one_time_password", read_one_time_password},
    {"intune", read_intune_module},
    {"static_password", read_static_password},
    {"webhook", read_webhook},
    {"none", read_open},
};

}  // namespace

PolicyConfig read_policy(const Json& json, const std::string& path, ConfigParts& parts,
                         ConfigFaults& faults) {
    PolicyConfig policy;
    policy.json_path = path;
    ConfigReader reader(json, path, faults);
    std::set<std::string> names;
    std::string all;
    for (const ModuleType& type : kTypes) {
        all += (names.empty() ? "\"" : ", \"") + std::string(type.name) + "\"";
        names.emplace(type.name);
    }
    reader.required("type", "one of " + all);
    const auto type = reader.choice("type", names);
    reader.duration("timeout", policy.timeout, 1, 600);
    reader.number("max_calls", policy.max_calls, 1, 100'000);
    const auto* found = std::find_if(std::begin(kTypes), std::end(kTypes),
                                     [&](const ModuleType& each) { return type == each.name; });
    if (found == std::end(kTypes)) {
        // Nobody may take it for a policy that is open to all, or that makes no challenges.
        policy.module = OneTimePasswordConfig{};
        return policy;
    }
    policy.module = found->read({reader, parts, faults});
    reader.finish();
    return policy;
}

}  // namespace scepgate::server
