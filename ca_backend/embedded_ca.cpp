#include "ca_backend/embedded_ca.hpp"

#include "ca_backend/name_beside_ca.hpp"
#include "ca_backend/pointers.hpp"
#include "ca_backend/template_extensions.hpp"
#include "certs/ca_oids.hpp"
#include "certs/dated_serial.hpp"
#include "certs/ocsp.hpp"

namespace scepgate::ca_backend {
namespace {

namespace oid = certs::oid;
using certs::Certificate;
using certs::Digest;

Error bad_ca(const EmbeddedCaSettings& settings, const std::string& fault) {
    return {Errc::kConfig, "CA \"" + settings.name + "\": " + fault};
}

Result<void> check_certificate(const EmbeddedCaSettings& settings) {
    const Certificate& ca = settings.chain.front();
    const auto key = ca.public_key();
    if (!key) return bad_ca(settings, "its certificate's key: " + key.error().detail);
    if (!(*key == settings.key.public_key())) {
        return bad_ca(settings,
                      "the key does not belong to the certificate " + ca.subject_text() +
                          "; give the key that the first certificate of the chain is for");
    }
    const auto is_ca = ca.is_ca();
    if (!is_ca) return bad_ca(settings, is_ca.error().detail);
    if (!*is_ca) {
        return bad_ca(settings, ca.subject_text() +
                                    " is not a CA certificate (basicConstraints lacks cA); the "
                                    "issuing CA's certificate comes first");
    }
    const auto usage = ca.key_usage();
    if (!usage) return bad_ca(settings, usage.error().detail);
    if (*usage && !(*usage)->has(certs::KeyUsageBit::kKeyCertSign)) {
        return bad_ca(
            settings,
            ca.subject_text() + " may not sign certificates: its key usage is " + (*usage)->text());
    }
    const auto subject = certs::Name::from_der(ca.subject_der());
    if (!subject) return bad_ca(settings, "its certificate's subject: " + subject.error().detail);
    if (subject->empty()) return bad_ca(settings, "its certificate has no subject");
    return {};
}

Result<void> check_chain(const EmbeddedCaSettings& settings) {
    for (std::size_t i = 0; i + 1 < settings.chain.size(); ++i) {
        const Certificate& lower = settings.chain[i];
        const Certificate& upper = settings.chain[i + 1];
        const auto key = upper.public_key();
        if (!key) return bad_ca(settings, upper.subject_text() + ": " + key.error().detail);
        if (!equal(lower.issuer_der(), upper.subject_der()) || !lower.signed_by(*key)) {
            return bad_ca(settings, "the chain is out of order: " + lower.subject_text() +
                                        " is not issued by " + upper.subject_text());
        }
    }
    return {};
}

Bytes issuer_key_identifier(const EmbeddedCaSettings& settings) {
    if (const auto own = settings.chain.front().subject_key_identifier()) return to_bytes(*own);
    return settings.key.public_key().key_identifier();
}

bool may_sign_crls(const Certificate& ca) {
    const auto usage = ca.key_usage();
    return usage && (!*usage || (*usage)->has(certs::KeyUsageBit::kCrlSign));
}

bool is_valid(const Certificate& ca, std::int64_t now) {
    return now >= ca.not_before() && now < ca.not_after();
}

std::string validity_text(const EmbeddedCaSettings& settings, std::int64_t now) {
    const Certificate& ca = settings.chain.front();
    return "CA \"" + settings.name + "\": its certificate is valid " +
           certs::utc_text(ca.not_before()) + " to " + certs::utc_text(ca.not_after()) +
           ", now is " + certs::utc_text(now);
}

Result<CrlPointers> crl_pointers(const CrlUrls& urls, bool deltas, bool named) {
    CrlPointers pointers;
    if (named && urls.complete.empty()) {
        return Error{Errc::kConfig,
                     "an issuing distribution point has the CRL's URLs, and it has none"};
    }
    if (named) pointers.issuing_distribution_point.emplace().uris = urls.complete;
    if (deltas) pointers.freshest_crl_urls = urls.freshest;
    return pointers;
}

std::function<Result<CrlPointers>()> crl_pointers_of(const EmbeddedCaSettings& settings) {
    const bool deltas = settings.delta_crl.has_value();
    const bool named = settings.issuing_distribution_point;
    if (settings.terms_elsewhere) {
        return [ask = settings.terms_elsewhere, deltas, named]() -> Result<CrlPointers> {
            const auto terms = ask();
            if (!terms) return terms.error();
            auto pointers = crl_pointers(terms->urls, deltas, named);
            if (pointers) pointers->least_base = terms->least_base;
            return pointers;
        };
    }
    return [urls = CrlUrls{settings.crl_urls, settings.freshest_crl_urls}, deltas, named] {
        return crl_pointers(urls, deltas, named);
    };
}

CrlSettings crl_settings(const EmbeddedCaSettings& settings, Digest digest) {
    CrlSettings crls;
    crls.ca = settings.name;
    crls.issuer_der = to_bytes(settings.chain.front().subject_der());
    crls.key_identifier = issuer_key_identifier(settings);
    crls.key = settings.key;
    crls.digest = digest;
    crls.not_before = settings.chain.front().not_before();
    crls.complete.validity = settings.crl_validity;
    crls.complete.period =
        settings.crl_period != 0 ? settings.crl_period : settings.crl_validity / 2;
    crls.delta = settings.delta_crl;
    crls.pointers = crl_pointers_of(settings);
    crls.record = settings.record_crl;
    return crls;
}

constexpr Reason kNotValid{
    FailInfo::kBadRequest, "CaNotValid", "CA",
    "renew the CA's certificate (docs/rollover.md), or set the server's clock", true};
constexpr Reason kSigningFailed{FailInfo::kBadRequest, "CaSigningFailed", "CA",
                                "look at the CA's key, or at the token that holds it", true};

}  // namespace

Result<std::shared_ptr<EmbeddedCa>> EmbeddedCa::create(EmbeddedCaSettings settings,
                                                       std::shared_ptr<const certs::Clock> clock) {
    if (settings.chain.empty()) return bad_ca(settings, "it has no certificate");
    if (!settings.key) return bad_ca(settings, "it has no key");
    for (const auto check : {check_certificate, check_chain}) {
        if (const auto sound = check(settings); !sound) return sound.error();
    }
    for (const auto* urls : {&settings.ca_issuers_urls, &settings.ocsp_urls, &settings.crl_urls,
                             &settings.freshest_crl_urls}) {
        if (const auto sound = check_urls(*urls); !sound) {
            return bad_ca(settings, sound.error().detail);
        }
    }
    if (settings.digest == Digest::kSha1) return bad_ca(settings, "SHA-1 is not for certificates");
    constexpr std::int64_t kHour = 3600;
    if (settings.crl_validity < kHour || settings.crl_validity > 400 * 24 * kHour) {
        return bad_ca(settings, "a CRL's validity must be between an hour and 400 days");
    }
    if (settings.crl_period < 0 || settings.crl_period > settings.crl_validity) {
        return bad_ca(settings, "a CRL must be followed by the next before its end");
    }
    if (const auto& delta = settings.delta_crl;
        delta && (delta->period <= 0 || delta->period > delta->validity)) {
        return bad_ca(settings, "a delta CRL must be followed by the next before its end");
    }
    if (!settings.terms_elsewhere) {
        const auto sound = crl_pointers_of(settings)();
        if (!sound) return bad_ca(settings, sound.error().detail);
    }
    for (const auto& [name, tmpl] : settings.templates) {
        const auto sound = check_template(tmpl);
        if (!sound) return bad_ca(settings, sound.error().detail);
    }
    auto constraints = NameConstraints::of_chain(settings.chain);
    if (!constraints) return bad_ca(settings, constraints.error().detail);
    return std::shared_ptr<EmbeddedCa>(
        new EmbeddedCa(std::move(settings), std::move(clock), *std::move(constraints)));
}

EmbeddedCa::EmbeddedCa(EmbeddedCaSettings settings, std::shared_ptr<const certs::Clock> clock,
                       NameConstraints name_constraints)
    : settings_(std::move(settings)),
      clock_(std::move(clock)),
      name_constraints_(std::move(name_constraints)),
      digest_(settings_.digest.value_or(certs::digest_for(settings_.key.public_key()))),
      basic_constraints_(certs::basic_constraints_extension(false)),
      authority_key_identifier_(
          certs::authority_key_identifier_extension(issuer_key_identifier(settings_))),
      may_sign_crls_(may_sign_crls(settings_.chain.front())),
      crl_maker_(crl_settings(settings_, digest_)) {
    const auto append = [this](Bytes extension) {
        if (!extension.empty()) pointers_.push_back(std::move(extension));
    };
    append(crl_distribution_points(oid::kCrlDistributionPoints, settings_.crl_urls));
    append(crl_distribution_points(oid::kFreshestCrl, settings_.freshest_crl_urls));
    append(authority_info_access(settings_.ocsp_urls, settings_.ca_issuers_urls));
}

boost::asio::awaitable<Result<IssueOutcome, Refusal>> EmbeddedCa::issue(
    const Grant& grant, const IssueContext& context) {
    co_return sign(grant, context);
}

Result<const Template*, Refusal> EmbeddedCa::find_template(const std::string& name) const {
    const auto found = settings_.templates.find(name);
    if (found != settings_.templates.end()) return &found->second;
    return refused({FailInfo::kBadRequest, "TemplateUnknown", "template",
                    "name one of the CA's templates under endpoints[].templates"},
                   "CA \"" + settings_.name + "\" has no template \"" + name + "\"");
}

Result<EmbeddedCa::Draft, Refusal> EmbeddedCa::draft(const Grant& grant,
                                                     const IssueContext& context) const {
    const Certificate& ca = settings_.chain.front();
    const std::int64_t now = clock_->now();
    if (!is_valid(ca, now)) return refused(kNotValid, validity_text(settings_, now));
    const auto found = find_template(context.template_name);
    if (!found) return found.error();
    const Template& tmpl = **found;
    const auto plan = plan_certificate(tmpl, grant, now);
    if (!plan) return plan.error();
    if (plan->subject.empty() && grant.subject_alt_name().empty()) {
        return refused({FailInfo::kBadRequest, "SubjectNameMissing", "subject",
                        "set a subject in the client's profile, or have the policy grant one"},
                       "the grant has neither a subject nor a subject alternative name");
    }
    // Of a certificate that is renewed, or of whoever asks a signer: policies refuse it before.
    if (const auto legal = plan->subject.check_legal_form(); !legal) {
        return refused({FailInfo::kBadRequest, "SubjectNameInvalid", "subject",
                        "correct the subject in the client's profile; whoever has such a name "
                        "already has to enrol anew"},
                       legal.error().detail);
    }
    if (const auto permitted = name_constraints_.permit(
            plan->subject.der(), grant.subject_alt_name(), grant.public_key());
        !permitted) {
        return refused({FailInfo::kBadRequest, "NameNotPermitted", "name constraints",
                        "the name constraints of the CA's own certificate do not allow it: use "
                        "another CA for such names"},
                       permitted.error().detail);
    }

    Draft draft{{}, *plan};
    certs::CertificateContents& contents = draft.contents;
    contents.serial = certs::dated_serial(now);
    contents.issuer_der = to_bytes(ca.subject_der());
    contents.subject_der = plan->subject.der();
    contents.not_before = std::max(now - tmpl.backdate, ca.not_before());
    contents.not_after = std::min(now + plan->validity, ca.not_after());
    contents.spki = to_bytes(grant.public_key().spki());
    contents.extensions = extensions(tmpl, grant, *plan);
    if (contents.not_after < now + plan->validity) {
        draft.plan.notes.push_back("notAfter clamped to the CA's, " +
                                   certs::utc_text(ca.not_after()));
    }
    if (grant.sid()) {
        if (!tmpl.sid_extension) {
            draft.plan.notes.push_back("the grant's SID was left out: template \"" + tmpl.name +
                                       "\" has no sid_extension");
        } else {
            const Bytes value = certs::encode_sid_extension(*grant.sid());
            if (const auto sid = certs::parse_sid_extension(value); !sid) {
                return refused({FailInfo::kBadRequest, "SidInvalid", "SID",
                                "correct the account SID that the policy grants"},
                               sid.error().detail);
            }
            contents.extensions.push_back(
                certs::encode_extension(oid::kNtdsCaSecurity, false, value));
        }
    }

    return draft;
}

Result<std::optional<certs::Name>, Refusal> EmbeddedCa::built_subject(
    const Grant& grant, const std::string& template_name) const {
    const auto found = settings_.templates.find(template_name);
    if (found == settings_.templates.end() || !found->second.subject) {
        return std::optional<certs::Name>();
    }
    auto built = found->second.subject->build(source_of(grant));
    if (!built) return built.error();
    return std::optional(*std::move(built));
}

Result<std::optional<IssuePreview>, Refusal> EmbeddedCa::preview(const Grant& grant,
                                                                 const IssueContext& context) {
    auto made = draft(grant, context);
    if (!made) return made.error();
    const CertificatePlan& plan = made->plan;
    return std::optional(IssuePreview{made->contents.not_before, made->contents.not_after,
                                      plan.notes, plan.subject.text(), plan.key_usage.text(),
                                      certs::to_text(plan.extended_key_usage)});
}

Result<IssueOutcome, Refusal> EmbeddedCa::sign(const Grant& grant,
                                               const IssueContext& context) const {
    auto made = draft(grant, context);
    if (!made) return made.error();
    auto certificate = certs::build_certificate(made->contents, settings_.key, digest_);
    if (!certificate) {
        return refused(kSigningFailed,
                       "CA \"" + settings_.name + "\": " + certificate.error().detail);
    }
    return IssueOutcome(IssuedCertificate{*std::move(certificate), std::move(made->plan.notes)});
}

boost::asio::awaitable<Result<void>> EmbeddedCa::revoke(Store& store, Bytes serial,
                                                        certs::RevocationReason reason) {
    RevocationOrder order{{crl_maker_.issuer(), std::move(serial)}, reason, clock_->now()};
    const auto revoked = co_await store.revoke(std::move(order));
    if (!revoked) co_return revoked.error();
    co_return Result<void>();
}

boost::asio::awaitable<Result<certs::Crl>> EmbeddedCa::crl(Store& store, CrlWanted wanted) {
    if (!may_sign_crls_) {
        co_return Error{
            Errc::kUnsupported,
            "CA \"" + settings_.name + "\" may not sign CRLs: its key usage lacks cRLSign"};
    }
    const std::int64_t now = clock_->now();
    if (!is_valid(settings_.chain.front(), now)) {
        co_return Error{Errc::kUnavailable, validity_text(settings_, now)};
    }
    co_return co_await crl_maker_.current(store, now, wanted);
}

Result<certs::Certificate> EmbeddedCa::certify_ocsp_responder(const certs::PublicKey& key,
                                                              std::int64_t lifetime) const {
    const Certificate& ca = settings_.chain.front();
    const std::int64_t now = clock_->now();
    if (!is_valid(ca, now)) return Error{Errc::kUnavailable, validity_text(settings_, now)};
    const auto subject = name_beside_ca(settings_.chain, kOcspResponderName, key);
    if (!subject) return in_context("the OCSP responder's certificate", subject.error());
    constexpr std::int64_t kBackdate = 600;
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.issuer_der = to_bytes(ca.subject_der());
    contents.subject_der = subject->der();
    contents.not_before = std::max(now - kBackdate, ca.not_before());
    contents.not_after = std::min(now + lifetime, ca.not_after());
    contents.spki = to_bytes(key.spki());
    contents.extensions = {
        basic_constraints_,
        certs::key_usage_extension({certs::KeyUsageBit::kDigitalSignature}),
        certs::extended_key_usage_extension(
            {Bytes(oid::kEkuOcspSigning.begin(), oid::kEkuOcspSigning.end())}),
        certs::subject_key_identifier_extension(key),
        authority_key_identifier_,
        certs::ocsp_no_check_extension(),
    };
    return certs::build_certificate(contents, settings_.key, digest_);
}

std::vector<Bytes> EmbeddedCa::extensions(const Template& tmpl, const Grant& grant,
                                          const CertificatePlan& plan) const {
    std::vector<Bytes> all;
    all.push_back(basic_constraints_);
    for (Bytes& extension : template_extensions(tmpl, plan))
        all.push_back(std::move(extension));
    all.push_back(certs::subject_key_identifier_extension(grant.public_key()));
    all.push_back(authority_key_identifier_);
    if (!grant.subject_alt_name().empty()) {
        // RFC 5280 section 4.1.2.6: with an empty subject the names stand here alone.
        all.push_back(
            certs::subject_alt_name_extension(grant.subject_alt_name(), plan.subject.empty()));
    }
    all.insert(all.end(), pointers_.begin(), pointers_.end());
    return all;
}

}  // namespace scepgate::ca_backend
