#include "server/signer/judge.hpp"

#include <algorithm>
#include <charconv>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "server/ca_names.hpp"
#include "server/file_modes.hpp"
#include "server/libcrypto_gate.hpp"
#include "server/renewal_advice.hpp"
#include "server/runtime_ca.hpp"
#include "server/sandbox/file_confinement.hpp"
#include "server/template_advice.hpp"

namespace scepgate::server::signer {
namespace {

std::optional<uid_t> find_user(const std::string& name) {
    uid_t number = 0;
    const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (fault == std::errc() && end == name.data() + name.size()) return number;
    const passwd* entry = ::getpwnam(name.c_str());
    if (entry == nullptr) return std::nullopt;
    return entry->pw_uid;
}

void find_peers(JudgedSigner& judged, ConfigFaults& faults) {
    const SignerConfig& config = *judged.config.signer;
    for (std::size_t i = 0; i < config.allow.size(); ++i) {
        const auto user = find_user(config.allow[i]);
        if (user) {
            judged.allowed.push_back(*user);
        } else {
            faults.error("signer.allow[" + std::to_string(i) + "]",
                         "there is no user '" + config.allow[i] + "'",
                         "name the user that 'scepgate serve' runs as, or its number");
        }
    }
    if (config.allow.empty()) {
        judged.allowed.push_back(::geteuid());
        faults.warn("signer.allow", "is missing: only the signer's own user may ask",
                    "run server and signer as two users, and name the server's here");
    } else if (std::find(judged.allowed.begin(), judged.allowed.end(), ::geteuid()) !=
               judged.allowed.end()) {
        faults.warn("signer.allow",
                    "names this very user: whoever takes over the server can read "
                    "the CA's key",
                    "run server and signer as two users");
    }
    if (config.socket_group.empty()) return;
    const group* entry = ::getgrnam(config.socket_group.c_str());
    if (entry != nullptr) {
        judged.group = entry->gr_gid;
    } else {
        faults.error("signer.socket_group", "there is no group '" + config.socket_group + "'");
    }
}

bool is_over(const CaConfig& ca, std::int64_t now) {
    const auto certificate = certs::Certificate::from_file(ca.certificate);
    return certificate && certificate->not_after() < now;
}

/// What only the server's configuration can say: it serves them.
void refuse_servers_part(const CaConfig& ca, ConfigFaults& faults) {
    const auto refuse = [&](bool given, const char* key) {
        if (!given) return;
        faults.error(ca.json_path + '.' + key,
                     "has no effect in a signer's configuration: it publishes nothing",
                     "move it to the CA of that name in the server's configuration");
    };
    refuse(ca.crl.has_value(), "crl");
    refuse(ca.ocsp.has_value(), "ocsp");
    if (!ca.signer) return;
    faults.error(ca.json_path + ".type", "is \"signer\" in the signer's own configuration",
                 "make it \"embedded\", and give the key");
}

std::shared_ptr<const SignerRuntime> build(const Config& config,
                                           std::shared_ptr<const certs::Clock> clock,
                                           ConfigFaults& faults) {
    RuntimeContext context(std::move(clock), faults);
    context.config_file = config.file;
    auto runtime = std::make_shared<SignerRuntime>();
    const auto templates = build_templates(config.templates, faults);
    judge_ca_names(config, faults);
    const std::int64_t now = context.clock->now();
    const bool one_is_valid =
        std::any_of(config.cas.begin(), config.cas.end(),
                    [now](const auto& named) { return !is_over(named.second, now); });
    const bool one_is_certified =
        std::any_of(config.cas.begin(), config.cas.end(),
                    [](const auto& named) { return !awaits_certificate(named.second); });
    for (const auto& [name, ca] : config.cas) {
        refuse_servers_part(ca, faults);
        if (one_is_certified && awaits_certificate(ca)) {
            tell_of_awaited_certificate(name, ca, context, Expiry::kWarning);
            continue;
        }
        // Beside one that issues, another may have ended whose CRL is needed still.
        const auto expiry = one_is_valid && is_over(ca, now) ? Expiry::kWarning : Expiry::kError;
        auto built =
            build_ca(name, ca, templates, context, expiry, renewal_of_signers_ca(config, name));
        if (!built || built->embedded == nullptr) continue;
        runtime->cas[name] = {built->embedded, built->credential.key, built->crl_urls};
    }
    context.keys.judge(faults);
    for (const auto& [name, tmpl] : config.templates) {
        runtime->templates.push_back(name);
        const std::int64_t asked = tmpl.requested_validity ? tmpl.requested_validity->maximum : 0;
        runtime->crls.longest_certificate =
            std::max({runtime->crls.longest_certificate, tmpl.validity, asked});
    }
    if (config.templates.empty()) {
        faults.error("templates", "is missing: without one nothing can be issued",
                     "copy the server's, and narrow them to what devices may have");
    }
    const SignerConfig& signer = *config.signer;
    runtime->rules = signer.rules;
    runtime->rates = signer.rates;
    runtime->crls.longest_validity = signer.crl_validity;
    runtime->crls.per_hour = signer.crls_per_hour;
    runtime->responders_per_day = signer.ocsp_responders_per_day;
    if (!signer.rates.in_all.any()) {
        faults.warn("signer.limits",
                    "no rate is set: whoever takes over the server can have any "
                    "number of certificates",
                    "set per_hour and per_day to what your devices need at most");
    }
    if (signer.rules && templates) {
        for (const auto& [name, tmpl] : *templates) {
            const auto conflict = subject_conflict(tmpl, *signer.rules);
            if (!conflict) continue;
            faults.error(
                "templates." + name + ".subject",
                "every subject that it builds breaks the signer's rules: " + conflict->text,
                "widen the rules, or correct the subject");
        }
    }
    if (!signer.rules) {
        faults.warn("signer.rules", "is missing: any name that the server asks for is certified",
                    "say which names devices have (docs/policy-rules.md)");
    }
    return runtime;
}

}  // namespace

bool is_signers(const std::filesystem::path& file) {
    ConfigFaults ignored;
    return load_config(file, ignored).signer.has_value();
}

JudgedSigner judge_signer(const std::filesystem::path& file, Occasion occasion,
                          std::shared_ptr<const certs::Clock> clock, ConfigFaults& faults) {
    JudgedSigner judged{load_config(file, faults), nullptr, {}, {}};
    const Config& config = judged.config;
    if (!config.signer) {
        if (!faults.has_errors()) {
            faults.error("signer", "is missing: this is no signer's configuration",
                         "see docs/signer.md, or run 'scepgate init DIR --signer'");
        }
        return judged;
    }
    auto runtime = build(config, std::move(clock), faults);
    find_peers(judged, faults);
    judge_file_modes(config, faults);
    judge_libcrypto(running_libcrypto(), compiled_libcrypto(), config.openssl_patched, faults);
    if (occasion != Occasion::kReload) sandbox::judge_landlock(config.sandbox, faults);
    judge_outputs(config, occasion, faults);
    if (occasion != Occasion::kReload && !config.signer->socket.empty() &&
        !std::filesystem::is_directory(config.signer->socket.parent_path())) {
        faults.error("signer.socket",
                     "there is no folder " + config.signer->socket.parent_path().string(),
                     "make it with mode 0750 (systemd: RuntimeDirectory=)");
    }
    if (!faults.has_errors()) judged.runtime = std::move(runtime);
    return judged;
}

}  // namespace scepgate::server::signer
