#include "policy/simple_modules.hpp"

#include "policy/grant_maker.hpp"
#include "policy/sid_names.hpp"

namespace scepgate::policy {
namespace {

Refusal refuse(std::string code, std::string text) {
    return {FailInfo::kBadRequest, std::move(code), std::move(text)};
}

/// What nobody gets for the asking, and what cannot be in a certificate.
std::optional<Refusal> judge_names(const certs::Csr& csr) {
    const certs::RequestedExtensions& requested = csr.requested();
    if (csr.subject().empty() && requested.subject_alt_name.empty()) {
        return refuse("SubjectNameMissing", "the CSR has neither a subject nor a subjectAltName");
    }
    if (const auto bounds = csr.subject().check_upper_bounds(); !bounds) {
        return refuse("SubjectNameInvalid", bounds.error().detail);
    }
    if (requested.sid) {
        return refuse("SidNotGranted", "the CSR asks for the account SID " + *requested.sid +
                                           "; only a policy that names it can grant one");
    }
    if (const auto* tag = find_microsoft_tag(requested.subject_alt_name)) {
        return refuse("SidNotGranted", "the CSR asks for the account name " + tag->text() +
                                           "; only a policy that names it can grant one");
    }
    return std::nullopt;
}

/// As the CSR asks, within the template: key usage and extended key usage stay the template's.
Result<Grant, Refusal> grant_as_asked(const EnrollmentRequest& request, const std::string& policy) {
    if (auto refusal = judge_names(request.csr)) return std::move(*refusal);
    GrantMaker maker(request, policy);
    maker.names(request.csr.subject(), request.csr.requested().subject_alt_name);
    return std::move(maker).make();
}

}  // namespace

StaticPasswordModule::StaticPasswordModule(std::string name, Secret password)
    : name_(std::move(name)), password_(std::move(password)) {}

boost::asio::awaitable<Result<Grant, Refusal>> StaticPasswordModule::verify_request(
    const EnrollmentRequest& request) {
    const std::optional<Secret>& challenge = request.csr.challenge();
    // On the wire the same, and the same as a challenge blob that is missing or wrong.
    if (!challenge) {
        co_return Refusal{FailInfo::kBadMessageCheck, "ChallengePasswordMissing",
                          "the CSR has no challengePassword; set the password in the client"};
    }
    if (!password_.equals(challenge->view())) {
        co_return Refusal{FailInfo::kBadMessageCheck, "ChallengeMismatch",
                          "the challengePassword is not the configured one"};
    }
    co_return grant_as_asked(request, name_);
}

OpenModule::OpenModule(std::string name) : name_(std::move(name)) {}

boost::asio::awaitable<Result<Grant, Refusal>> OpenModule::verify_request(
    const EnrollmentRequest& request) {
    co_return grant_as_asked(request, name_);
}

}  // namespace scepgate::policy
