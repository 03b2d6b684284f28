#include "server/runtime_builder.hpp"

#include <algorithm>

#include "policy/challenge_blob.hpp"
#include "policy/simple_modules.hpp"
#include "scep/ca_info.hpp"
#include "server/credentials.hpp"
#include "server/information_page.hpp"

namespace scepgate::server {
namespace {

using certs::Certificate;
using certs::KeyUsageBit;

/// GetCACaps and GetCACert change only with the configuration; a minute's caching is harmless.
constexpr std::string_view kStaticHeaders = "Cache-Control: max-age=60\r\n";

std::shared_ptr<const PreparedReply> prepare(const scep::StaticReply& reply) {
    return std::make_shared<PreparedReply>(200, reply.content_type, reply.body, kStaticHeaders);
}

class Builder {
public:
    Builder(const Config& config, std::shared_ptr<const certs::Clock> clock, ConfigFaults& faults)
        : config_(config),
          clock_(std::move(clock)),
          faults_(faults),
          loader_(faults, clock_->now()) {}

    std::shared_ptr<const Runtime> build() {
        for (const auto& [name, ca] : config_.cas)
            build_ca(name, ca);
        for (const auto& [name, policy] : config_.policies) {
            policies_[name] = build_policy(name, policy, clock_, faults_);
        }
        std::vector<std::shared_ptr<const Endpoint>> endpoints;
        for (const auto& endpoint : config_.endpoints) {
            if (auto built = build_endpoint(endpoint)) endpoints.push_back(std::move(built));
        }
        if (faults_.has_errors()) return nullptr;
        return std::make_shared<Runtime>(std::move(endpoints));
    }

private:
    struct BuiltCa {
        std::shared_ptr<ca_backend::EmbeddedCa> backend;
        Credential credential;
    };

    std::optional<ca_backend::Template> make_template(const std::string& name,
                                                      const TemplateConfig& config) {
        ca_backend::Template result;
        result.name = name;
        auto usage = certs::KeyUsage::from_names(config.key_usage);
        if (!usage) {
            faults_.error(config.json_path + ".key_usage", usage.error().detail);
            return std::nullopt;
        }
        if (usage->has(KeyUsageBit::kKeyCertSign) || usage->has(KeyUsageBit::kCrlSign)) {
            faults_.error(config.json_path + ".key_usage",
                          "a device certificate cannot sign certificates or CRLs",
                          "leave out keyCertSign and cRLSign");
            return std::nullopt;
        }
        if (usage->has(KeyUsageBit::kNonRepudiation)) {
            faults_.warn(config.json_path + ".key_usage",
                         "nonRepudiation breaks enrolment on Apple devices");
        }
        result.key_usage = *usage;
        for (const auto& text : config.extended_key_usage) {
            auto oid = certs::extended_key_usage_from_text(text);
            if (!oid) {
                faults_.error(config.json_path + ".extended_key_usage", oid.error().detail);
                return std::nullopt;
            }
            result.extended_key_usage.push_back(std::move(*oid));
        }
        if (config.validity < 5 * 86'400) {
            faults_.warn(config.json_path + ".validity", "is under five days",
                         "Intune refuses certificates that short");
        }
        result.validity = config.validity;
        result.backdate = config.backdate;
        result.minimum_rsa_bits = config.minimum_rsa_bits;
        result.sid_extension = config.sid_extension;
        return result;
    }

    void build_ca(const std::string& name, const CaConfig& config) {
        auto credential = loader_.credential(config.certificate, config.key, config.json_path);
        ca_backend::EmbeddedCaSettings settings;
        bool sound = credential.has_value();
        for (const auto& [template_name, tmpl] : config_.templates) {
            auto made = make_template(template_name, tmpl);
            sound = sound && made.has_value();
            if (made) settings.templates.emplace(template_name, std::move(*made));
        }
        if (!sound) return;
        settings.name = name;
        settings.key = credential->key;
        settings.chain.push_back(credential->certificate);
        settings.chain.insert(settings.chain.end(), credential->more.begin(),
                              credential->more.end());
        if (config.chain) {
            auto chain = loader_.certificates(*config.chain, config.json_path + ".chain");
            if (!chain) return;
            settings.chain.insert(settings.chain.end(), chain->begin(), chain->end());
        }
        if (!judge_chain(settings.chain, config)) return;
        settings.ca_issuers_urls = config.ca_issuers_urls;
        settings.ocsp_urls = config.ocsp_urls;
        settings.crl_urls = config.crl_urls;
        auto backend = ca_backend::EmbeddedCa::create(std::move(settings), clock_);
        if (!backend) return faults_.error(config.json_path, backend.error().detail);
        cas_[name] = BuiltCa{std::move(*backend), std::move(*credential)};
    }

    bool judge_chain(const std::vector<Certificate>& chain, const CaConfig& config) {
        for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
            const auto key = chain[i + 1].public_key();
            if (!key || !chain[i].signed_by(*key)) {
                faults_.error(config.json_path + (config.chain ? ".chain" : ".certificate"),
                              "'" + chain[i].subject_text() + "' is not issued by '" +
                                  chain[i + 1].subject_text() + "', which follows it",
                              "order the chain from the issuing CA to the root");
                return false;
            }
        }
        if (!chain.back().self_issued()) {
            faults_.warn(config.json_path + ".chain", "the chain ends before a root",
                         "add the certificates up to the root: some clients look for it");
        }
        return true;
    }

    void judge_ra(const Certificate& certificate, KeyUsageBit needed, const char* needed_name,
                  const BuiltCa& ca, const std::string& json_path) {
        const auto usage = certificate.key_usage();
        if (!usage) return faults_.error(json_path, usage.error().detail);
        if (*usage && !(*usage)->has(needed)) {
            faults_.error(json_path,
                          "the RA certificate '" + certificate.subject_text() + "' has key usage " +
                              (*usage)->text() + ", without " + needed_name,
                          std::string("issue one with ") + needed_name);
        }
        if (!*usage) {
            faults_.warn(json_path, "the RA certificate has no key usage extension",
                         "macOS and Windows choose by it");
        }
        if (!certificate.signed_by(ca.credential.key.public_key())) {
            faults_.warn(json_path,
                         "the RA certificate is not issued by this endpoint's CA '" +
                             ca.credential.certificate.subject_text() + "'",
                         "Windows clients refuse such an RA");
        }
    }

    void build_ra(const EndpointConfig::Ra& ra, const BuiltCa& ca, Endpoint& endpoint) {
        auto signing = loader_.credential(ra.signing);
        auto encryption = loader_.credential(ra.encryption);
        if (signing) {
            judge_ra(signing->certificate, KeyUsageBit::kDigitalSignature, "digitalSignature", ca,
                     ra.signing.json_path + ".certificate");
            endpoint.signer = {signing->certificate, signing->key};
        }
        if (encryption) {
            judge_ra(encryption->certificate, KeyUsageBit::kKeyEncipherment, "keyEncipherment", ca,
                     ra.encryption.json_path + ".certificate");
            add_recipient(*encryption, ra.encryption.json_path, endpoint);
            if (encryption->key.public_key() == ca.credential.key.public_key()) {
                faults_.warn(ra.encryption.json_path + ".key",
                             "the RA decrypts with the CA's own key",
                             "give the RA a key of its own");
            }
        }
        for (const auto& previous : ra.previous_encryption) {
            if (auto old = loader_.credential(previous))
                add_recipient(*old, previous.json_path, endpoint);
        }
    }

    void add_recipient(const Credential& credential, const std::string& json_path,
                       Endpoint& endpoint) {
        if (credential.key.type() != certs::KeyType::kRsa) {
            faults_.error(json_path + ".key", "requests can only be encrypted to an RSA key",
                          "use an RSA key here; the CA's own may be EC");
            return;
        }
        endpoint.recipients.push_back({credential.certificate, credential.key});
    }

    /// The CA itself speaks SCEP.
    void use_ca_as_ra(const EndpointConfig& config, const BuiltCa& ca, Endpoint& endpoint) {
        const auto usage = ca.credential.certificate.key_usage();
        if (!usage || (*usage && (!(*usage)->has(KeyUsageBit::kDigitalSignature) ||
                                  !(*usage)->has(KeyUsageBit::kKeyEncipherment)))) {
            faults_.error(
                config.json_path,
                "has no 'ra', and the CA's key usage lacks digitalSignature or keyEncipherment",
                "give an 'ra' with keys of its own, or a CA certificate with these usages");
        }
        faults_.warn(config.json_path,
                     "has no 'ra': the CA's own key decrypts and signs SCEP messages",
                     "an 'ra' with keys of its own keeps the CA key out of the protocol");
        endpoint.signer = {ca.credential.certificate, ca.credential.key};
        add_recipient(ca.credential, cas_path(config.ca), endpoint);
    }

    [[nodiscard]] std::string cas_path(const std::string& name) const { return "cas." + name; }

    void prepare_replies(const EndpointConfig& config, const BuiltCa& ca, Endpoint& endpoint) {
        endpoint.capabilities = prepare(scep::ca_capabilities({.algorithms = endpoint.rules}));
        if (!config.ra) {
            endpoint.ca_certificates = prepare(scep::ca_certificate(ca.credential.certificate));
        } else if (endpoint.signer.certificate && !endpoint.recipients.empty()) {
            std::vector<Certificate> bundle{endpoint.signer.certificate,
                                            endpoint.recipients.front().certificate};
            for (const auto& certificate : ca.backend->chain()) {
                const bool root = certificate.self_issued();
                const bool issuing = certificate == ca.backend->chain().front();
                if (!root || issuing || config.include_root) bundle.push_back(certificate);
            }
            endpoint.ca_certificates = prepare(scep::ra_certificates(bundle));
        }
        const bool open = config_.policies.at(config.policy).type == PolicyConfig::Type::kNone;
        endpoint.information_page = open ? open_information_page() : forbidden_information_page();
    }

    void warn_about(const EndpointConfig& config) {
        if (config.des) {
            faults_.warn(config.json_path + ".algorithms.des",
                         "requests under single DES are accepted: whoever records one can read it",
                         "switch it off as soon as the last client that needs it is gone");
        }
        const auto policy = config_.policies.find(config.policy);
        if (policy != config_.policies.end() && policy->second.type == PolicyConfig::Type::kNone) {
            faults_.warn(config.json_path + ".policy",
                         "everybody who reaches this endpoint gets the certificate they ask for");
        }
        if (config.signature_template.empty() && config.encryption_template.empty() &&
            config.general_purpose_template.empty()) {
            faults_.error(config.json_path + ".templates", "names no template",
                          "name one for at least one of signature, encryption, general_purpose");
        }
    }

    std::shared_ptr<const Endpoint> build_endpoint(const EndpointConfig& config) {
        warn_about(config);
        const auto ca = cas_.find(config.ca);
        const auto module = policies_.find(config.policy);
        auto endpoint = std::make_shared<Endpoint>();
        endpoint->rules.sha1 = config.sha1;
        endpoint->rules.des3 = config.des3;
        endpoint->rules.des = config.des;
        if (config.paths.empty()) return nullptr;
        endpoint->name = config.paths.front();
        for (std::string path : config.paths) {
            for (char& c : path)
                c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            while (path.size() > 1 && path.back() == '/')
                path.pop_back();
            endpoint->paths.push_back(std::move(path));
        }
        endpoint->templates = {config.signature_template, config.encryption_template,
                               config.general_purpose_template};
        if (ca == cas_.end() || module == policies_.end()) return nullptr;  // reported above
        endpoint->ca = ca->second.backend;
        endpoint->policy = module->second;
        if (config.ra) {
            build_ra(*config.ra, ca->second, *endpoint);
        } else {
            use_ca_as_ra(config, ca->second, *endpoint);
        }
        prepare_replies(config, ca->second, *endpoint);
        return endpoint;
    }

    const Config& config_;
    std::shared_ptr<const certs::Clock> clock_;
    ConfigFaults& faults_;
    CredentialLoader loader_;
    std::map<std::string, BuiltCa> cas_;
    std::map<std::string, std::shared_ptr<policy::PolicyModule>> policies_;
};

std::shared_ptr<policy::PolicyModule> build_challenge_blob(
    const std::string& name, const PolicyConfig& config, std::shared_ptr<const certs::Clock> clock,
    ConfigFaults& faults) {
    CredentialLoader loader(faults, clock->now());
    policy::ChallengeBlobSettings settings;
    settings.name = name;
    settings.audience = config.audience;
    settings.clock_skew = config.clock_skew;
    settings.maximum_lifetime = config.maximum_lifetime;
    for (const auto& pair : config.decryption) {
        if (auto loaded = loader.credential(pair)) {
            settings.decryption.push_back({loaded->certificate, loaded->key});
        }
    }
    for (std::size_t i = 0; i < config.trusted_signers.size(); ++i) {
        const std::string path = config.json_path + ".trusted_signers[" + std::to_string(i) + "]";
        auto loaded = loader.certificates(config.trusted_signers[i], path);
        if (!loaded) continue;
        for (const auto& signer : *loaded) {
            const auto usage = signer.key_usage();
            const auto is_ca = signer.is_ca();
            if (!usage || !*usage || !(*usage)->has(KeyUsageBit::kDigitalSignature) || !is_ca ||
                *is_ca) {
                faults.error(path,
                             "'" + signer.subject_text() + "' has key usage " +
                                 (usage && *usage ? (*usage)->text() : "none") +
                                 (is_ca && *is_ca ? " and is a CA" : ""),
                             "a signer of challenges is no CA and has digitalSignature");
            }
            settings.trusted_signers.push_back(signer);
        }
    }
    if (config.signer) {
        if (auto loaded = loader.credential(*config.signer)) {
            settings.signer = policy::BlobSigner{loaded->certificate, loaded->key};
        }
    }
    if (faults.has_errors()) return nullptr;
    return std::make_shared<policy::ChallengeBlobModule>(std::move(settings), std::move(clock));
}

}  // namespace

std::shared_ptr<policy::PolicyModule> build_policy(const std::string& name,
                                                   const PolicyConfig& config,
                                                   std::shared_ptr<const certs::Clock> clock,
                                                   ConfigFaults& faults) {
    switch (config.type) {
        case PolicyConfig::Type::kChallengeBlob:
            return build_challenge_blob(name, config, std::move(clock), faults);
        case PolicyConfig::Type::kStaticPassword: {
            CredentialLoader loader(faults, clock->now());
            auto password = loader.secret(config.password);
            if (!password) return nullptr;
            std::string_view text = password->text();
            while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
                text.remove_suffix(1);
            if (text.size() < 8) {
                faults.error(config.password.json_path, "the password has fewer than 8 characters",
                             "choose a long random one: openssl rand -hex 16");
                return nullptr;
            }
            return std::make_shared<policy::StaticPasswordModule>(name, Secret(text));
        }
        case PolicyConfig::Type::kNone:
            return std::make_shared<policy::OpenModule>(name);
    }
    return nullptr;
}

std::shared_ptr<const Runtime> build_runtime(const Config& config,
                                             std::shared_ptr<const certs::Clock> clock,
                                             ConfigFaults& faults) {
    return Builder(config, std::move(clock), faults).build();
}

}  // namespace scepgate::server
