#include "server/cli/rollover.hpp"

#include <algorithm>
#include <charconv>

#include "certs/oids.hpp"
#include "server/cli/ca_publication.hpp"
#include "server/cli/folder_builder.hpp"
#include "server/cli/key_order.hpp"
#include "server/cli/party.hpp"
#include "server/cli/support.hpp"
#include "server/config_reader.hpp"
#include "server/credentials.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;
using certs::KeyUsage;
using certs::KeyUsageBit;
using Json = nlohmann::ordered_json;

constexpr const char* kAdditions = "next.json";

Error rollover_denied(std::string what) {
    return {Errc::kDenied, std::move(what)};
}

/// "Example CA" becomes "Example CA G2", then "Example CA G3".
std::string counted_on(const std::string& name) {
    const auto at = name.rfind(" G");
    unsigned number = 1;
    if (at != std::string::npos) {
        const char* const end = name.data() + name.size();
        const auto [stop, status] = std::from_chars(name.data() + at + 2, end, number);
        if (status == std::errc{} && stop == end && number < 1000) {
            return name.substr(0, at) + " G" + std::to_string(number + 1);
        }
    }
    return name + " G2";
}

/// The present CA's subject with another common name.
Result<certs::Name> successor_name(const certs::Certificate& ca, const std::string& wanted) {
    const auto subject = certs::Name::from_der(ca.subject_der());
    if (!subject) return subject.error();
    std::string text;
    bool named = false;
    const auto add = [&](char separator, const std::string& type, std::string_view value) {
        text += separator + type + '=';
        for (const char c : value) {
            if (c == '/' || c == '+' || c == '\\') text += '\\';
            text += c;
        }
    };
    for (const auto& rdn : subject->rdns()) {
        char separator = '/';
        for (const auto& attribute : rdn) {
            const bool common_name = !named && equal(attribute.type, certs::oid::kCommonName);
            named = named || common_name;
            const std::string value = !common_name
                                          ? attribute.value
                                          : (wanted.empty() ? counted_on(attribute.value) : wanted);
            add(separator, certs::oid_to_text(attribute.type), value);
            separator = '+';
        }
    }
    if (!named) add('/', "CN", wanted.empty() ? "CA G2" : wanted);
    auto name = certs::Name::from_text(text);
    if (!name) return in_context("--ca-name", name.error());
    if (const auto sound = name->check_certifiable(); !sound) {
        return in_context("--ca-name", sound.error());
    }
    return name;
}

class RolloverMaker {
public:
    RolloverMaker(const RolloverSettings& settings, const Config& config, const ConfigLock& lock,
                  std::int64_t now)
        : settings_(settings), config_(config), lock_(lock), now_(now) {}

    Result<Rollover> make() {
        if (const auto sound = judge(); !sound) return sound.error();
        rollover_.folder = config_.file.parent_path() / folder_name();
        rollover_.next_ca = next_ca_name();
        std::error_code ignored;
        const FileOwner owner = owner_beside(config_);
        if (!fs::exists(rollover_.folder / kAdditions, ignored)) {
            NewFiles files(owner);
            const auto made =
                build_folder(rollover_.folder, kAdditions,
                             [&](const fs::path& folder) { return fill(folder, files); });
            if (!made) return made.error();
            files.keep();
        }
        if (const auto given = give_folder(rollover_.folder, owner); !given) return given.error();
        if (const auto read = read_additions(); !read) return read.error();
        auto published = publication_like(lock_, settings_.ca, rollover_.next_ca);
        rollover_.notes = std::move(published.notes);
        const auto added = add_to_config(lock_, rollover_.additions);
        if (!added) return added.error();
        rollover_.added = *added;
        return std::move(rollover_);
    }

private:
    Result<void> judge() {
        const auto from = parse_time(settings_.from);
        if (!from) return in_context("--from", from.error());
        if (*from <= now_) return rollover_denied("--from " + settings_.from + " is over");
        from_ = *from;
        const auto found = config_.cas.find(settings_.ca);
        if (found == config_.cas.end()) {
            return Error{Errc::kConfig,
                         "there is no CA '" + settings_.ca + "' in the configuration"};
        }
        for (std::size_t i = 0; i < config_.endpoints.size(); ++i) {
            const EndpointConfig& endpoint = config_.endpoints[i];
            if (endpoint.ca != settings_.ca) continue;
            if (endpoint.next) {
                return rollover_denied(endpoint.next->json_path +
                                       " stands already: the next CA is '" + endpoint.next->ca +
                                       "'");
            }
            endpoints_.push_back(i);
        }
        if (config_.signer) {
            return Error{Errc::kConfig,
                         "this is a signer's configuration, which has no endpoints: make the next "
                         "CA with 'scepgate ca create', and go on as docs/signer.md says (Renewal "
                         "and rollover)"};
        }
        if (endpoints_.empty())
            return rollover_denied("no endpoint uses the CA '" + settings_.ca + "'");
        return load(found->second);
    }

    Result<void> load(const CaConfig& ca) {
        if (ca.signer) {
            return Error{Errc::kConfig,
                         ca.json_path +
                             ": the CA's key is in the signer, and so will its successor's be: "
                             "make that by hand, as docs/signer.md says (Renewal and rollover)"};
        }
        ConfigFaults faults;
        CredentialLoader loader(faults, now_);
        // One that has expired needs its successor all the more.
        auto credential = loader.credential(ca.certificate, ca.key, ca.json_path, Expiry::kWarning);
        for (const auto& fault : faults.list()) {
            if (!fault.warning) return Error{Errc::kConfig, fault.text()};
        }
        if (!credential) return Error{Errc::kConfig, ca.json_path + " is not complete"};
        ca_ = Party{credential->certificate, credential->key};
        if (ca.key.token) {
            return rollover_denied(
                "the key of '" + settings_.ca +
                "' is in a token: make its successor there ('scepgate ca create --root "
                "--key pkcs11:… --key-type …'), and RA certificates by it ('scepgate ca "
                "ra --from " +
                settings_.from + "')");
        }
        if (!ca_.certificate.self_issued() || !ca_.certificate.signed_by(ca_.key.public_key())) {
            return rollover_denied(
                "'" + ca_.certificate.subject_text() +
                "' is no self-signed root, so its successor comes from the CA above it: have that "
                "issue the next CA certificate and RA certificates, add the CA to 'cas', and to "
                "the endpoint \"next\": { \"ca\": NAME, \"ra\": { \"signing\": …, "
                "\"encryption\": … }, \"from\": \"" +
                settings_.from + "\" } (docs/rollover.md)");
        }
        return {};
    }

    std::string folder_name() const {
        std::string name = "next-" + settings_.ca + "-" + settings_.from;
        std::replace_if(
            name.begin(), name.end(),
            [](char c) {
                const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                                   (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
                return !plain;
            },
            '_');
        return name;
    }

    std::string next_ca_name() const {
        const std::string base = settings_.ca + "-" + settings_.from.substr(0, 4);
        std::string name = base;
        for (int number = 2; config_.cas.contains(name); ++number)
            name = base + "-" + std::to_string(number);
        return name;
    }

    Result<void> fill(const fs::path& folder, NewFiles& files) const {
        auto subject = successor_name(ca_.certificate, settings_.ca_name);
        if (!subject) return subject.error();
        const auto usage = ca_.certificate.key_usage();
        if (!usage) return usage.error();
        const auto& key = ca_.key.public_key();
        PartySettings order;
        order.subject = *subject;
        order.key = settings_.ca_key.value_or(certs::KeySpec{key.type(), key.bits()});
        order.usage = usage->value_or(KeyUsage{KeyUsageBit::kDigitalSignature,
                                               KeyUsageBit::kKeyCertSign, KeyUsageBit::kCrlSign});
        order.ca = true;
        order.not_before = now_ - 600;
        // As long in service as the present one.
        order.not_after = from_ + (ca_.certificate.not_after() - ca_.certificate.not_before());
        const auto next = make_party(order);
        if (!next) return next.error();
        const auto& present = config_.cas.at(settings_.ca).key.passphrase;
        if (auto written = write_like(folder, "ca", *next, files, present); !written)
            return written.error();

        Json additions;
        additions["cas"][rollover_.next_ca] = ca_json();
        add_passphrase(additions["cas"][rollover_.next_ca], present);
        for (const std::size_t index : endpoints_) {
            Json entry{{"ca", rollover_.next_ca}};
            if (config_.endpoints[index].ra) {
                const auto made = make_ra(folder, index, *next, std::string(subject->common_name()),
                                          order.not_after, files, entry["ra"]);
                if (!made) return made.error();
            }
            entry["from"] = settings_.from;
            additions["endpoints"][std::to_string(index)]["next"] = std::move(entry);
        }
        return files.write(folder / kAdditions, as_bytes(additions.dump(2) + "\n"), false);
    }

    /// Encrypted under the present key's passphrase, where that is.
    static Result<void> write_like(const fs::path& folder, const std::string& name,
                                   const Party& party, NewFiles& files,
                                   const std::optional<SecretSource>& passphrase) {
        if (!passphrase) return write_party(folder, name, party, files);
        const auto secret = read_secret(*passphrase);
        if (!secret) return secret.error();
        return write_party(folder, name, party, files, *secret);
    }

    void add_passphrase(Json& pair, const std::optional<SecretSource>& passphrase) const {
        if (passphrase)
            pair["key"]["passphrase"] = to_json(*passphrase, config_.file.parent_path());
    }

    std::string prefix() const { return folder_name() + "/"; }

    Json ca_json() const {
        Json ca{{"type", "embedded"}};
        ca.update(key_pair_json("ca", prefix()));
        const std::int64_t validity = config_.cas.at(settings_.ca).crl_validity;
        if (validity != CaConfig{}.crl_validity) ca["crl_validity"] = std::to_string(validity);
        ca.update(publication_like(lock_, settings_.ca, rollover_.next_ca).members);
        return ca;
    }

    Result<void> make_ra(const fs::path& folder, std::size_t index, const Party& next,
                         const std::string& ca_name, std::int64_t ca_not_after, NewFiles& files,
                         Json& keys) const {
        const std::string number = endpoints_.size() > 1 ? std::to_string(index) + "-" : "";
        for (const auto& [role, usage] : kRaRoles) {
            auto subject = ra_name(ca_name, role);
            if (!subject) return in_context("--ca-name", subject.error());
            const auto ra = make_party({.subject = std::move(*subject),
                                        .key = {certs::KeyType::kRsa, 2048},
                                        .usage = {usage},
                                        .not_before = now_ - 600,
                                        .not_after = std::min(from_ + kRaValidity, ca_not_after)},
                                       &next);
            if (!ra) return ra.error();
            const std::string file = "ra-" + number + role;
            const EndpointConfig::Ra& now = *config_.endpoints[index].ra;
            const auto& present = usage == KeyUsageBit::kKeyEncipherment
                                      ? now.encryption.key.passphrase
                                      : now.signing.key.passphrase;
            if (auto written = write_like(folder, file, *ra, files, present); !written)
                return written.error();
            keys[role] = key_pair_json(file, prefix());
            add_passphrase(keys[role], present);
        }
        return {};
    }

    /// What this or an earlier attempt made.
    Result<void> read_additions() {
        const auto text = read_whole_file(rollover_.folder / kAdditions);
        if (!text) return text.error();
        rollover_.additions = Json::parse(*text, nullptr, false);
        const Error unusable =
            rollover_denied(rollover_.folder.string() +
                            " was made for another configuration; remove it if no "
                            "device has seen what is in it");
        const Json& additions = rollover_.additions;
        if (!additions.is_object() || !additions.contains("cas") ||
            !additions.contains("endpoints") || additions["cas"].size() != 1 ||
            additions["endpoints"].size() != endpoints_.size()) {
            return unusable;
        }
        for (const std::size_t index : endpoints_) {
            if (!additions["endpoints"].contains(std::to_string(index))) return unusable;
        }
        rollover_.next_ca = additions["cas"].begin().key();
        if (config_.cas.contains(rollover_.next_ca)) return unusable;
        auto certificate = certs::Certificate::from_file(rollover_.folder / "ca.pem");
        if (!certificate) return certificate.error();
        rollover_.certificate = std::move(*certificate);
        return {};
    }

    const RolloverSettings& settings_;
    const Config& config_;
    const ConfigLock& lock_;
    std::int64_t now_;
    std::int64_t from_ = 0;
    std::vector<std::size_t> endpoints_;  ///< that use the CA
    Party ca_;
    Rollover rollover_;
};

}  // namespace

Result<Rollover> make_rollover(const RolloverSettings& settings, const Config& config,
                               const ConfigLock& lock, std::int64_t now) {
    return RolloverMaker(settings, config, lock, now).make();
}

}  // namespace scepgate::server::cli
