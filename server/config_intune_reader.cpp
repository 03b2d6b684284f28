#include "server/config_intune_reader.hpp"

#include <algorithm>

#include "server/config_outbound_reader.hpp"

namespace scepgate::server {
namespace {

constexpr std::size_t kLongestProvider = 128;

bool all_of(std::string_view text, std::string_view more) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               more.find(c) != std::string_view::npos;
    });
}

/// It becomes a part of URLs.
void judge_word(const std::string& text, const std::string& path, const char* example,
                ConfigFaults& faults) {
    if (text.empty() || all_of(text, "-.")) return;
    faults.error(path, "'" + text + "' is none", std::string("give it as ") + example);
}

void judge_provider(const std::string& text, const std::string& path, ConfigFaults& faults) {
    const bool plain =
        text.size() <= kLongestProvider &&
        std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
    if (!plain)
        faults.error(path, "is no name and version", "up to 128 ASCII characters: \"Example 1.0\"");
}

void read_identity(ConfigReader& reader, IntuneConfig& intune, ConfigParts& parts,
                   ConfigFaults& faults) {
    const char* tenant = "\"contoso.onmicrosoft.com\"";
    intune.tenant = reader.required_text("tenant", tenant);
    judge_word(intune.tenant, reader.path_of("tenant"), tenant, faults);
    const char* app = "the app registration's Application (client) ID";
    intune.app_id = reader.required_text("app_id", app);
    judge_word(intune.app_id, reader.path_of("app_id"), app, faults);
    if (const auto* secret = reader.member("secret"))
        intune.secret = parts.secret(*secret, reader.path_of("secret"));
    if (const auto* pair = reader.member("certificate"))
        intune.certificate = parts.key_pair(*pair, reader.path_of("certificate"));
    if (reader.is_object() && intune.secret.has_value() == intune.certificate.has_value()) {
        faults.error(reader.path(), "needs exactly one of 'secret' and 'certificate'",
                     "what the app registration has under Certificates & secrets");
    }
    intune.rs256 = reader.choice("assertion", {"PS256", "RS256"}) == "RS256";
    reader.text("provider", intune.provider);
    judge_provider(intune.provider, reader.path_of("provider"), faults);
}

void read_services(ConfigReader& owner, IntuneConfig& intune, ConfigFaults& faults) {
    const auto* json = owner.member("services");
    if (json == nullptr) return;
    ConfigReader reader(*json, owner.path_of("services"), faults);
    const auto url = [&](const char* key, std::string& target, bool with_slash) {
        reader.text(key, target);
        // A slash more or less is an easy slip; for the resource it is part of the name.
        while (!with_slash && !target.empty() && target.back() == '/')
            target.pop_back();
        if (target.empty()) faults.error(reader.path_of(key), "is empty", "give its URL");
        judge_outbound_url(target, reader.path_of(key), intune.http, faults);
    };
    url("authority", intune.authority, false);
    url("graph", intune.graph, false);
    url("resource", intune.resource, true);
    const auto word = [&](const char* key, std::string& target) {
        const std::string example = '"' + target + '"';
        reader.text(key, target);
        if (target.empty()) faults.error(reader.path_of(key), "is empty", "give " + example);
        judge_word(target, reader.path_of(key), example.c_str(), faults);
    };
    word("graph_version", intune.graph_version);
    word("intune_app_id", intune.intune_app_id);
    word("validation_version", intune.validation_version);
    word("revocation_version", intune.revocation_version);
    reader.finish();
}

}  // namespace

IntuneConfig read_intune(ConfigReader& reader, ConfigParts& parts, ConfigFaults& faults) {
    IntuneConfig intune;
    read_identity(reader, intune, parts, faults);
    intune.http = read_outbound(reader, parts, faults);
    read_services(reader, intune, faults);
    if (const auto* json = reader.member("revocation")) {
        ConfigReader of(*json, reader.path_of("revocation"), faults);
        IntuneConfig::Revocation revocation;
        of.duration("every", revocation.every, 1, 86'400);
        of.number("max_per_poll", revocation.max_per_poll, 1, 500);
        of.finish();
        intune.revocation = revocation;
    }
    return intune;
}

}  // namespace scepgate::server
