#include "policy/requested_names.hpp"

#include "policy/sid_names.hpp"

namespace scepgate::policy {
namespace {

Refusal refuse(std::string code, std::string text) {
    return {FailInfo::kBadRequest, std::move(code), std::move(text)};
}

}  // namespace

std::optional<Refusal> judge_requested_names(const certs::Csr& csr) {
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

}  // namespace scepgate::policy
