#include "server/runtime_ca.hpp"

#include "server/config_ca_urls.hpp"
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

}  // namespace

std::optional<BuiltCa> build_ca(const std::string& name, const CaConfig& config,
                                const std::optional<Templates>& templates, RuntimeContext& context,
                                Expiry expiry, const RenewalAdvice& renewal) {
    const KeyPairConfig files{config.json_path, config.certificate, config.key};
    const auto client = client_of(config);
    auto credential = client ? remote_credential(name, config, client, context, expiry, renewal)
                             : context.loader.credential(files, expiry, renewal);
    if (!credential) return std::nullopt;
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
    set_urls(config, settings, context.faults);
    settings.crl_validity = config.crl_validity;
    if (config.crl) {
        settings.crl_period = config.crl->period;
        settings.crl_validity = config.crl->period + config.crl->overlap;
    }
    if (templates) settings.templates = *templates;
    auto backend = ca_backend::EmbeddedCa::create(std::move(settings), context.clock);
    if (!backend) {
        context.faults.error(config.json_path, backend.error().detail);
        return std::nullopt;
    }
    BuiltCa built{*backend, *backend, std::move(*credential), files, renewal};
    if (client) {
        built.backend = std::make_shared<signer::RemoteCa>(*std::move(backend), client);
        built.embedded = nullptr;
    }
    return built;
}

}  // namespace scepgate::server
