#include "server/renewal_advice.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "certs/clock.hpp"
#include "server/runtime_ca.hpp"
#include "server/shell_word.hpp"

namespace scepgate::server {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kLongestDays = 730;  ///< days
/// To copy a command and run it: until then nothing serves.
constexpr std::int64_t kRenewAtOnce = 300;

/// Nothing else goes with the old certificate: the file is no link and has one PEM block, and so
/// neither a chain nor a key.
bool may_be_replaced(const fs::path& file) {
    std::error_code failure;
    if (fs::is_symlink(fs::symlink_status(file, failure)) || failure) return false;
    std::ifstream stream(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    const std::string_view begin = "-----BEGIN ";
    const auto first = text.find(begin);
    return first != std::string::npos && text.find(begin, first + 1) == std::string::npos;
}

/// `making` goes to standard output. The new certificate takes the old one's place when it is
/// whole.
std::string by_command(const std::string& making, std::int64_t days, const fs::path& at) {
    const std::string made = shell_path(at.string() + ".new");
    const std::string run = "run: " + making + " -days " +
                            std::to_string(std::max<std::int64_t>(days, 1)) + " -out " + made;
    if (may_be_replaced(at)) return run + " && mv " + made + " " + shell_path(at);
    return "put the new certificate in place of the old one in " + at.string() +
           ", and leave what else is there; to make it, " + run;
}

/// Where a command would need a key that is no file.
std::string by_hand(const std::string& signer, const fs::path& at) {
    return "have the same key certified again by " + signer +
           ", and put the new certificate in place of the old one in " + at.string();
}

/// Of a key that is no PEM file: where it is.
std::string elsewhere(const KeySource& key) {
    if (key.token) return " (the key is in the token: " + key.token->uri.text() + ")";
    if (key.pkcs12) return " (the key is in " + key.pkcs12->string() + ")";
    if (!key.pem.environment) return " (the key is in the signer)";
    return " (the key is in the environment's " + *key.pem.environment + ")";
}

/// Of a key that is a file.
std::string request_for(const fs::path& certificate, const KeySource& key) {
    return "openssl x509 -x509toreq -copy_extensions copyall -in " + shell_path(certificate) +
           " -signkey " + shell_path(*key.pem.file);
}

std::string by_issuer(const fs::path& at, const KeySource& key) {
    std::string advice = by_hand("its issuer", at);
    if (!key.pem.file) return advice;
    return advice + "; for the request, run: " + request_for(at, key) + " -out " +
           shell_path(at.string() + ".csr");
}

/// "scepgate ca COMMAND --config FILE --ca NAME".
std::string ca_command(const char* command, const Config& config, const std::string& name) {
    return std::string("scepgate ca ") + command + " --config " + shell_path(config.file) +
           " --ca " + shell_word(name);
}

/// The certificate of a CA below another.
std::string by_ca_above(const Config& config, const std::string& name) {
    const CaConfig& ca = config.cas.at(name);
    const std::string anew = "have the same key certified again by the CA above it";
    // The command has to be given where the key is.
    if (ca.signer) return anew + ", with the signer's configuration: see docs/signer.md";
    const fs::path request = fs::path(ca.certificate).replace_extension(".csr");
    return anew + ", and put what comes back in place with '" +
           ca_command("install", config, name) +
           " FILE'; for the request, run: " + ca_command("csr", config, name) + " --out " +
           shell_path(request);
}

/// A next CA takes over before `end`, or has.
bool is_followed(const std::optional<EndpointConfig::Next>& next, std::int64_t end,
                 std::int64_t now) {
    return next && (next->from <= end || next->from <= now);
}

void append(std::string& list, const std::string& entry) {
    list += (list.empty() ? "" : ", ") + entry;
}

/// The endpoints of a CA that comes to its end.
struct Followed {
    std::string in_time, late, not_at_all;  ///< by a next CA; JSON paths
    std::string as_next;                    ///< where it is the next CA itself

    Followed(const Config& config, const std::string& ca, std::int64_t end, std::int64_t now) {
        for (const auto& endpoint : config.endpoints) {
            if (endpoint.next && endpoint.next->ca == ca) append(as_next, endpoint.next->json_path);
            if (endpoint.ca != ca) continue;
            if (!endpoint.next) {
                append(not_at_all, endpoint.json_path);
            } else if (is_followed(endpoint.next, end, now)) {
                append(in_time, endpoint.json_path);
            } else {
                append(late, endpoint.next->json_path);
            }
        }
    }
};

std::string by_rollover(const Config& config, const std::string& name, std::int64_t end,
                        std::int64_t now) {
    const CaConfig& ca = config.cas.at(name);
    if (ca.signer) return "see docs/signer.md (Renewal and rollover)";
    // A date to be filled in would be forgotten; a day before the end, or at once.
    const std::int64_t from = end - kDay > now + kDay ? end - kDay : now + kRenewAtOnce;
    if (ca.key.token) {
        return "make a successor in the token with 'scepgate ca create --root', and RA "
               "certificates by that with 'scepgate ca ra --from " +
               certs::utc_text(from) + "' (docs/rollover.md)";
    }
    return "see docs/rollover.md and run: " + ca_command("rollover", config, name) + " --from " +
           certs::utc_text(from);
}

/// Of a root that issues: what was issued stays good under the same name and key.
std::string of_root(const Config& config, const std::string& name, const certs::Certificate& root,
                    std::int64_t now) {
    const std::string anew = by_rollover(config, name, root.not_after(), now);
    if (config.cas.at(name).signer) return anew;
    // By itself the command takes the length that the certificate had.
    const bool brief = root.not_after() - root.not_before() < 2 * kExpiryWarning;
    return "to keep name and key, run: " + ca_command("renew", config, name) +
           (brief ? " --validity 3650d" : "") + "; for new ones, " + anew;
}

/// Another CA of the configuration is certified by this one.
bool is_above_another(const Config& config, const std::string& name,
                      const certs::Certificate& certificate) {
    for (const auto& [other, ca] : config.cas) {
        if (other == name) continue;
        const auto below = certs::Certificate::from_file(ca.certificate);
        if (below && certs::same_name(below->issuer_der(), certificate.subject_der())) return true;
    }
    return false;
}

/// Of a CA that no endpoint uses.
std::string of_unused(const Config& config, const std::string& name,
                      const certs::Certificate& certificate, std::int64_t now) {
    if (is_above_another(config, name, certificate)) {
        return certificate.self_issued()
                   ? "for its CAs below, run: " + ca_command("renew", config, name)
                   : by_ca_above(config, name);
    }
    // It issues nothing that its age could cut short.
    if (now + kExpiryWarning < certificate.not_after()) return {};
    return "but only where its CRL is needed for longer, because no endpoint uses it; else leave "
           "it out";
}

}  // namespace

RenewalAdvice renewal_of_ca(const Config& config, const std::string& name, std::int64_t now) {
    return [&config, name, now](const certs::Certificate& ca, const fs::path&) -> std::string {
        const std::int64_t end = ca.not_after();
        const Followed endpoints(config, name, end, now);
        std::string advice;
        if (!endpoints.late.empty()) {
            advice = end < now ? "until 'from' of " + endpoints.late +
                                     " nothing serves: let it come sooner, or wait"
                               : "let 'from' of " + endpoints.late + " come before that";
        }
        if (!endpoints.not_at_all.empty()) {
            if (endpoints.late.empty() && endpoints.in_time.empty()) {
                return ca.self_issued() ? of_root(config, name, ca, now)
                                        : by_ca_above(config, name);
            }
            advice += (advice.empty() ? "give " : "; give ") + endpoints.not_at_all +
                      " a 'next' as the other endpoints of this CA have (docs/rollover.md)";
        }
        if (!advice.empty()) return advice;
        if (!endpoints.as_next.empty()) {
            return "once it serves, make " + endpoints.as_next +
                   " the endpoint's 'ca' and 'ra', and go on to another next CA "
                   "(docs/rollover.md)";
        }
        return endpoints.in_time.empty() ? of_unused(config, name, ca, now) : "";
    };
}

RenewalAdvice renewal_of_signers_ca(const Config& config, const std::string& name) {
    return [&config, name](const certs::Certificate& ca, const fs::path&) {
        return ca.self_issued() ? "run: " + ca_command("renew", config, name)
                                : by_ca_above(config, name);
    };
}

RenewalAdvice renewal_of_pair(const KeyPairConfig& pair) {
    return [key = pair.key](const certs::Certificate& certificate, const fs::path& at) {
        if (!certificate.self_issued()) return by_issuer(at, key);
        if (!key.pem.file) return by_hand("itself" + elsewhere(key), at);
        return by_command(
            "openssl x509 -in " + shell_path(at) + " -signkey " + shell_path(*key.pem.file),
            kLongestDays, at);
    };
}

RenewalAdvice renewal_of_challenge_key(const fs::path& config_file, const std::string& policy,
                                       const std::string& key,
                                       const std::vector<KeyPairConfig>& pairs,
                                       const KeyPairConfig& pair) {
    // It has a successor, and stands there for challenges that were made with it.
    if (&pair != &pairs.front())
        return [](const certs::Certificate&, const fs::path&) { return std::string(); };
    if (config_file.empty()) return renewal_of_pair(pair);
    return [config_file, policy, key, pairs](const certs::Certificate& ends, const fs::path&) {
        const bool staged = std::any_of(pairs.begin(), pairs.end(), [&](const auto& other) {
            const auto certificate = certs::Certificate::from_file(other.certificate);
            return certificate && certificate->not_before() > ends.not_before();
        });
        return "see docs/policy-rules.md and run: scepgate policy rotate --config " +
               shell_path(config_file) + " --policy " + shell_word(policy) + " --" + key +
               (staged ? " --promote" : "");
    };
}

std::string ra_command(const EndpointConfig& endpoint, const fs::path& config_file) {
    if (endpoint.next || config_file.empty()) return {};
    return "scepgate ca ra --config " + shell_path(config_file) + " --ca " +
           shell_word(endpoint.ca) + " --endpoint " + shell_word(endpoint.name);
}

RenewalAdvice renewal_of_ra(const KeyPairConfig& pair, const BuiltCa& ca,
                            const std::optional<EndpointConfig::Next>& next,
                            const std::string& command, std::int64_t now) {
    return [&ca, next, command, now, pair](const certs::Certificate& certificate,
                                           const fs::path& at) -> std::string {
        if (is_followed(next, certificate.not_after(), now)) return {};
        const certs::Certificate& issuer = ca.credential.certificate;
        if (!certificate.signed_by(ca.credential.key.public_key()))
            return renewal_of_pair(pair)(certificate, at);
        const std::int64_t left = issuer.not_after() - now;
        // Under such a CA it would soon end again.
        if (left < kExpiryWarning && ca.renewal) {
            const std::string of_ca = ca.renewal(issuer, ca.files.certificate);
            if (!of_ca.empty())
                return "begin with its CA '" + issuer.subject_text() +
                       "', which ends too: " + of_ca;
        }
        if (ca.embedded != nullptr && !command.empty()) return "run: " + command;
        if (!ca.files.key.pem.file) {
            const std::string hand =
                by_hand("its CA '" + issuer.subject_text() + "'" + elsewhere(ca.files.key), at);
            return ca.embedded == nullptr ? hand + " (docs/signer.md)"
                                          : hand + "; or make new ones with 'scepgate ca ra'";
        }
        if (!pair.key.pem.file) return by_issuer(at, pair.key);
        // A day less, because it is run later than it is told.
        return by_command(
            request_for(at, pair.key) + " | openssl x509 -req -copy_extensions copyall -CA " +
                shell_path(ca.files.certificate) + " -CAkey " + shell_path(*ca.files.key.pem.file),
            std::min(kLongestDays, left / kDay - 1), at);
    };
}

}  // namespace scepgate::server
