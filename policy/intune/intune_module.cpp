#include "policy/intune/intune_module.hpp"

#include "policy/grant_maker.hpp"
#include "policy/intune/codes.hpp"
#include "policy/intune/messages.hpp"
#include "policy/sid_names.hpp"

namespace scepgate::policy {
namespace {

Refusal refuse_by_intune(std::string code, std::string text) {
    Refusal refusal = refused(FailInfo::kBadRequest, std::move(code), std::move(text),
                              "correct the names in the device's SCEP profile of Intune");
    refusal.check = "names";
    return refusal;
}

/// What is looked at before anybody is asked.
std::optional<Refusal> judge_request(const certs::Csr& csr) {
    if (!csr.challenge()) {
        return refused({FailInfo::kBadMessageCheck, "ChallengePasswordMissing", "challengePassword",
                        "only devices with a SCEP profile of Intune can enrol here"},
                       "Intune's challenge", "none");
    }
    if (csr.subject().empty() && csr.requested().subject_alt_name.empty())
        return refuse_by_intune("SubjectNameMissing",
                                "the CSR has neither a subject nor a subjectAltName");
    if (const auto bounds = csr.subject().check_certifiable(); !bounds)
        return refuse_by_intune("SubjectNameInvalid", bounds.error().detail);
    return std::nullopt;
}

Refusal refuse_sid(std::string what, std::string expected, std::string found) {
    Refusal refusal = refuse_by_intune("SidNotGranted", std::move(what));
    refusal.expected = std::move(expected);
    refusal.found = std::move(found);
    return refusal;
}

/// The SIDs that the subjectAltName names; Intune has compared it with the profile, extensions of
/// other kinds it has not.
Result<std::optional<std::string>, Refusal> judge_sid(const certs::RequestedExtensions& requested) {
    std::optional<std::string> vouched;
    for (const certs::GeneralName& name : requested.subject_alt_name) {
        const auto sid = sid_in(name);
        if (!sid) continue;
        if (!is_sid(*sid) || (vouched && *vouched != *sid)) {
            std::string found = excerpt_of(name);
            return refuse_sid(
                "the subjectAltName has the account name " + found + ", which is not one SID",
                vouched.value_or("one SID"), std::move(found));
        }
        vouched = std::string(*sid);
    }
    if (requested.sid && requested.sid != vouched) {
        return refuse_sid("the CSR's extension asks for the account SID " + *requested.sid +
                              ", its subjectAltName for " + vouched.value_or("none") +
                              "; Intune vouches for the subjectAltName alone",
                          vouched.value_or("none"), *requested.sid);
    }
    // Without the extension in the CSR there is none in the certificate.
    return requested.sid ? vouched : std::nullopt;
}

/// All that can be judged here; the SID that the certificate gets.
Result<std::optional<std::string>, Refusal> judge_here(const certs::Csr& csr) {
    if (auto refusal = judge_request(csr)) return std::move(*refusal);
    return judge_sid(csr.requested());
}

/// Whether the challenge is the one that the CSR's octets hold, which are all that Intune is sent.
bool holds_its_challenge(const certs::Csr& csr) {
    const auto sent = certs::Csr::from_der(csr.der(), {}, true, &csr.public_key());
    return sent && sent->challenge() && csr.challenge() &&
           sent->challenge()->equals(csr.challenge()->view());
}

Refusal undecided(const Error& error) {
    Refusal refusal{FailInfo::kBadRequest, "IntuneUnavailable",
                    "Intune did not decide: " + error.detail, true};
    refusal.check = "Intune";
    refusal.hint = "see docs/intune.md, \"When something fails\"";
    return refusal;
}

}  // namespace

IntuneModule::IntuneModule(std::shared_ptr<intune::Api> api) : api_(std::move(api)) {}

boost::asio::awaitable<Result<Grant, Refusal>> IntuneModule::verify_request(
    const EnrollmentRequest& request) {
    auto sid = judge_here(request.csr);
    if (!sid) co_return sid.error();
    auto body = intune::validation_body(request, api_->settings().provider);
    const auto answer = co_await ask("validateRequest", std::move(body));
    if (!answer) co_return undecided(answer.error());
    const auto verdict = intune::read_verdict(*answer);
    if (!verdict) co_return undecided(verdict.error());
    if (!verdict->success()) co_return intune::refuse_by_code(verdict->code, verdict->description);

    GrantMaker maker(request, name());
    maker.names(request.csr.subject(), request.csr.requested().subject_alt_name)
        .sid(std::move(*sid));
    co_return std::move(maker).make();
}

boost::asio::awaitable<Explanation> IntuneModule::explain(const EnrollmentRequest& request,
                                                          Reach reach) {
    Explanation explanation;
    auto& verdicts = explanation.verdicts;
    if (const auto here = judge_here(request.csr); !here) {
        verdicts.push_back(failed(name(), here.error().check, here.error()));
        explanation.outcome = here.error();
        co_return explanation;
    }
    verdicts.push_back({.module = name(), .check = "names", .found = "of forms that are taken"});
    verdicts.push_back(skipped(name(), "challenge", "only Intune can look into its challenges"));
    if (!holds_its_challenge(request.csr)) {
        verdicts.push_back(skipped(name(), "Intune",
                                   "it reads the CSR alone, and another challenge was given",
                                   "let the device make a CSR with this challenge"));
        co_return explanation;
    }
    if (reach == Reach::kOffline) {
        verdicts.push_back(skipped(name(), "Intune", "it is a service, and was not asked",
                                   "to ask it now, add --online"));
        co_return explanation;
    }
    auto outcome = co_await verify_request(request);
    if (outcome) {
        verdicts.push_back({.module = name(), .check = "Intune", .found = "Success"});
    } else {
        verdicts.push_back(failed(name(), "Intune", outcome.error()));
    }
    explanation.outcome = std::move(outcome);
    co_return explanation;
}

boost::asio::awaitable<Result<void>> IntuneModule::notify(const TransactionOutcome& outcome) {
    // Of what it refused itself, Intune knows.
    if (outcome.granted_by != name()) co_return Result<void>();
    const std::string& provider = api_->settings().provider;
    auto body = outcome.issued
                    ? intune::success_body(*outcome.request, *outcome.issued, provider)
                    : intune::failure_body(*outcome.request, outcome.refused.value(), provider);
    const auto answer = co_await ask(outcome.issued ? "successNotification" : "failureNotification",
                                     std::move(body));
    if (!answer) co_return in_context("telling Intune", answer.error());
    const auto verdict = intune::read_verdict(*answer);
    if (!verdict) co_return in_context("telling Intune", verdict.error());
    if (verdict->success()) co_return Result<void>();
    const Refusal said = intune::refuse_by_code(verdict->code, verdict->description);
    co_return Error{Errc::kDenied, "Intune does not accept the notification: " + said.text + " [" +
                                       said.found + "]"};
}

boost::asio::awaitable<Result<std::string>> IntuneModule::ask(const char* action, Secret body) {
    intune::Service service{intune::kValidationService, api_->settings().validation_version};
    std::string path = std::string("ScepActions/") + action;
    co_return co_await api_->post(std::move(service), std::move(path), std::move(body));
}

}  // namespace scepgate::policy
