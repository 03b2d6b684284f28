#include "server/config_rules.hpp"

#include <algorithm>

#include "certs/name_types.hpp"
#include "certs/oids.hpp"
#include "policy/sid_names.hpp"

namespace scepgate::server {
namespace {

using certs::GeneralNameType;
using policy::DomainRange;
using policy::IssuanceRules;
using Json = ConfigReader::Json;

constexpr std::size_t kLongestList = 1000;
constexpr std::size_t kMostPatterns = 100;  ///< each is tried on each value
constexpr const char* kDomainExample =
    "give a domain as example.com, or .example.com for all below it";

class RulesReader {
public:
    RulesReader(const Json& json, const std::string& path, const ConfigParts& parts,
                ConfigFaults& faults)
        : reader_(json, path, faults), parts_(parts), faults_(faults) {
        rules_.where = path;
    }

    IssuanceRules read() {
        read_subject();
        read_alternative_names();
        domains("dns_suffixes", DomainRange::Below::kIncluded, rules_.dns_suffixes);
        reader_.flag("dns_wildcards", rules_.dns_wildcards);
        domains("upn_domains", DomainRange::Below::kOnlyWithDot, rules_.upn_domains);
        domains("email_domains", DomainRange::Below::kIncluded, rules_.email_domains);
        list(reader_, "uri_prefixes", rules_.uri_prefixes, kLongestList,
             "give a prefix as https://mdm.example.com/devices/ or urn:example:",
             [](const std::string& text) { return uri_prefix(text); });
        list(reader_, "ip_ranges", rules_.ip_ranges, kLongestList,
             "give a network as 10.0.0.0/8 or 2001:db8::/32, or one address",
             [](const std::string& text) { return policy::IpRange::parse(text); });
        read_keys();
        read_sid();
        reader_.finish();
        warn_of_idle_lists();
        return std::move(rules_);
    }

private:
    /// A list of texts, each made into a value; empty when there is no such key.
    template <class Value, class Make>
    void list(ConfigReader& reader, const std::string& key, std::optional<std::vector<Value>>& into,
              std::size_t longest, const char* remedy, Make&& make) {
        if (reader.member(key) == nullptr) return;
        std::vector<std::string> texts;
        reader.texts(key, texts);
        into.emplace();
        const std::string path = reader.path_of(key);
        if (texts.size() > longest) {
            faults_.error(path, "has over " + std::to_string(longest) + " entries");
            return;
        }
        for (std::size_t i = 0; i < texts.size(); ++i) {
            auto made = make(texts[i]);
            if (made) {
                into->push_back(std::move(*made));
            } else {
                faults_.error(path + '[' + std::to_string(i) + ']', made.error().detail, remedy);
            }
        }
    }

    void domains(const char* key, DomainRange::Below below,
                 std::optional<std::vector<DomainRange>>& into) {
        list(reader_, key, into, kLongestList, kDomainExample,
             [below](const std::string& text) { return DomainRange::parse(text, below); });
    }

    /// One pattern or several.
    void patterns(ConfigReader& reader, const std::string& key,
                  std::optional<policy::Patterns>& into) {
        const Json* value = reader.member(key);
        if (value == nullptr) return;
        constexpr const char* kRemedy =
            "give an RE2 expression for the whole value, such as \"device-[0-9]{4}\"";
        if (!value->is_string()) {
            list(reader, key, into, kMostPatterns, kRemedy, policy::Pattern::compile);
            if (into && into->empty() && value->is_array() && value->empty())
                faults_.error(reader.path_of(key), "is empty, so that nothing matches", kRemedy);
            return;
        }
        into.emplace();
        auto pattern = policy::Pattern::compile(value->get<std::string>());
        if (pattern) {
            into->push_back(std::move(*pattern));
        } else {
            faults_.error(reader.path_of(key), pattern.error().detail, kRemedy);
        }
    }

    static Result<Bytes> attribute_type(const std::string& text) {
        if (const auto* known = certs::find_name_type(text)) return to_bytes(known->oid);
        auto oid = certs::oid_from_text(text);
        if (!oid) return Error{Errc::kConfig, "'" + text + "' is no type of subject attribute"};
        return oid;
    }

    static Result<policy::UriRange> uri_prefix(const std::string& text) {
        auto range = policy::UriRange::parse(text);
        if (!range) return range;
        const auto name = certs::GeneralName::make(GeneralNameType::kUri, text);
        if (name && policy::is_microsoft_tag(*name)) {
            return Error{Errc::kConfig, "'" + text + "' names accounts, which 'sid' allows or not"};
        }
        return range;
    }

    void read_subject() {
        const Json* json = reader_.member("subject");
        if (json == nullptr) return;
        IssuanceRules::Subject& subject = rules_.subject;
        ConfigReader part(*json, reader_.path_of("subject"), faults_);
        constexpr const char* kRemedy = "use CN, O, OU, C, serialNumber, … or a dotted OID";
        list(part, "allowed", subject.allowed, kLongestList, kRemedy, attribute_type);
        std::optional<std::vector<Bytes>> required;
        list(part, "required", required, kLongestList, kRemedy, attribute_type);
        subject.required = required.value_or(std::vector<Bytes>());
        require_allowed(part, subject.allowed, subject.required);
        if (const Json* by_type = part.member("patterns")) {
            ConfigReader types(*by_type, part.path_of("patterns"), faults_);
            if (!types.is_object()) return;
            for (const auto& [name, value] : by_type->items())
                attribute_patterns(types, name);
        }
        part.finish();
    }

    void attribute_patterns(ConfigReader& types, const std::string& name) {
        std::optional<policy::Patterns> made;
        patterns(types, name, made);
        auto type = attribute_type(name);
        if (!type) {
            faults_.error(types.path_of(name), type.error().detail);
            return;
        }
        auto& all = rules_.subject.patterns;
        const bool twice = std::any_of(all.begin(), all.end(),
                                       [&](const auto& known) { return known.type == *type; });
        if (twice) {
            faults_.error(types.path_of(name), "is an attribute that has patterns already",
                          "put them all into one list");
        }
        if (made) all.push_back({std::move(*type), std::move(*made)});
    }

    void read_alternative_names() {
        const Json* json = reader_.member("san");
        if (json == nullptr) return;
        auto& names = rules_.alternative_names;
        ConfigReader part(*json, reader_.path_of("san"), faults_);
        constexpr const char* kRemedy = "use dns, email, uri, ip, upn";
        list(part, "allowed", names.allowed, kLongestList, kRemedy, certs::general_name_type);
        std::optional<std::vector<GeneralNameType>> required;
        list(part, "required", required, kLongestList, kRemedy, certs::general_name_type);
        names.required = required.value_or(std::vector<GeneralNameType>());
        require_allowed(part, names.allowed, names.required);
        if (const Json* by_type = part.member("patterns")) {
            ConfigReader types(*by_type, part.path_of("patterns"), faults_);
            for (std::size_t at = 0; at < names.patterns.size(); ++at) {
                patterns(types, std::string(to_text(static_cast<GeneralNameType>(at))),
                         names.patterns[at]);
            }
            types.finish();
        }
        part.finish();
    }

    template <class Value>
    void require_allowed(const ConfigReader& part, const std::optional<std::vector<Value>>& allowed,
                         const std::vector<Value>& required) {
        if (!allowed) return;
        for (std::size_t i = 0; i < required.size(); ++i) {
            if (std::find(allowed->begin(), allowed->end(), required[i]) != allowed->end())
                continue;
            faults_.error(part.path_of("required") + '[' + std::to_string(i) + ']',
                          "is required, but not allowed: nothing could be issued",
                          "add it to " + part.path_of("allowed"));
        }
    }

    void read_keys() {
        const Json* json = reader_.member("keys");
        if (json == nullptr) return;
        auto& keys = rules_.keys;
        ConfigReader part(*json, reader_.path_of("keys"), faults_);
        list(part, "allowed", keys.allowed, kLongestList, "use rsa, ec:p256, ec:p384, ec:p521",
             [](const std::string& text) -> Result<std::string> {
                 for (const char* known : {"rsa", "ec:p256", "ec:p384", "ec:p521"}) {
                     if (text == known) return text;
                 }
                 return Error{Errc::kConfig, "'" + text + "' is no type of key"};
             });
        const auto bits = [&](const char* key, std::optional<int>& into) {
            int value = 0;
            part.number(key, value, 2048, 8192);
            if (value != 0) into = value;
        };
        bits("minimum_rsa_bits", keys.minimum_rsa_bits);
        bits("maximum_rsa_bits", keys.maximum_rsa_bits);
        if (keys.minimum_rsa_bits && keys.maximum_rsa_bits &&
            *keys.minimum_rsa_bits > *keys.maximum_rsa_bits) {
            faults_.error(part.path_of("maximum_rsa_bits"), "is below minimum_rsa_bits");
        }
        read_blocked(part);
        part.finish();
    }

    /// One file or several.
    void read_blocked(ConfigReader& keys) {
        const Json* value = keys.member("blocked");
        if (value == nullptr) return;
        const std::string path = keys.path_of("blocked");
        std::vector<std::string> files;
        if (value->is_string()) {
            files.push_back(value->get<std::string>());
        } else {
            keys.texts("blocked", files);
        }
        const auto blocked = std::make_shared<certs::BlockedKeys>();
        for (const std::string& text : files) {
            const auto file = parts_.resolve(text);
            const auto added = blocked->add_file(file);
            if (!added) {
                faults_.error(path, added.error().detail,
                              "name files with one key a line: the SHA-256 of its "
                              "SubjectPublicKeyInfo in hexadecimal (docs/policy-rules.md)");
            }
            rules_.keys.blocked_files.push_back(file);
        }
        if (blocked->size() == 0 && !files.empty() && faults_.list().empty())
            faults_.warn(path, "has no key in it: nothing is blocked");
        rules_.keys.blocked = blocked;
    }

    void read_sid() {
        const Json* json = reader_.member("sid");
        if (json == nullptr) return;
        if (json->is_boolean()) {
            rules_.sid.allowed = json->get<bool>();
            return;
        }
        ConfigReader part(*json, reader_.path_of("sid"), faults_);
        part.required("patterns", "\"S-1-5-21-…-[0-9]+\"; true in place of this allows every SID");
        patterns(part, "patterns", rules_.sid.patterns);
        rules_.sid.allowed = true;
        part.finish();
    }

    void warn_of_idle_lists() {
        const auto& allowed = rules_.alternative_names.allowed;
        if (!allowed) return;
        const auto warn = [&](GeneralNameType type, bool given, const char* key) {
            if (!given || std::find(allowed->begin(), allowed->end(), type) != allowed->end())
                return;
            faults_.warn(rules_.where + '.' + key, "has no effect: san.allowed leaves " +
                                                       std::string(to_text(type)) + " out");
        };
        warn(GeneralNameType::kDns, rules_.dns_suffixes.has_value(), "dns_suffixes");
        warn(GeneralNameType::kUpn, rules_.upn_domains.has_value(), "upn_domains");
        warn(GeneralNameType::kUri, rules_.uri_prefixes.has_value(), "uri_prefixes");
        warn(GeneralNameType::kIp, rules_.ip_ranges.has_value(), "ip_ranges");
    }

    ConfigReader reader_;
    const ConfigParts& parts_;
    ConfigFaults& faults_;
    IssuanceRules rules_;
};

}  // namespace

IssuanceRules read_rules(const Json& json, const std::string& path, const ConfigParts& parts,
                         ConfigFaults& faults) {
    return RulesReader(json, path, parts, faults).read();
}

}  // namespace scepgate::server
