#include "server/config_notifiers_reader.hpp"

#include <algorithm>

#include "policy/webhook_signature.hpp"
#include "server/config_outbound_reader.hpp"

namespace scepgate::server {
namespace {

using Json = ConfigReader::Json;

void read_events(ConfigReader& reader, std::vector<std::string>& events, ConfigFaults& faults) {
    reader.require_some("events", "[\"issued\", \"revoked\"]");
    reader.texts("events", events);
    std::string all;
    const std::set<std::string> known(std::begin(kNoticeKinds), std::end(kNoticeKinds));
    for (const char* kind : kNoticeKinds)
        all += (all.empty() ? "\"" : ", \"") + std::string(kind) + "\"";
    for (std::size_t i = 0; i < events.size(); ++i) {
        const std::string at = reader.path_of("events") + "[" + std::to_string(i) + "]";
        if (!known.contains(events[i])) {
            const std::string near = nearest(events[i], known);
            faults.error(at, "there is no event '" + events[i] + "'",
                         near.empty() ? "choose from " + all : "did you mean '" + near + "'?");
        } else if (std::count(events.begin(), events.end(), events[i]) > 1) {
            faults.error(at, "'" + events[i] + "' comes twice", "name each event once");
        }
    }
}

void read_include(ConfigReader& reader, bool& certificate, ConfigFaults& faults) {
    std::vector<std::string> include;
    reader.texts("include", include);
    for (std::size_t i = 0; i < include.size(); ++i) {
        if (include[i] == "certificate") {
            certificate = true;
        } else {
            faults.error(reader.path_of("include") + "[" + std::to_string(i) + "]",
                         "there is no '" + include[i] + "' to include", "\"certificate\" is all");
        }
    }
}

}  // namespace

std::vector<SecretSource> read_webhook_keys(ConfigReader& owner, ConfigParts& parts,
                                            ConfigFaults& faults) {
    std::vector<SecretSource> keys;
    owner.require_some("key", "{ \"file\": … }, made by: openssl rand -hex 32");
    owner.each("key", true, [&](const Json& value, const std::string& at) {
        keys.push_back(parts.secret(value, at));
    });
    if (keys.size() > policy::WebhookKeys::kMost) {
        faults.error(owner.path_of("key"), "has more than two keys",
                     "two are enough to change them: the new one first, then the old one");
    }
    return keys;
}

NotifierConfig read_notifier(const Json& json, const std::string& path, ConfigParts& parts,
                             ConfigFaults& faults) {
    NotifierConfig notifier;
    notifier.json_path = path;
    ConfigReader reader(json, path, faults);
    notifier.url = reader.required_text("url", "\"https://hook.example/events\"");
    notifier.keys = read_webhook_keys(reader, parts, faults);
    read_events(reader, notifier.events, faults);
    reader.texts("endpoints", notifier.endpoints);
    read_include(reader, notifier.certificate, faults);
    notifier.http = read_outbound(reader, parts, faults);
    judge_outbound_url(notifier.url, reader.path_of("url"), notifier.http, faults);
    reader.duration("give_up_after", notifier.give_up_after, 60, 30 * 86'400);
    reader.finish();
    return notifier;
}

}  // namespace scepgate::server
