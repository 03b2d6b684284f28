#include "server/signer/service.hpp"

#include "ca_backend/ocsp_responder.hpp"
#include "ca_backend/wait_for.hpp"
#include "certs/csr.hpp"
#include "certs/der.hpp"
#include "policy/grant_record.hpp"
#include "server/signer/reasons.hpp"

namespace scepgate::server::signer {
namespace {

using certs::Certificate;

/// What records have in place of a template's name, for an OCSP responder's certificate.
const std::string kResponderTemplate = "(OCSP responder)";

/// The same for every attempt with one key.
Sha256 responder_order_id(const SigningCa& ca, const ResponderOrder& order) {
    namespace der = certs::der;
    return sha256(der::sequence({der::utf8_string("scepgate OCSP responder"),
                                 der::octet_string(key_hash(ca)), der::octet_string(order.csr)}));
}

/// The rules, against what was granted, and against the subject that the template builds of it.
Result<void, Refusal> check_rules(const SignerRuntime& runtime, const SigningCa& ca,
                                  const Grant& grant, const std::string& template_name) {
    if (!runtime.rules) return {};
    const auto judge = [&](const certs::Name& subject) {
        return policy::judge_rules(
            *runtime.rules, {subject, grant.subject_alt_name(), grant.sid(), &grant.public_key()});
    };
    auto broken = judge(grant.subject());
    if (broken) return *std::move(broken);
    const auto built = ca.backend->built_subject(grant, template_name);
    if (!built) return built.error();
    if (!*built) return {};
    broken = judge(**built);
    if (broken) return *std::move(broken);
    return {};
}

/// Of the rules, the one that is for keys that others have; the rest is for devices.
std::optional<Refusal> judge_blocked(const SignerRuntime& runtime, const certs::PublicKey& key) {
    if (!runtime.rules) return std::nullopt;
    policy::IssuanceRules rules;
    rules.where = runtime.rules->where;
    rules.keys.blocked = runtime.rules->keys.blocked;
    return policy::judge_rules(rules, {certs::Name(), {}, {}, &key});
}

}  // namespace

/// An order whose Grant and request were found to belong together.
struct SignerService::Judged {
    const SigningCa& ca;
    Grant grant;
};

/// The right to work on one order; whoever comes with the same one waits.
class SignerService::Turn {
public:
    Turn(SignerService& service, const Sha256& id) : service_(service), id_(id) {
        std::unique_lock lock(service_.turns_mutex_);
        service_.turn_over_.wait(lock, [&] { return service_.at_work_.insert(id_).second; });
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
        {
            const std::lock_guard lock(service_.turns_mutex_);
            service_.at_work_.erase(id_);
        }
        service_.turn_over_.notify_all();
    }

private:
    SignerService& service_;
    const Sha256& id_;
};

bool SignerRuntime::is_own_key(const certs::PublicKey& key) const {
    return std::any_of(cas.begin(), cas.end(),
                       [&](const auto& each) { return each.second.key.public_key() == key; });
}

Result<std::unique_ptr<SignerService>> SignerService::create(
    SignerParts parts, std::shared_ptr<const SignerRuntime> runtime) {
    const auto before = parts.records->counts_since(parts.clock->now() - 86'400);
    if (!before) return before.error();
    std::unique_ptr<SignerService> service(new SignerService(std::move(parts), std::move(runtime)));
    for (const SignedCount& each : *before) {
        const bool responder = each.template_name == kResponderTemplate;
        auto& counter = responder ? service->responder_rate_ : service->rates_;
        counter.add(each.template_name, each.at, each.count);
    }
    return service;
}

void SignerService::replace(std::shared_ptr<const SignerRuntime> runtime) {
    const std::lock_guard lock(runtime_mutex_);
    runtime_ = std::move(runtime);
}

std::shared_ptr<const SignerRuntime> SignerService::runtime() const {
    const std::lock_guard lock(runtime_mutex_);
    return runtime_;
}

Answer SignerService::answer(const Order& order, const std::string& peer) {
    return std::visit([&](const auto& each) { return answer_one(each, peer); }, order);
}

Answer SignerService::answer_one(const DescribeOrder& order, const std::string& peer) {
    const auto current = runtime();
    const auto ca = current->cas.find(order.ca);
    if (ca == current->cas.end()) {
        return note(refused(reason::kCaUnknown, "one of 'cas'", order.ca), "describe", order.ca,
                    peer);
    }
    const Certificate& certificate = ca->second.backend->chain().front();
    const ca_backend::CrlUrls& urls = ca->second.crl_urls;
    const auto base = parts_.records->oldest_complete_crl(key_hash(ca->second));
    if (!base) {
        return note(refused(reason::kRecordsUnavailable, base.error().detail), "describe", order.ca,
                    peer);
    }
    return Description{to_bytes(certificate.der()), current->templates, urls.complete,
                       urls.freshest, base->value_or(Description::kNoBase)};
}

Answer SignerService::answer_one(const IssueOrder& order, const std::string& peer) {
    const auto current = runtime();
    auto issued = issue(*current, order, peer);
    if (!issued) return note(issued.error(), "issue", order.ca, peer);
    return *std::move(issued);
}

Answer SignerService::answer_one(const CrlOrder& order, const std::string& peer) {
    const auto current = runtime();
    const auto ca = current->cas.find(order.ca);
    if (ca == current->cas.end()) {
        return note(refused(reason::kCaUnknown, "one of 'cas'", order.ca), "crl", order.ca, peer);
    }
    auto made = parts_.crls->sign(ca->second, current->crls, order, peer);
    if (!made) return note(made.error(), "crl", order.ca, peer);
    return *std::move(made);
}

Answer SignerService::answer_one(const ResponderOrder& order, const std::string& peer) {
    const auto current = runtime();
    auto made = certify_responder(*current, order, peer);
    if (!made) return note(made.error(), "certify_responder", order.ca, peer);
    return *std::move(made);
}

Result<IssuedAnswer, Refusal> SignerService::issue(const SignerRuntime& runtime,
                                                   const IssueOrder& order,
                                                   const std::string& peer) {
    const auto ca = runtime.cas.find(order.ca);
    if (ca == runtime.cas.end()) return refused(reason::kCaUnknown, "one of 'cas'", order.ca);
    auto grant = policy::GrantRecord::decode(order.grant);
    if (!grant) return refused(reason::kGrantMalformed, grant.error().detail);
    const auto csr = certs::Csr::from_der(order.csr, {}, true, &grant->public_key());
    if (!csr) return refused(reason::kProofInvalid, csr.error().detail);
    if (!(csr->public_key() == grant->public_key())) {
        return refused(reason::kKeyMismatch, "the key of the device's request",
                       grant->public_key().text() + " of another");
    }
    if (runtime.is_own_key(grant->public_key())) {
        return refused(reason::kKeyIsSigners, "the request is for a CA's own key");
    }
    if (grant->template_name() && *grant->template_name() != order.template_name) {
        return refused(reason::kTemplateMismatch, *grant->template_name(), order.template_name);
    }
    if (const auto kept = check_rules(runtime, ca->second, *grant, order.template_name); !kept) {
        return kept.error();
    }
    if (const auto own = check_compromise(grant->public_key()); !own) return own.error();
    const Judged judged{ca->second, *std::move(grant)};

    const Turn turn(*this, order.id);
    auto before = parts_.records->find_order(order.id, parts_.clock->now());
    if (!before) return refused(reason::kRecordsUnavailable, before.error().detail);
    if (!*before) return sign_new(runtime, order, judged, peer);
    AuditRecord line("retry", parts_.clock->now());
    line.add("ca", order.ca).add("transaction_id", order.transaction_id).add("peer", peer);
    if (const auto written = parts_.audit->write(line); !written)
        return refused(reason::kAuditUnavailable, written.error().detail);
    return IssuedAnswer{**std::move(before), {"signed for an earlier attempt"}};
}

Result<void, Refusal> SignerService::check_compromise(const certs::PublicKey& key) {
    const auto compromised = parts_.records->is_compromised(sha256(key.spki()));
    if (!compromised) return refused(reason::kRecordsUnavailable, compromised.error().detail);
    if (!*compromised) return {};
    return refused(reason::kKeyCompromised,
                   "a certificate of this key was revoked as keyCompromise");
}

Result<IssuedAnswer, Refusal> SignerService::sign_new(const SignerRuntime& runtime,
                                                      const IssueOrder& order, const Judged& judged,
                                                      const std::string& peer) {
    // The counter remembers each name that it is asked for.
    const auto known = judged.ca.backend->find_template(order.template_name);
    if (!known) return known.error();
    const std::int64_t now = parts_.clock->now();
    if (const auto reached = rates_.take(runtime.rates, order.template_name, now)) {
        return refused(reason::kRateLimited,
                       "at most " + std::to_string(reached->most) + " a " + reached->period +
                           " of " + reached->scope,
                       "one more");
    }
    ca_backend::IssueContext context;
    context.endpoint = order.endpoint;
    context.template_name = order.template_name;
    context.transaction_id = order.transaction_id;
    auto issued = ca_backend::wait_for(judged.ca.backend->issue(judged.grant, context));
    auto* made = issued ? std::get_if<ca_backend::IssuedCertificate>(&*issued) : nullptr;
    Result<void, Refusal> recorded;
    if (made != nullptr) recorded = record(order, judged, made->certificate, peer);
    if (made == nullptr || !recorded) {
        rates_.give_back(order.template_name, now);
        if (!issued) return issued.error();
        if (made != nullptr) return recorded.error();
        return refused(reason::kRecordsUnavailable, "the CA wants to decide later");
    }
    return IssuedAnswer{to_bytes(made->certificate.der()), std::move(made->notes)};
}

Result<void, Refusal> SignerService::record(const IssueOrder& order, const Judged& judged,
                                            const Certificate& certificate,
                                            const std::string& peer) {
    const Grant& grant = judged.grant;
    AuditRecord line("sign", parts_.clock->now());
    line.add("ca", order.ca)
        .add("template", order.template_name)
        .add("serial", certificate.serial_hex())
        .add("sha256", to_hex(sha256(certificate.der())))
        .add("subject", certificate.subject_text())
        .add_if("subject_alt_name", certs::to_text(grant.subject_alt_name()))
        .add("not_after", certs::utc_text(certificate.not_after()))
        .add("key_sha256", to_hex(sha256(certificate.spki())))
        .add("policy", grant.policy())
        .add_if("device_id", grant.device_id())
        .add_if("endpoint", order.endpoint)
        .add_if("transaction_id", order.transaction_id)
        .add("peer", peer);
    if (const auto written = parts_.audit->write(line); !written)
        return refused(reason::kAuditUnavailable, written.error().detail);
    SignedRow row;
    row.id = order.id;
    row.ca = key_hash(judged.ca);
    row.template_name = order.template_name;
    row.serial = ca_backend::certificate_id(certificate).serial;
    row.at = parts_.clock->now();
    row.not_after = certificate.not_after();
    row.certificate = to_bytes(certificate.der());
    row.key = sha256(certificate.spki());
    if (const auto added = parts_.records->add(row); !added)
        return refused(reason::kRecordsUnavailable, added.error().detail);
    return {};
}

Result<IssuedAnswer, Refusal> SignerService::certify_responder(const SignerRuntime& runtime,
                                                               const ResponderOrder& order,
                                                               const std::string& peer) {
    const auto ca = runtime.cas.find(order.ca);
    if (ca == runtime.cas.end()) return refused(reason::kCaUnknown, "one of 'cas'", order.ca);
    const auto csr = certs::Csr::from_der(order.csr, {}, /*allow_sha1=*/false);
    if (!csr) return refused(reason::kProofInvalid, csr.error().detail);
    const certs::PublicKey& key = csr->public_key();
    if (runtime.is_own_key(key)) {
        return refused(reason::kKeyIsSigners, "the request is for a CA's own key");
    }
    // Whoever has the key of a stolen device would answer that nothing is revoked.
    if (const auto own = check_compromise(key); !own) return own.error();
    if (auto blocked = judge_blocked(runtime, key)) return *std::move(blocked);
    const Sha256 id = responder_order_id(ca->second, order);
    const Turn turn(*this, id);
    auto before = parts_.records->find_order(id, parts_.clock->now());
    if (!before) return refused(reason::kRecordsUnavailable, before.error().detail);
    if (*before) return IssuedAnswer{**std::move(before), {"signed for an earlier attempt"}};
    const auto made = sign_responder(ca->second, key, runtime);
    if (!made) return made.error();
    AuditRecord line("certify_responder", parts_.clock->now());
    line.add("ca", order.ca)
        .add("serial", made->serial_hex())
        .add("sha256", to_hex(sha256(made->der())))
        .add("not_after", certs::utc_text(made->not_after()))
        .add("key_sha256", to_hex(sha256(made->spki())))
        .add("peer", peer);
    if (const auto written = parts_.audit->write(line); !written)
        return refused(reason::kAuditUnavailable, written.error().detail);
    const SignedRow row{id,
                        key_hash(ca->second),
                        kResponderTemplate,
                        ca_backend::certificate_id(*made).serial,
                        parts_.clock->now(),
                        made->not_after(),
                        to_bytes(made->der()),
                        sha256(made->spki())};
    if (const auto added = parts_.records->add(row); !added)
        return refused(reason::kRecordsUnavailable, added.error().detail);
    return IssuedAnswer{to_bytes(made->der()), {}};
}

Result<Certificate, Refusal> SignerService::sign_responder(const SigningCa& ca,
                                                           const certs::PublicKey& key,
                                                           const SignerRuntime& runtime) {
    RateRules rules;
    rules.in_all.per_day = runtime.responders_per_day;
    const bool none = runtime.responders_per_day == 0;
    if (none || responder_rate_.take(rules, kResponderTemplate, parts_.clock->now())) {
        return refused(reason::kRateLimited,
                       "at most " + std::to_string(runtime.responders_per_day) +
                           " OCSP responders a day (limits.ocsp_responders_per_day)",
                       "one more");
    }
    auto made = ca.backend->certify_ocsp_responder(key, ca_backend::kOcspResponderLifetime);
    if (!made) {
        responder_rate_.give_back(kResponderTemplate, parts_.clock->now());
        return refused(reason::kSigningFailed, made.error().detail);
    }
    return *std::move(made);
}

Refusal SignerService::note(Refusal refusal, std::string_view order, const std::string& ca,
                            const std::string& peer) {
    AuditRecord line("refuse", parts_.clock->now());
    line.add("order", order)
        .add("ca", ca)
        .add("code", refusal.code)
        .add("reason", refusal.text)
        .add("peer", peer);
    // That it is refused stands in the log at least.
    const auto written = parts_.audit->write(line);
    LogFields fields;
    fields.add("order", order)
        .add("ca", ca)
        .add("code", refusal.code)
        .add("reason", refusal.text)
        .add("peer", peer);
    if (!written) fields.add("audit", written.error().detail);
    parts_.log->warn("refused", fields);
    return refusal;
}

}  // namespace scepgate::server::signer
