#include "server/runtime_endpoint.hpp"

#include "ca_backend/name_beside_ca.hpp"
#include "scep/ca_info.hpp"
#include "server/information_page.hpp"
#include "server/renewal_advice.hpp"
#include "server/runtime_rollover.hpp"

namespace scepgate::server {
namespace {

using certs::Certificate;
using certs::KeyUsageBit;

/// GetCACaps and GetCACert change only with the configuration; a minute's caching is harmless. But
/// not where they change at a set time.
constexpr std::string_view kStaticHeaders = "Cache-Control: max-age=60\r\n";
constexpr std::string_view kRolloverHeaders = "Cache-Control: no-cache\r\n";

class EndpointBuilder {
public:
    /// `expiry`: of the RA certificates.
    EndpointBuilder(const EndpointConfig& config, const EndpointParts& parts,
                    RuntimeContext& context, Expiry expiry)
        : config_(config),
          parts_(parts),
          context_(context),
          faults_(context.faults),
          expiry_(expiry) {}

    std::shared_ptr<Endpoint> build() {
        Endpoint& endpoint = *endpoint_;
        endpoint.name = config_.name;
        endpoint.paths = config_.paths;
        endpoint.rules.sha1 = config_.sha1;
        endpoint.rules.des3 = config_.des3;
        endpoint.rules.des = config_.des;
        endpoint.rules.ec_password_recipient = config_.ec_password_recipient;
        endpoint.shape = config_.shape;
        endpoint.templates = {config_.signature_template, config_.encryption_template,
                              config_.general_purpose_template};
        endpoint.approvals = parts_.approvals;
        endpoint.other_templates = parts_.other_templates;
        endpoint.maximum_pending = config_.max_pending;
        endpoint.policy = parts_.policy;
        endpoint.own_keys = context_.keys.own();
        endpoint.issuance_rules = config_.rules;
        if (config_.renewal) endpoint.renewal = config_.renewal->settings;
        build_issuers();
        if (config_.ra) {
            build_ra(*config_.ra);
        } else if (parts_.ca != nullptr) {
            use_ca_as_ra(*parts_.ca);
        }
        if (parts_.ca == nullptr || !parts_.policy) return nullptr;  // reported where they are
        endpoint.ca = parts_.ca->backend;
        prepare_replies(*parts_.ca);
        return endpoint_;
    }

    /// What holds before and after a rollover.
    void judge_settings() {
        if (config_.des) {
            faults_.warn(config_.json_path + ".algorithms.des",
                         "requests under single DES are accepted: whoever records one can read it",
                         "switch it off as soon as the last client that needs it is gone");
        }
        if (parts_.open_to_all) {
            faults_.warn(config_.json_path + ".policy",
                         "everybody who reaches this endpoint gets the certificate they ask for");
        }
        if (config_.signature_template.empty() && config_.encryption_template.empty() &&
            config_.general_purpose_template.empty()) {
            faults_.error(config_.json_path + ".templates", "names no template",
                          "name one for at least one of signature, encryption, general_purpose");
        }
    }

private:
    void build_ra(const EndpointConfig::Ra& ra) {
        if (auto signing =
                context_.loader.credential(ra.signing, expiry_, renewal_of(ra.signing))) {
            judge_ra(signing->certificate, KeyUsageBit::kDigitalSignature, "digitalSignature",
                     ra.signing.json_path + ".certificate");
            context_.keys.add(KeyRole::kRaSigning, ra.signing.json_path + ".key",
                              signing->key.public_key());
            endpoint_->signer = {signing->certificate, signing->key};
        }
        build_recipient(ra.encryption, expiry_, true);
        // Devices that fetched it earlier may still use it for a while.
        for (const auto& previous : ra.previous_encryption)
            build_recipient(previous, Expiry::kWarning, false);
    }

    RenewalAdvice renewal_of(const KeyPairConfig& pair) const {
        if (parts_.ca == nullptr) return renewal_of_pair(pair);
        const std::string command =
            parts_.successor ? std::string() : ra_command(config_, context_.config_file);
        return renewal_of_ra(pair, *parts_.ca, config_.next, command, context_.clock->now());
    }

    /// `published`: in GetCACert.
    void build_recipient(const KeyPairConfig& pair, Expiry expiry, bool published) {
        // What is kept for devices that still use it has its successor; it may end.
        const RenewalAdvice of_previous = [now = context_.clock->now()](const Certificate& previous,
                                                                        const auto&) {
            return previous.not_after() >= now
                       ? std::string()
                       : "its successor is in use, and only devices that have not asked "
                         "GetCACert since then use it";
        };
        const auto credential =
            context_.loader.credential(pair, expiry, published ? renewal_of(pair) : of_previous);
        if (!credential) return;
        judge_ra(credential->certificate, KeyUsageBit::kKeyEncipherment, "keyEncipherment",
                 pair.json_path + ".certificate", published);
        context_.keys.add(KeyRole::kRaEncryption, pair.json_path + ".key",
                          credential->key.public_key());
        add_recipient(*credential, pair.json_path);
    }

    void judge_ra(const Certificate& certificate, KeyUsageBit needed, const char* needed_name,
                  const std::string& json_path, bool published = true) {
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
        if (parts_.ca == nullptr || !published) return;
        const Credential& ca = parts_.ca->credential;
        if (!certificate.signed_by(ca.key.public_key())) {
            faults_.warn(json_path,
                         "the RA certificate is not issued by this endpoint's CA '" +
                             ca.certificate.subject_text() + "'",
                         "Windows clients refuse such an RA");
            return;
        }
        const auto permitted =
            ca_backend::permits_names_of(parts_.ca->backend->chain(), certificate);
        if (!permitted) {
            faults_.warn(json_path, "the RA certificate: " + permitted.error().detail,
                         "verifiers refuse it: have 'scepgate ca ra' make one, or give it a name "
                         "that the CA may certify");
        }
    }

    void add_recipient(const Credential& credential, const std::string& json_path) {
        if (credential.key.type() != certs::KeyType::kRsa) {
            faults_.error(json_path + ".key", "requests can only be encrypted to an RSA key",
                          "use an RSA key here; the CA's own may be EC");
            return;
        }
        endpoint_->recipients.push_back({credential.certificate, credential.key});
    }

    /// The CA itself speaks SCEP.
    void use_ca_as_ra(const BuiltCa& ca) {
        if (ca.embedded == nullptr) {
            faults_.error(config_.json_path,
                          "has no 'ra', and the CA's key is in the signer, which speaks no SCEP",
                          "give an 'ra' with keys of its own");
            return;
        }
        const auto usage = ca.credential.certificate.key_usage();
        if (!usage || (*usage && (!(*usage)->has(KeyUsageBit::kDigitalSignature) ||
                                  !(*usage)->has(KeyUsageBit::kKeyEncipherment)))) {
            faults_.error(
                config_.json_path,
                "has no 'ra', and the CA's key usage lacks digitalSignature or keyEncipherment",
                "give an 'ra' with keys of its own, or a CA certificate with these usages");
        }
        faults_.warn(config_.json_path,
                     "has no 'ra': the CA's own key decrypts and signs SCEP messages",
                     "an 'ra' with keys of its own keeps the CA key out of the protocol");
        endpoint_->signer = {ca.credential.certificate, ca.credential.key};
        add_recipient(ca.credential, "cas." + config_.ca);
    }

    /// Whose certificates can be renewed, and looked up, here.
    void build_issuers() {
        if (parts_.ca != nullptr) {
            add_issuer(parts_.ca->backend->chain().front(), config_.json_path + ".ca");
        }
        if (!config_.renewal) return;
        const RenewalAdvice advice = [this](const Certificate& ca, const auto& file) {
            // It had that before its own renewal: nothing is to be done when it ends.
            return is_own_name(ca) ? std::string() : "put its successor into " + file.string();
        };
        const auto& files = config_.renewal->previous_cas;
        for (std::size_t i = 0; i < files.size(); ++i) {
            const std::string path =
                config_.renewal->json_path + ".previous_cas[" + std::to_string(i) + "]";
            const auto loaded =
                context_.loader.certificates(files[i], path, Expiry::kWarning, advice);
            if (!loaded) continue;
            for (const Certificate& ca : *loaded) {
                const auto is_ca = ca.is_ca();
                if (!is_ca || !*is_ca) {
                    faults_.error(path, "'" + ca.subject_text() + "' is no CA certificate",
                                  "give the certificate that this endpoint's CA had before");
                }
                add_issuer(ca, path);
            }
        }
    }

    [[nodiscard]] bool is_own_name(const Certificate& ca) const {
        return parts_.ca != nullptr &&
               equal(ca.subject_der(), parts_.ca->backend->chain().front().subject_der());
    }

    void add_issuer(const Certificate& ca, const std::string& path) {
        auto key = ca.public_key();
        if (!key) return faults_.error(path, key.error().detail);
        context_.keys.add_elsewhere(*key);
        endpoint_->issuers.push_back({ca, std::move(*key)});
    }

    std::shared_ptr<const PreparedReply> prepare(const scep::StaticReply& reply) const {
        return std::make_shared<PreparedReply>(200, reply.content_type, reply.body,
                                               config_.next ? kRolloverHeaders : kStaticHeaders);
    }

    void prepare_replies(const BuiltCa& ca) {
        Endpoint& endpoint = *endpoint_;
        endpoint.capabilities =
            prepare(scep::ca_capabilities({.algorithms = endpoint.rules,
                                           .renewal = endpoint.renewal.has_value(),
                                           .next_ca = config_.next.has_value()}));
        prepare_ca_certificates(ca);
        endpoint.information_page =
            parts_.open_to_all ? open_information_page() : forbidden_information_page();
    }

    void prepare_ca_certificates(const BuiltCa& ca) {
        Endpoint& endpoint = *endpoint_;
        const auto& chain = ca.backend->chain();
        const CaCertShape shape = config_.shape.get_ca_cert;
        if (shape == CaCertShape::kSingle && config_.ra) {
            faults_.error(config_.json_path + ".get_ca_cert",
                          "is \"single\", but devices have to learn of the RA certificates",
                          "leave it out, or leave out 'ra'");
            return;
        }
        if (shape == CaCertShape::kIssuer) {
            if (config_.ra) {
                faults_.warn(config_.json_path + ".get_ca_cert",
                             "is \"issuer\": devices have to know the RA certificates already");
            }
            endpoint.ca_certificates = prepare(scep::ra_certificates({chain.front()}));
            return;
        }
        if (!config_.ra && (chain.size() == 1 || shape == CaCertShape::kSingle)) {
            endpoint.ca_certificates = prepare(scep::ca_certificate(chain.front()));
            return;
        }
        if (!endpoint.signer.certificate || endpoint.recipients.empty()) return;
        std::vector<Certificate> bundle;
        if (config_.ra) {
            bundle = {endpoint.signer.certificate, endpoint.recipients.front().certificate};
        }
        for (const auto& certificate : chain) {
            const bool root = certificate.self_issued() && !(certificate == chain.front());
            if (!root || shape == CaCertShape::kRaAndChain) bundle.push_back(certificate);
        }
        endpoint.ca_certificates = prepare(scep::ra_certificates(bundle));
    }

    const EndpointConfig& config_;
    const EndpointParts& parts_;
    RuntimeContext& context_;
    ConfigFaults& faults_;
    Expiry expiry_;
    std::shared_ptr<Endpoint> endpoint_ = std::make_shared<Endpoint>();
};

}  // namespace

std::shared_ptr<const Endpoint> build_endpoint(const EndpointConfig& config,
                                               const EndpointParts& parts,
                                               RuntimeContext& context) {
    const std::int64_t now = context.clock->now();
    const bool over = config.next && config.next->from <= now;
    EndpointBuilder builder(config, parts, context, over ? Expiry::kWarning : Expiry::kError);
    builder.judge_settings();
    auto endpoint = builder.build();
    if (!config.next) return endpoint;

    EndpointConfig later = config;
    later.json_path = config.next->json_path;
    later.ca = config.next->ca;
    later.ra = config.next->ra;
    later.next.reset();
    if (later.renewal) later.renewal->previous_cas.clear();  // judged once, joined below
    EndpointParts later_parts = parts;
    later_parts.ca = parts.next_ca;
    later_parts.successor = true;
    auto successor = EndpointBuilder(later, later_parts, context, Expiry::kError).build();
    if (!endpoint || !successor) return nullptr;
    join_rollover(*endpoint, successor, *config.next, context);
    return endpoint;
}

}  // namespace scepgate::server
