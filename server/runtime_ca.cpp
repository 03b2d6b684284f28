#include "server/runtime_ca.hpp"

#include <filesystem>

#include "ca_backend/name_beside_ca.hpp"
#include "ca_backend/ocsp_responder.hpp"
#include "certs/clock.hpp"
#include "server/ca_chain.hpp"
#include "server/ca_name_advice.hpp"
#include "server/config_ca_urls.hpp"
#include "server/shell_word.hpp"
#include "server/signer/remote_ca.hpp"

namespace scepgate::server {
namespace {

bool judge_chain(const std::vector<certs::Certificate>& chain, const CaConfig& config,
                 ConfigFaults& faults) {
    for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
        const auto key = chain[i + 1].public_key();
        if (!key || !chain[i].signed_by(*key)) {
            faults.error(config.json_path + (config.chain ? ".chain" : ".certificate"),
                         "'" + chain[i].subject_text() + "' is not issued by '" +
                             chain[i + 1].subject_text() + "', which follows it",
                         "order the chain from the issuing CA to the root");
            return false;
        }
    }
    if (!chain.back().self_issued()) {
        faults.warn(config.json_path + ".chain", "the chain ends before a root",
                    "add the certificates up to the root: some clients look for it");
    }
    return true;
}

std::shared_ptr<signer::SignerClient> client_of(const CaConfig& config) {
    if (!config.signer) return nullptr;
    return std::make_shared<signer::SignerClient>(config.signer->socket,
                                                  std::chrono::seconds(config.signer->timeout));
}

/// The certificate, with a key that the signer has.
std::optional<Credential> remote_credential(const std::string& name, const CaConfig& config,
                                            const std::shared_ptr<signer::SignerClient>& client,
                                            RuntimeContext& context, Expiry expiry,
                                            const RenewalAdvice& renewal) {
    const std::string at = config.json_path + ".certificate";
    auto certificates = context.loader.certificates(config.certificate, at, expiry, renewal);
    if (!certificates) return std::nullopt;
    auto key = certificates->front().public_key();
    if (!key) {
        context.faults.error(at, key.error().detail);
        return std::nullopt;
    }
    Credential credential{certificates->front(), {}, signer::remote_key(name, *key, client)};
    credential.more.assign(certificates->begin() + 1, certificates->end());
    return credential;
}

/// What only the signer's own configuration can say.
void refuse_signers_part(const CaConfig& config, ConfigFaults& faults) {
    const auto refuse = [&](bool given, const char* key) {
        if (!given) return;
        faults.error(config.json_path + '.' + key,
                     "has no effect beside \"type\": \"signer\": what certificates say is the "
                     "signer's part",
                     "move it to the CA of that name in the signer's configuration");
    };
    refuse(!config.crl_urls.empty(), "crl_urls");
    refuse(!config.freshest_crl_urls.empty(), "freshest_crl_urls");
    refuse(!config.ocsp_urls.empty(), "ocsp_urls");
    refuse(!config.ca_issuers_urls.empty(), "ca_issuers_urls");
}

void set_urls(const CaConfig& config, ca_backend::EmbeddedCaSettings& settings,
              ConfigFaults& faults) {
    auto names = ca_url_names(config, settings.chain.front());
    const auto expand = [&](const std::vector<std::string>& urls, const char* key) {
        return expand_ca_urls(urls, names, config.json_path + '.' + key, faults);
    };
    settings.ca_issuers_urls = expand(config.ca_issuers_urls, "ca_issuers_urls");
    settings.ocsp_urls = expand(config.ocsp_urls, "ocsp_urls");
    settings.crl_urls = expand(config.crl_urls, "crl_urls");
    names.delta = true;
    settings.freshest_crl_urls = expand(config.freshest_crl_urls, "freshest_crl_urls");
}

/// From half of its validity on; in the last month the loader warns.
void warn_of_age(const certs::Certificate& ca, const CaConfig& config, RuntimeContext& context,
                 const RenewalAdvice& renewal) {
    const std::int64_t now = context.clock->now();
    if (now < half_life(ca) || now + kExpiryWarning > ca.not_after()) return;
    const std::string how = renewal ? renewal(ca, config.certificate) : "";
    if (how.empty()) return;  // its successor is named, or it issues nothing
    context.faults.warn(config.json_path + ".certificate",
                        "the CA '" + ca.subject_text() + "' is past half of its validity since " +
                            certs::utc_text(half_life(ca)) + ", and ends on " +
                            certs::utc_text(ca.not_after()),
                        "before what it issues is cut short, " + how);
}

void warn_of_name(const certs::Certificate& ca, const CaConfig& config, ConfigFaults& faults) {
    const auto name = certs::Name::from_der(ca.subject_der());
    if (!name) return;
    for (std::string& advice : ca_name_advice(*name))
        faults.warn(config.json_path + ".certificate", std::move(advice),
                    "leave it for this CA; give the next one another name");
}

}  // namespace

bool awaits_certificate(const CaConfig& config) {
    std::error_code ignored;
    return !config.certificate.empty() && !std::filesystem::exists(config.certificate, ignored);
}

void tell_of_awaited_certificate(const std::string& name, const CaConfig& config,
                                 RuntimeContext& context, Expiry severity) {
    const std::string at =
        (context.config_file.empty() ? "" : " --config " + shell_path(context.config_file)) +
        " --ca " + shell_word(name);
    const std::string path = config.json_path + ".certificate";
    const std::string what =
        "the CA has no certificate: there is no " + config.certificate.string();
    const std::string remedy = "make a request (scepgate ca csr" + at +
                               "), have it certified, and run: scepgate ca install" + at + " FILE";
    if (severity == Expiry::kError) return context.faults.error(path, what, remedy);
    context.faults.warn(path, what + "; it is left out, as nothing uses it", remedy);
}

std::optional<BuiltCa> build_ca(const std::string& name, const CaConfig& config,
                                const std::optional<Templates>& templates, RuntimeContext& context,
                                Expiry expiry, const RenewalAdvice& renewal) {
    if (awaits_certificate(config)) {
        tell_of_awaited_certificate(name, config, context, Expiry::kError);
        return std::nullopt;
    }
    const KeyPairConfig files{config.json_path, config.certificate, config.key};
    const auto client = client_of(config);
    auto credential = client ? remote_credential(name, config, client, context, expiry, renewal)
                             : context.loader.credential(files, expiry, renewal);
    if (!credential) return std::nullopt;
    warn_of_name(credential->certificate, config, context.faults);
    if (expiry == Expiry::kError) warn_of_age(credential->certificate, config, context, renewal);
    context.keys.add(KeyRole::kCa, config.json_path + ".key", credential->key.public_key());

    ca_backend::EmbeddedCaSettings settings;
    settings.name = name;
    settings.key = credential->key;
    settings.chain.push_back(credential->certificate);
    settings.chain.insert(settings.chain.end(), credential->more.begin(), credential->more.end());
    if (config.chain) {
        auto chain =
            context.loader.certificates(*config.chain, config.json_path + ".chain", expiry);
        if (!chain) return std::nullopt;
        settings.chain.insert(settings.chain.end(), chain->begin(), chain->end());
    }
    if (!judge_chain(settings.chain, config, context.faults)) return std::nullopt;
    for (const auto& ca : settings.chain) {
        if (const auto key = ca.public_key()) context.keys.add_elsewhere(*key);
    }
    if (client) refuse_signers_part(config, context.faults);
    set_urls(config, settings, context.faults);
    settings.crl_validity = config.crl_validity;
    if (config.crl) {
        settings.crl_period = config.crl->period;
        settings.crl_validity = config.crl->period + config.crl->overlap;
        settings.issuing_distribution_point = config.crl->issuing_distribution_point;
        if (const auto& delta = config.crl->delta)
            settings.delta_crl =
                ca_backend::CrlTimes{delta->period + delta->overlap, delta->period};
    }
    settings.record_crl = [records = context.services.crls](const ca_backend::MadeCrl& made) {
        return records->write(made);
    };
    if (client) {
        settings.terms_elsewhere = [name, client] { return signer::ask_crl_terms(name, *client); };
    }
    if (config.ocsp) {
        const auto responder = ca_backend::name_beside_ca(
            settings.chain, ca_backend::kOcspResponderName, settings.key.public_key());
        if (!responder) {
            context.faults.warn(config.json_path + ".ocsp",
                                "there will be no answers: the responder's certificate cannot be "
                                "made: " +
                                    responder.error().detail,
                                "leave 'ocsp' out, or have the CA certified for such names");
        }
    }
    const ca_backend::CrlUrls crl_urls{settings.crl_urls, settings.freshest_crl_urls};
    if (templates) settings.templates = *templates;
    auto backend = ca_backend::EmbeddedCa::create(std::move(settings), context.clock);
    if (!backend) {
        context.faults.error(config.json_path, backend.error().detail);
        return std::nullopt;
    }
    BuiltCa built{*backend, *backend, std::move(*credential), files, renewal, crl_urls, {}};
    if (client) {
        built.certify_responder =
            [name, client, own = built.credential.certificate](const certs::PrivateKey& key) {
                return signer::certify_responder(name, own, *client, key);
            };
        built.backend = std::make_shared<signer::RemoteCa>(*std::move(backend), client);
        built.embedded = nullptr;
    } else {
        built.certify_responder = [ca = built.embedded](const certs::PrivateKey& key) {
            return ca->certify_ocsp_responder(key.public_key(), ca_backend::kOcspResponderLifetime);
        };
    }
    return built;
}

}  // namespace scepgate::server
