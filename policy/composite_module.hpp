// Several policies as one: any of them, or all of them.
#pragma once

#include <memory>
#include <vector>

#include "policy/policy_module.hpp"

namespace scepgate::policy {

/// Whether the policy `name` had a part in it; `granted_by`: Grant::policy().
[[nodiscard]] bool had_part_in(std::string_view granted_by, std::string_view name);

/// Asks its members in the order given, one after the other.
///
/// kAny: the first Grant counts. When all refuse: the first refusal for now (nothing is final
/// then), else that of the one that came furthest: badRequest, which a module says that took the
/// challenge for its own, before badMessageCheck. Its text names every member and why.
///
/// kAll: every member has to grant; the first that refuses decides. What all of them allow is
/// granted (GrantMaker::merge()). Where they contradict each other: badRequest "PolicyDisagree".
///
/// Outcomes: of what was granted only those members hear that had a part in it, by their own name.
/// Of a refusal by policy itself every member that was asked hears before the others' verdicts are
/// answered with, those that had granted by their own name. A renewal granted by its rule alone
/// (kRenewalPolicy) is told to all, as without composition.
///
/// Each member keeps its own time limit and catches its own exceptions (server::GuardedPolicy).
class CompositeModule final : public PolicyModule {
public:
    enum class Kind { kAny, kAll };

    /// Throws std::invalid_argument without members, with a null one, or with two of one name.
    CompositeModule(Kind kind, std::vector<std::shared_ptr<PolicyModule>> members);

    /// "a|b" or "a+b", in the order given; members that are compositions in parentheses.
    [[nodiscard]] const std::string& name() const noexcept override { return name_; }
    [[nodiscard]] bool may_wait() const noexcept override;
    [[nodiscard]] bool hears_outcomes() const noexcept override;
    [[nodiscard]] bool uses_up_challenges() const noexcept override;
    [[nodiscard]] bool is_named(std::string_view part) const override;
    boost::asio::awaitable<Result<Grant, Refusal>> verify_request(
        const EnrollmentRequest& request) override;
    boost::asio::awaitable<Explanation> explain(const EnrollmentRequest& request,
                                                Reach reach) override;
    boost::asio::awaitable<Result<void>> notify(const TransactionOutcome& outcome) override;

private:
    using Answer = Result<Grant, Refusal>;

    /// What it comes to, from the answers of the members that were asked, in order.
    [[nodiscard]] Answer combine(std::vector<Answer> answers) const;
    [[nodiscard]] Answer none_grants(const std::vector<Answer>& answers) const;
    [[nodiscard]] Answer all_grant(std::vector<Answer> answers) const;
    /// What `granted_by` names of a member: "a+c" of "a+b+c".
    static std::string part_of(const PolicyModule& member, std::string_view granted_by);

    Kind kind_;
    std::vector<std::shared_ptr<PolicyModule>> members_;
    std::string name_;
};

}  // namespace scepgate::policy
