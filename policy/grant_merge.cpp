// What two policies allow together.
#include <algorithm>

#include "policy/grant_maker.hpp"

namespace scepgate::policy {
namespace {

Refusal disagree(std::string_view what, const std::string& first, const std::string& second) {
    Refusal refusal =
        refused(FailInfo::kBadRequest, "PolicyDisagree",
                {std::string(what), first, second,
                 "policies under all_of have to grant the same " + std::string(what)});
    refusal.text = "the policies grant different things: " + refusal.check + ": '" +
                   refusal.expected + "' and '" + refusal.found + "'";
    return refusal;
}

/// The one that is given; false when there are two that differ.
template <class T, class Same>
bool join(std::optional<T>& first, const std::optional<T>& second, Same same) {
    if (first && second) return same(*first, *second);
    if (!first) first = second;
    return true;
}

constexpr auto kEqual = [](const auto& first, const auto& second) { return first == second; };

}  // namespace

Result<Grant, Refusal> GrantMaker::merge(Grant first, const Grant& second) {
    if (first.key_ != second.key_ || first.purpose_ != second.purpose_) {
        return disagree("key", first.key_.text(), second.key_.text());
    }
    if (!matches(first.subject_, second.subject_)) {
        return disagree("subject", first.subject_.text(), second.subject_.text());
    }
    if (!certs::difference(first.san_, second.san_).none()) {
        return disagree("subjectAltName", certs::to_text(first.san_), certs::to_text(second.san_));
    }
    // Else the device would say which of its names comes first.
    if (second.names_by_module_ && !first.names_by_module_) {
        first.subject_ = second.subject_;
        first.san_ = second.san_;
        first.names_by_module_ = true;
    }
    const Grant before = first;
    if (!join(first.ku_, second.ku_, kEqual)) {
        return disagree("key usage", before.ku_->text(), second.ku_->text());
    }
    if (!join(first.eku_, second.eku_, certs::same_usages)) {
        return disagree("extended key usage", certs::to_text(*before.eku_),
                        certs::to_text(*second.eku_));
    }
    if (!join(first.template_, second.template_, kEqual)) {
        return disagree("template", *before.template_, *second.template_);
    }
    if (!join(first.sid_, second.sid_, kEqual)) {
        return disagree("SID", *before.sid_, *second.sid_);
    }
    if (second.validity_) {
        first.validity_ = std::min(*second.validity_, first.validity_.value_or(*second.validity_));
    }
    const auto same_token = [](const Redemption& one, const Redemption& other) {
        return one.policy == other.policy && one.token == other.token;
    };
    // A certificate is recorded with one of them.
    if (!join(first.redemption_, second.redemption_, same_token)) {
        return disagree("challenge", before.redemption_->policy, second.redemption_->policy);
    }
    if (first.redemption_ && second.redemption_) {
        first.redemption_->expires =
            std::max(first.redemption_->expires, second.redemption_->expires);
    }
    if (first.device_id_.empty()) first.device_id_ = second.device_id_;
    if (first.user_id_.empty()) first.user_id_ = second.user_id_;
    first.needs_approval_ = first.needs_approval_ || second.needs_approval_;
    // Only whoever has a challenge to use up has a signer, and there is one such.
    if (!first.signer_limits_) first.signer_limits_ = second.signer_limits_;
    // Left out is what neither of them grants.
    std::erase_if(first.stripped_, [&](const std::string& note) {
        return std::find(second.stripped_.begin(), second.stripped_.end(), note) ==
               second.stripped_.end();
    });
    first.policy_ += "+" + second.policy_;
    return first;
}

Grant GrantMaker::with_template(Grant grant, const Grant& other) {
    grant.purpose_ = other.purpose_;
    if (!grant.template_) grant.template_ = other.template_;
    return grant;
}

Grant GrantMaker::with_names(Grant grant, const Grant& other) {
    grant.subject_ = other.subject_;
    grant.san_ = other.san_;
    return grant;
}

}  // namespace scepgate::policy
