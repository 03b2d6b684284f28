#include "policy/composite_module.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "policy/grant_maker.hpp"
#include "policy/renewal.hpp"

namespace scepgate::policy {

namespace asio = boost::asio;

namespace {

/// What is between two parts of Grant::policy().
constexpr char kAnd = '+';

std::string joined(const std::vector<std::shared_ptr<PolicyModule>>& members, char sign) {
    std::string name;
    for (const auto& member : members) {
        const bool composed = member->name().find_first_of("+|") != std::string::npos;
        if (!name.empty()) name += sign;
        name += composed ? "(" + member->name() + ")" : member->name();
    }
    return name;
}

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = text.find(kAnd);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

/// How far a refused request came in the module: badMessageCheck says that the challenge is none of
/// its own.
bool came_further(const Refusal& refusal, const Refusal& other) {
    if (refusal.temporary != other.temporary) return refusal.temporary;
    return refusal.fail_info != FailInfo::kBadMessageCheck &&
           other.fail_info == FailInfo::kBadMessageCheck;
}

}  // namespace

bool had_part_in(std::string_view granted_by, std::string_view name) {
    const auto parts = split(granted_by);
    return std::find(parts.begin(), parts.end(), name) != parts.end();
}

CompositeModule::CompositeModule(Kind kind, std::vector<std::shared_ptr<PolicyModule>> members)
    : kind_(kind), members_(std::move(members)) {
    if (members_.empty()) throw std::invalid_argument("CompositeModule: no members");
    std::set<std::string> names;
    for (const auto& member : members_) {
        if (!member) throw std::invalid_argument("CompositeModule: a null member");
        if (!names.insert(member->name()).second) {
            throw std::invalid_argument("CompositeModule: '" + member->name() + "' twice");
        }
    }
    name_ = joined(members_, kind_ == Kind::kAll ? kAnd : '|');
}

bool CompositeModule::may_wait() const noexcept {
    return std::any_of(members_.begin(), members_.end(),
                       [](const auto& member) { return member->may_wait(); });
}

bool CompositeModule::hears_outcomes() const noexcept {
    return std::any_of(members_.begin(), members_.end(),
                       [](const auto& member) { return member->hears_outcomes(); });
}

bool CompositeModule::uses_up_challenges() const noexcept {
    return std::any_of(members_.begin(), members_.end(),
                       [](const auto& member) { return member->uses_up_challenges(); });
}

bool CompositeModule::is_named(std::string_view part) const {
    return std::any_of(members_.begin(), members_.end(),
                       [&](const auto& member) { return member->is_named(part); });
}

CompositeModule::Answer CompositeModule::none_grants(const std::vector<Answer>& answers) const {
    std::optional<Refusal> furthest;
    std::string text;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const Refusal refusal = answers[i].error();
        text += (text.empty() ? "" : "; ") + members_[i]->name() + ": " + refusal.code + ", " +
                refusal.text;
        if (!furthest || came_further(refusal, *furthest)) furthest = refusal;
    }
    if (answers.size() > 1) furthest->text = std::move(text);
    return std::move(*furthest);
}

CompositeModule::Answer CompositeModule::all_grant(std::vector<Answer> answers) const {
    Answer merged = std::move(answers.front());
    for (std::size_t i = 1; i < answers.size(); ++i) {
        merged = GrantMaker::merge(std::move(*merged), *answers[i]);
        if (!merged) break;
    }
    return merged;
}

CompositeModule::Answer CompositeModule::combine(std::vector<Answer> answers) const {
    Answer& last = answers.back();
    if (kind_ == Kind::kAny) return last ? std::move(last) : none_grants(answers);
    if (last) return all_grant(std::move(answers));
    const std::string& member = members_[answers.size() - 1]->name();
    Refusal refusal = last.error();
    if (members_.size() > 1) refusal.text.insert(0, member + ": ");
    return refusal;
}

asio::awaitable<CompositeModule::Answer> CompositeModule::verify_request(
    const EnrollmentRequest& request) {
    std::vector<Answer> answers;
    std::vector<std::string> granted_by;
    bool challenge_valid = false;
    for (const auto& member : members_) {
        Answer answer = co_await member->verify_request(request);
        const bool granted = answer.has_value();
        granted_by.push_back(granted ? answer->policy() : "");
        challenge_valid |= granted ? member->uses_up_challenges() : answer.error().challenge_valid;
        answers.push_back(std::move(answer));
        if (granted == (kind_ == Kind::kAny)) break;
    }
    Answer result = combine(std::move(answers));
    if (result) co_return result;
    Refusal refusal = result.error();
    refusal.challenge_valid = challenge_valid;
    // Whoever could not decide has nothing to hear, unless it granted.
    for (std::size_t i = 0; i < granted_by.size(); ++i) {
        const bool told =
            members_[i]->hears_outcomes() && (!granted_by[i].empty() || !refusal.temporary);
        if (!told) continue;
        TransactionOutcome outcome;
        outcome.request = &request;
        outcome.refused = refusal;
        outcome.granted_by = granted_by[i];
        const auto heard = co_await members_[i]->notify(outcome);
        if (!heard) refusal.text += "; notify: " + heard.error().detail;
    }
    co_return refusal;
}

asio::awaitable<Explanation> CompositeModule::explain(const EnrollmentRequest& request,
                                                      Reach reach) {
    Explanation whole;
    std::vector<Answer> answers;
    bool open = false;     // a member was not asked
    bool decided = false;  // by what comes before
    for (const auto& member : members_) {
        auto explanation = co_await member->explain(request, reach);
        std::move(explanation.verdicts.begin(), explanation.verdicts.end(),
                  std::back_inserter(whole.verdicts));
        if (decided) continue;
        if (!explanation.outcome) {
            open = true;
            continue;
        }
        const bool granted = explanation.outcome->has_value();
        answers.push_back(std::move(*explanation.outcome));
        decided = granted == (kind_ == Kind::kAny);
        if (!decided) continue;
        // Whatever the ones say that were not asked: one Grant is enough, or one refusal.
        if (open) whole.outcome = std::move(answers.back());
        open = false;
    }
    if (open || whole.outcome) co_return whole;
    whole.outcome = combine(std::move(answers));
    if (kind_ == Kind::kAll && !decided && !*whole.outcome) {
        whole.verdicts.push_back(failed(name_, "agreement", whole.outcome->error()));
    }
    co_return whole;
}

std::string CompositeModule::part_of(const PolicyModule& member, std::string_view granted_by) {
    std::string part;
    for (const std::string_view each : split(granted_by)) {
        if (!member.is_named(each)) continue;
        if (!part.empty()) part += kAnd;
        part += each;
    }
    return part;
}

asio::awaitable<Result<void>> CompositeModule::notify(const TransactionOutcome& outcome) {
    Result<void> result;
    // Of a refusal by policy they heard when it was made.
    if (outcome.refused && outcome.granted_by.empty()) co_return result;
    const bool by_rule = outcome.granted_by == kRenewalPolicy;
    for (const auto& member : members_) {
        if (!member->hears_outcomes()) continue;
        TransactionOutcome part = outcome;
        if (!by_rule) part.granted_by = part_of(*member, outcome.granted_by);
        if (part.granted_by.empty()) continue;
        auto heard = co_await member->notify(part);
        if (heard || !result) continue;
        result = std::move(heard);
        // It will not leave, or is told to all once more.
        if (outcome.issued) break;
    }
    co_return result;
}

}  // namespace scepgate::policy
