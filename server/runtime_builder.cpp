#include "server/runtime_builder.hpp"

#include <algorithm>

#include "server/ca_names.hpp"
#include "server/config_intune_judge.hpp"
#include "server/config_policy_rule.hpp"
#include "server/renewal_advice.hpp"
#include "server/runtime_endpoint.hpp"
#include "server/runtime_publishing.hpp"
#include "server/runtime_webhook.hpp"
#include "server/template_advice.hpp"

namespace scepgate::server {
namespace {

ApprovalRule approval_of(const std::string& name, const Config& config) {
    const auto found = config.templates.find(name);
    if (found == config.templates.end()) return {};
    return {found->second.approval, found->second.approval_expires};
}

std::array<ApprovalRule, 3> approvals_of(const EndpointConfig& endpoint, const Config& config) {
    return {approval_of(endpoint.signature_template, config),
            approval_of(endpoint.encryption_template, config),
            approval_of(endpoint.general_purpose_template, config)};
}

std::array<std::map<std::string, ApprovalRule>, 3> other_templates_of(
    const EndpointConfig& endpoint, const Config& config) {
    std::array<std::map<std::string, ApprovalRule>, 3> all;
    for (std::size_t purpose = 0; purpose < all.size(); ++purpose) {
        for (const std::string& name : endpoint.other_templates[purpose])
            all[purpose][name] = approval_of(name, config);
    }
    return all;
}

/// A CA that issues for no endpoint, now or later: it may expire, and its CRL may be needed still.
bool is_retired(const std::string& ca, const Config& config, std::int64_t now) {
    return std::none_of(config.endpoints.begin(), config.endpoints.end(), [&](const auto& one) {
        if (!one.next) return one.ca == ca;
        return one.next->ca == ca || (one.ca == ca && one.next->from > now);
    });
}

/// An endpoint issues by it, now or later.
bool is_named(const std::string& ca, const Config& config) {
    return std::any_of(config.endpoints.begin(), config.endpoints.end(), [&](const auto& one) {
        return one.ca == ca || (one.next && one.next->ca == ca);
    });
}

/// What the CAs put on the plain listener.
Publications build_publications(const Config& config, const std::map<std::string, BuiltCa>& cas,
                                const RuntimeContext& context) {
    std::vector<Publication> all;
    PublisherDuties duties;
    for (const auto& [name, ca] : cas) {
        const CaConfig& wanted = config.cas.at(name);
        if (!wanted.crl && !wanted.ocsp && wanted.certificate_path.empty()) continue;
        Publication made;
        made.ca = ca.backend;
        made.certificate_path = wanted.certificate_path;
        if (wanted.crl) {
            made.crl_path = wanted.crl->path;
            if (wanted.crl->delta) made.delta_path = wanted.crl->delta->path;
            add_duties(name, wanted, ca, duties);
        }
        if (wanted.ocsp) {
            made.ocsp_path = wanted.ocsp->path;
            ca_backend::OcspSettings settings;
            settings.ca = ca.backend->chain().front();
            settings.certify = ca.certify_responder;
            settings.period = wanted.ocsp->period;
            settings.uncached_per_second = wanted.ocsp->uncached_per_second;
            auto ocsp = ca_backend::OcspResponder::create(std::move(settings), context.clock);
            if (ocsp) {
                made.ocsp = *std::move(ocsp);
            } else {
                context.faults.error(wanted.json_path + ".ocsp", ocsp.error().detail);
            }
        }
        all.push_back(std::move(made));
    }
    judge_files(duties, config, context.faults);
    return Publications(std::move(all), std::move(duties), context.services.store);
}

}  // namespace

std::shared_ptr<const Runtime> build_runtime(const Config& config,
                                             std::shared_ptr<const certs::Clock> clock,
                                             ConfigFaults& faults, RuntimeServices services) {
    RuntimeContext context(std::move(clock), faults, std::move(services));
    context.config_file = config.file;
    const auto templates = build_templates(config.templates, faults);
    judge_ca_names(config, faults);
    std::map<std::string, BuiltCa> cas;
    for (const auto& [name, ca] : config.cas) {
        if (!is_named(name, config) && awaits_certificate(ca)) {
            tell_of_awaited_certificate(name, ca, context, Expiry::kWarning);
            continue;
        }
        const std::int64_t now = context.clock->now();
        const auto expiry = is_retired(name, config, now) ? Expiry::kWarning : Expiry::kError;
        auto built =
            build_ca(name, ca, templates, context, expiry, renewal_of_ca(config, name, now));
        if (built) cas.emplace(name, std::move(*built));
    }
    if (templates) {
        CaChains chains;
        for (const auto& [name, ca] : cas)
            chains[name] = ca.backend->chain();
        judge_templates(config, *templates, chains, context.clock->now(), faults);
    }
    PolicyModules policies;
    for (const auto& [name, policy] : config.policies)
        policies[name] = build_policy(name, policy, context);

    std::vector<std::shared_ptr<const Endpoint>> endpoints;
    for (const auto& endpoint : config.endpoints) {
        EndpointParts parts;
        if (const auto ca = cas.find(endpoint.ca); ca != cas.end()) parts.ca = &ca->second;
        if (endpoint.next) {
            const auto next = cas.find(endpoint.next->ca);
            if (next != cas.end()) parts.next_ca = &next->second;
        }
        parts.policy = compose_policy(endpoint.policy, policies, faults);
        parts.open_to_all = is_open_to_all(endpoint.policy, config);
        parts.approvals = approvals_of(endpoint, config);
        parts.other_templates = other_templates_of(endpoint, config);
        endpoints.push_back(build_endpoint(endpoint, parts, context));
    }
    // The listeners load theirs themselves; here they are judged with all other keys.
    auto listeners = config.http.listen;
    if (config.admin) {
        const auto& more = config.admin->http.listen;
        listeners.insert(listeners.end(), more.begin(), more.end());
    }
    for (const auto& listener : listeners) {
        if (!listener.tls) continue;
        if (listener.client_ca) {
            const std::string at = listener.json_path + ".client_ca";
            if (!context.loader.certificates(*listener.client_ca, at)) continue;
        }
        if (const auto loaded = context.loader.credential(*listener.tls)) {
            if (!loaded->key.is_here()) {
                faults.error(listener.tls->json_path + ".key",
                             "TLS is not served with a token's key", "give it a key in a file");
                continue;
            }
            context.keys.add(KeyRole::kTls, listener.tls->json_path + ".key",
                             loaded->key.public_key());
        }
    }
    auto notifiers = build_notifiers(config, context);
    auto publications = build_publications(config, cas, context);
    context.keys.judge(faults);
    if (faults.has_errors()) return nullptr;
    auto runtime =
        std::make_shared<Runtime>(std::move(endpoints), config.http.limits.body, context.clock,
                                  std::move(policies), std::move(notifiers));
    for (RevocationFeed& feed : context.revocation_feeds) {
        feed.policies = policies_of_tenant(feed.policy, config);
        for (const auto& [name, ca] : cas)
            feed.issuers.push_back(ca.backend->chain().front().subject_text());
    }
    runtime->set_publications(std::move(publications));
    runtime->set_revocation_feeds(std::move(context.revocation_feeds));
    return runtime;
}

}  // namespace scepgate::server
