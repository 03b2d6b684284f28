#include "policy/grant_maker.hpp"

#include <stdexcept>

namespace scepgate::policy {

GrantMaker::GrantMaker(const EnrollmentRequest& request, std::string policy_name)
    : grant_(request.csr.public_key()),
      requested_usages_(request.csr.requested().extended_key_usage) {
    grant_.purpose_ = request.purpose;
    grant_.policy_ = std::move(policy_name);
    grant_.requested_validity_ = request.csr.requested_validity();
    const certs::RequestedExtensions& requested = request.csr.requested();
    if (requested.ca) grant_.stripped_.emplace_back("basicConstraints CA:TRUE");
    grant_.stripped_.insert(grant_.stripped_.end(), requested.others.begin(),
                            requested.others.end());
}

GrantMaker& GrantMaker::names(certs::Name subject, certs::GeneralNames subject_alt_name,
                              NamesBy by) {
    grant_.subject_ = in_legal_form(std::move(subject));
    grant_.san_ = std::move(subject_alt_name);
    grant_.names_by_module_ = by == NamesBy::kModule;
    return *this;
}

GrantMaker& GrantMaker::key_usage(std::optional<certs::KeyUsage> usage) {
    grant_.ku_ = usage;
    return *this;
}

GrantMaker& GrantMaker::extended_key_usage(std::optional<certs::ExtendedKeyUsage> usages) {
    grant_.eku_ = std::move(usages);
    return *this;
}

GrantMaker& GrantMaker::template_name(std::optional<std::string> name) {
    grant_.template_ = std::move(name);
    return *this;
}

GrantMaker& GrantMaker::purpose(certs::Purpose purpose) {
    grant_.purpose_ = purpose;
    return *this;
}

GrantMaker& GrantMaker::max_validity(std::optional<std::int64_t> seconds) {
    grant_.validity_ = seconds;
    return *this;
}

GrantMaker& GrantMaker::redemption(Redemption redemption) {
    grant_.redemption_ = std::move(redemption);
    return *this;
}

GrantMaker& GrantMaker::sid(std::optional<std::string> sid) {
    grant_.sid_ = std::move(sid);
    return *this;
}

GrantMaker& GrantMaker::identities(std::string device_id, std::string user_id) {
    grant_.device_id_ = std::move(device_id);
    grant_.user_id_ = std::move(user_id);
    return *this;
}

GrantMaker& GrantMaker::needs_approval(bool needed) {
    grant_.needs_approval_ = needed;
    return *this;
}

GrantMaker& GrantMaker::signer_limits(std::shared_ptr<const SignerLimits> limits) {
    grant_.signer_limits_ = std::move(limits);
    return *this;
}

Grant GrantMaker::make() && {
    if (grant_.subject_.empty() && grant_.san_.empty()) {
        throw std::logic_error("GrantMaker: a Grant without any name");
    }
    if (requested_usages_ && !grant_.eku_) {
        grant_.stripped_.push_back("extendedKeyUsage " + certs::to_text(*requested_usages_));
    }
    return std::move(grant_);
}

}  // namespace scepgate::policy
