#include "policy/requested_names.hpp"

#include "policy/sid_names.hpp"

namespace scepgate::policy {
namespace {

constexpr const char* kGrantedByName = "only a policy that names the account can grant it";

Refusal refuse(std::string code, std::string what, std::string hint) {
    Refusal refusal =
        refused(FailInfo::kBadRequest, std::move(code), std::move(what), std::move(hint));
    refusal.check = "names";
    return refusal;
}

}  // namespace

std::optional<Refusal> judge_requested_names(const certs::Csr& csr) {
    const certs::RequestedExtensions& requested = csr.requested();
    if (csr.subject().empty() && requested.subject_alt_name.empty()) {
        return refuse("SubjectNameMissing", "the CSR has neither a subject nor a subjectAltName",
                      "set a subject in the client's profile");
    }
    if (const auto bounds = csr.subject().check_upper_bounds(); !bounds) {
        return refuse("SubjectNameInvalid", bounds.error().detail,
                      "shorten the subject in the client's profile");
    }
    if (requested.sid) {
        return refuse("SidNotGranted", "the CSR asks for the account SID " + *requested.sid,
                      kGrantedByName);
    }
    if (const auto* tag = find_microsoft_tag(requested.subject_alt_name)) {
        return refuse("SidNotGranted", "the CSR asks for the account name " + tag->text(),
                      kGrantedByName);
    }
    return std::nullopt;
}

}  // namespace scepgate::policy
