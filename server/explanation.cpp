#include "server/explanation.hpp"

#include "certs/clock.hpp"
#include "server/issuance.hpp"
#include "server/renewed_certificate.hpp"

namespace scepgate::server {

namespace asio = boost::asio;
using policy::RenewalChallenge;
using policy::Verdict;

namespace {

constexpr const char* kNoStore = "the store cannot be read";

class Explainer {
public:
    Explainer(const Endpoint& endpoint, EnrollmentRequest request, ca_backend::Store* store,
              std::int64_t now)
        : endpoint_(endpoint), request_(std::move(request)), store_(store), now_(now) {}

    asio::awaitable<EnrollmentExplanation> run(policy::Reach reach) {
        judge("request", "key", check_key(endpoint_, request_.csr.public_key()),
              request_.csr.public_key().text());
        if (request_.kind == EnrollmentKind::kRenewal) judge_renewal();
        if (policy_is_asked()) co_await ask_policy(reach);
        if (grant_) {
            judge_redemption();
            judge_issuing();
        } else {
            judge_without_grant();
        }
        if (refused_) {
            all_.outcome = std::move(*refused_);
        } else if (grant_ && !undecided_) {
            all_.outcome = std::move(*grant_);
        }
        co_return std::move(all_);
    }

private:
    void passed(std::string module, std::string check, std::string found) {
        all_.verdicts.push_back(
            {.module = std::move(module), .check = std::move(check), .found = std::move(found)});
    }
    /// What decides and was not looked at leaves it open.
    void undecided(std::string module, std::string check, std::string why) {
        undecided_ = true;
        skipped(std::move(module), std::move(check), std::move(why));
    }
    void skipped(std::string module, std::string check, std::string why) {
        all_.verdicts.push_back(
            policy::skipped(std::move(module), std::move(check), std::move(why)));
    }
    /// The first refusal is what it comes to.
    template <class T>
    void judge(const char* module, const char* check, const Result<T, Refusal>& result,
               std::string found) {
        if (result) return passed(module, check, std::move(found));
        all_.verdicts.push_back(policy::failed(module, check, result.error()));
        if (!refused_) refused_ = result.error();
    }

    void judge_renewal() {
        if (store_ == nullptr) return undecided("renewal", "rule", kNoStore);
        const auto known = find_renewed(*store_, endpoint_, request_.signer);
        if (!known) return undecided("renewal", "rule", known.error().detail);
        const auto tmpl = template_of_renewal(endpoint_, request_, *known);
        auto grant = policy::judge_renewal(*endpoint_.renewal, request_, *known, tmpl, now_);
        judge("renewal", "rule", grant, "serial " + request_.signer.serial_hex());
        if (!grant) return;
        set_template(request_, tmpl);
        grant_ = std::move(*grant);
    }

    [[nodiscard]] bool policy_is_asked() const {
        if (request_.kind == EnrollmentKind::kInitial) return true;
        const RenewalChallenge rule = endpoint_.renewal->challenge;
        return rule == RenewalChallenge::kRequired ||
               (rule == RenewalChallenge::kVerifiedIfPresent && request_.csr.challenge());
    }

    asio::awaitable<void> ask_policy(policy::Reach reach) {
        auto explanation = co_await endpoint_.policy->explain(request_, reach);
        for (Verdict& verdict : explanation.verdicts)
            all_.verdicts.push_back(std::move(verdict));
        if (!explanation.outcome) {
            undecided_ = true;
        } else if (*explanation.outcome) {
            take(std::move(**explanation.outcome));
        } else if (!refused_) {
            refused_ = explanation.outcome->error();
        }
    }

    /// What the module granted; of a renewal within what the rule did.
    void take(Grant granted) {
        if (!grant_) {
            grant_ = std::move(granted);
            return;
        }
        auto bound = policy::bound_renewal(*endpoint_.renewal, std::move(granted), *grant_);
        if (endpoint_.renewal->newest_only)
            judge("renewal", "granted names", bound, bound ? bound->subject().text() : "");
        grant_.reset();
        if (bound) grant_ = std::move(*bound);
    }

    void judge_redemption() {
        const auto& redemption = grant_->redemption();
        if (!redemption) return;
        if (store_ == nullptr) return undecided("store", "redemption", kNoStore);
        const auto redeemed = store_->is_redeemed(*redemption);
        if (!redeemed) return undecided("store", "redemption", redeemed.error().detail);
        judge("store", "redemption",
              *redeemed ? Result<void, Refusal>(already_redeemed()) : Result<void, Refusal>(),
              "not used yet");
    }

    void judge_issuing() {
        const auto chosen = choose_template(endpoint_, *grant_);
        judge("endpoint", "template", chosen, chosen ? *chosen : "");
        judge_rules();
        if (chosen) judge_built_subject(*chosen);
        if (!chosen) return skipped("ca", "certificate", "there is no template for it");
        all_.template_name = *chosen;
        const ca_backend::IssueContext context{endpoint_.name, *chosen, request_.transaction_id};
        const auto preview = endpoint_.ca->preview(*grant_, context);
        std::string found = "CA " + endpoint_.ca->name();
        if (preview && *preview) {
            found += ", " + certs::utc_text((*preview)->not_before) + " to " +
                     certs::utc_text((*preview)->not_after);
            if (!(*preview)->subject.empty()) found += ", subject '" + (*preview)->subject + "'";
            all_.preview = **preview;
        }
        judge("ca", "certificate", preview, std::move(found));
        all_.needs_approval = grant_->needs_approval() || endpoint_.approval_for(*grant_).required;
    }

    void judge_rules() {
        if (!endpoint_.issuance_rules) return;
        auto verdicts = policy::explain_rules(
            *endpoint_.issuance_rules,
            {grant_->subject(), grant_->subject_alt_name(), grant_->sid(), &grant_->public_key()});
        for (policy::RuleVerdict& verdict : verdicts) {
            const std::string check = "rules." + verdict.rule;
            judge("endpoint", check.c_str(),
                  verdict.refusal ? Result<void, Refusal>(std::move(*verdict.refusal))
                                  : Result<void, Refusal>(),
                  std::move(verdict.found));
        }
    }

    /// What cannot be built is the CA's to refuse, below.
    void judge_built_subject(const std::string& template_name) {
        if (!endpoint_.issuance_rules && !grant_->signer_limits()) return;
        const auto built = endpoint_.ca->built_subject(*grant_, template_name);
        if (!built || !*built) return;
        judge("endpoint", "built subject", check_built_subject(endpoint_, *grant_, **built),
              "'" + (*built)->text() + "', by template " + template_name);
    }

    /// Nothing was granted; still, what the endpoint would have made of it.
    void judge_without_grant() {
        const std::string why = "nothing is granted";
        if (policy_is_asked() && endpoint_.policy->uses_up_challenges())
            skipped("store", "redemption", why);
        const std::string& chosen = endpoint_.template_for(request_.purpose);
        const std::string purpose(to_text(request_.purpose));
        if (chosen.empty()) {
            all_.verdicts.push_back({.module = "endpoint",
                                     .check = "template",
                                     .outcome = Verdict::Outcome::kFailed,
                                     .code = "NoTemplateForPurpose",
                                     .found = "none for purpose " + purpose});
        } else {
            passed("endpoint", "template", chosen + " for purpose " + purpose);
        }
        if (endpoint_.issuance_rules) skipped("endpoint", "rules", why);
        skipped("ca", "certificate", why);
    }

    const Endpoint& endpoint_;
    EnrollmentRequest request_;
    ca_backend::Store* store_;
    std::int64_t now_;
    EnrollmentExplanation all_;
    std::optional<Grant> grant_;
    std::optional<Refusal> refused_;
    bool undecided_ = false;
};

}  // namespace

asio::awaitable<EnrollmentExplanation> explain_enrollment(const Endpoint& endpoint,
                                                          const EnrollmentRequest& request,
                                                          ca_backend::Store* store,
                                                          std::int64_t now, policy::Reach reach) {
    Explainer explainer(endpoint, request, store, now);
    co_return co_await explainer.run(reach);
}

}  // namespace scepgate::server
