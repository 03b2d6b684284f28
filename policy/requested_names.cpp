#include "policy/requested_names.hpp"

#include "policy/sid_names.hpp"

namespace scepgate::policy {
namespace {

Refusal refuse_names(std::string code, std::string what, std::string hint) {
    Refusal refusal =
        refused(FailInfo::kBadRequest, std::move(code), std::move(what), std::move(hint));
    refusal.check = "names";
    return refusal;
}

Refusal refuse_account(const std::string& what, const std::string& asked) {
    Refusal refusal = refuse_names("SidNotGranted", "the CSR asks for " + what + " " + asked,
                                   "only a policy that names the account can grant it");
    refusal.expected = "none";
    refusal.found = asked;
    return refusal;
}

}  // namespace

std::optional<Refusal> judge_requested_names(const certs::Csr& csr) {
    const certs::RequestedExtensions& requested = csr.requested();
    if (csr.subject().empty() && requested.subject_alt_name.empty()) {
        return refuse_names("SubjectNameMissing",
                            "the CSR has neither a subject nor a subjectAltName",
                            "set a subject in the client's profile");
    }
    if (const auto bounds = csr.subject().check_certifiable(); !bounds) {
        return refuse_names("SubjectNameInvalid", bounds.error().detail,
                            "correct the subject in the client's profile");
    }
    if (requested.sid) return refuse_account("the account SID", *requested.sid);
    if (const auto* tag = find_microsoft_tag(requested.subject_alt_name))
        return refuse_account("the account name", excerpt_of(*tag));
    return std::nullopt;
}

}  // namespace scepgate::policy
