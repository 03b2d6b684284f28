#include "policy/one_time_password.hpp"

#include <set>

#include <openssl/crypto.h>

#include "certs/hmac.hpp"
#include "policy/challenge_parameters.hpp"
#include "policy/claims_judge.hpp"
#include "policy/grant_maker.hpp"
#include "policy/requested_names.hpp"

namespace scepgate::policy {

namespace asio = boost::asio;

namespace {

constexpr std::string_view kDomain = "scepgate one-time password 1";

Refusal bad_password(std::string code, std::string text,
                     std::string hint = "give the device a new one") {
    Refusal refusal =
        refused(FailInfo::kBadMessageCheck, std::move(code), std::move(text), std::move(hint));
    refusal.check = "challengePassword";
    return refusal;
}

Refusal password_missing() {
    return bad_password("ChallengePasswordMissing", "the CSR has no challengePassword",
                        "have the client put the password into its request");
}

Refusal store_unavailable(std::string detail) {
    return refused({FailInfo::kBadRequest, "StoreUnavailable", "store",
                    "look at the store's file, disk and owner, or at PostgreSQL; 'scepgate config "
                    "check' tries it",
                    true},
                   std::move(detail));
}

bool binds_names(const ChallengeClaims& bindings) {
    return !bindings.subject.empty() || !bindings.subject_alt_name.empty();
}

/// As the claims of a challenge blob that is bound to the same; what is not bound is as the CSR has
/// it.
class BoundCase {
public:
    BoundCase(const std::string& policy, const ChallengeClaims& bindings,
              const EnrollmentRequest& request, std::int64_t now)
        : claims_(bindings), request_(request), now_(now) {
        if (!binds_names(bindings)) {
            claims_.subject = request.csr.subject();
            claims_.subject_alt_name = request.csr.requested().subject_alt_name;
            unbound_ = {"subject", "subjectAltName"};
        }
        if (!claims_.purpose && !claims_.template_name && !claims_.key_usage) {
            claims_.key_usage = request.csr.requested().key_usage;
            unbound_.emplace("key usage");
        }
        settings_.name = policy;
        settings_.clock_skew = 0;
        claims_.issued_at = claims_.not_before = now;
        claims_.expires = now + 1;
    }

    [[nodiscard]] std::optional<Refusal> judge() const {
        return judge_claims(settings_, claims_, request_, now_);
    }
    /// Without what a password does not have: lifetime, times and audience of its own.
    [[nodiscard]] std::vector<Verdict> explain() const {
        std::vector<Verdict> verdicts;
        for (Verdict& verdict : explain_claims({settings_, claims_, request_, now_})) {
            const std::string& check = verdict.check;
            if (check == "lifetime" || check == "time" || check == "audience") continue;
            if (unbound_.contains(check)) verdict.expected = "any";
            verdicts.push_back(std::move(verdict));
        }
        return verdicts;
    }

private:
    ChallengeBlobSettings settings_;
    ChallengeClaims claims_;
    std::set<std::string> unbound_;  ///< checks that compare the CSR with itself
    const EnrollmentRequest& request_;
    std::int64_t now_;
};

std::optional<Refusal> judge(const std::string& policy, const ChallengeClaims& bindings,
                             const EnrollmentRequest& request, std::int64_t now) {
    if (!binds_names(bindings)) {
        if (auto refusal = judge_requested_names(request.csr)) return refusal;
    }
    return BoundCase(policy, bindings, request, now).judge();
}

std::string_view trimmed(std::string_view password) {
    constexpr std::string_view kBlank = " \t\n\v\f\r";
    const std::size_t from = password.find_first_not_of(kBlank);
    if (from == std::string_view::npos) return {};
    return password.substr(from, password.find_last_not_of(kBlank) + 1 - from);
}

}  // namespace

std::string password_scope(std::string_view policy) {
    return "one_time_password:" + std::string(policy);
}

OneTimePasswordModule::OneTimePasswordModule(OneTimePasswordSettings settings,
                                             std::shared_ptr<PasswordLookup> lookup,
                                             std::shared_ptr<const certs::Clock> clock)
    : settings_(std::move(settings)),
      scope_(password_scope(settings_.name)),
      lookup_(std::move(lookup)),
      clock_(std::move(clock)) {}

Bytes OneTimePasswordModule::token_of(std::string_view password) const {
    Bytes input;
    input.reserve(kDomain.size() + scope_.size() + password.size() + 2);
    const auto append = [&input](std::string_view text) {
        input.insert(input.end(), text.begin(), text.end());
    };
    append(kDomain);
    input.push_back(0);
    append(scope_);
    input.push_back(0);
    // Passwords are made in upper case; people type them as they like, and files and clients bring
    // a line's end along.
    for (const char c : trimmed(password))
        input.push_back(static_cast<std::uint8_t>(c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c));
    const Secret wiped(std::move(input));
    const Sha256 hash = settings_.hash_key.empty()
                            ? sha256(wiped.view())
                            : hmac_sha256(settings_.hash_key.view(), wiped.view());
    return to_bytes(hash);
}

asio::awaitable<Result<Challenge>> OneTimePasswordModule::generate_challenge(
    const ChallengeParameters& parameters) {
    const std::int64_t lifetime = parameters.lifetime.value_or(settings_.validity);
    if (lifetime <= 0 || lifetime > settings_.validity) {
        co_return Error{Errc::kDenied, "a password of policy '" + settings_.name + "' lives 1 to " +
                                           std::to_string(settings_.validity) +
                                           " seconds (PasswordValidity)"};
    }
    const auto bindings = claims_of(parameters);
    if (!bindings) co_return bindings.error();
    if (bindings->sid && !binds_names(*bindings)) {
        co_return Error{Errc::kDenied,
                        "a SID is granted only together with the names of its account"};
    }
    Challenge challenge;
    challenge.recorded_claims = encode_bindings(*bindings);
    // What cannot be read again could not be used.
    if (const auto read = parse_bindings(*challenge.recorded_claims); !read) {
        co_return Error{Errc::kDenied, read.error().detail};
    }
    const Secret octets(random_bytes(settings_.length));
    std::string password = to_hex(octets.view());
    for (char& digit : password)
        if (digit >= 'a') digit = static_cast<char>(digit - 'a' + 'A');
    challenge.text = Secret(std::string_view(password));
    challenge.scope = scope_;
    challenge.token = token_of(password);
    challenge.expires = clock_->now() + lifetime;
    challenge.maximum_outstanding = settings_.maximum;
    OPENSSL_cleanse(password.data(), password.size());
    co_return challenge;
}

Result<OneTimePasswordModule::Found, Refusal> OneTimePasswordModule::find(ByteView token,
                                                                          std::int64_t now) const {
    const auto found = lookup_->find(scope_, token, now);
    if (!found) return store_unavailable(found.error().detail);
    if (!*found) {
        return bad_password("ChallengeUnknown", "this password was never made for policy '" +
                                                    settings_.name + "', or is long over");
    }
    const RecordedPassword& password = **found;
    if (password.withdrawn) {
        return bad_password("ChallengeWithdrawn", "this password was withdrawn");
    }
    if (password.expires <= now) {
        return refused(FailInfo::kBadMessageCheck, "ChallengeExpired",
                       {"this password: now", "before " + certs::utc_text(password.expires),
                        certs::utc_text(now),
                        "give the device a new one; where devices come late, raise "
                        "password_validity (PasswordValidity)"});
    }
    auto bindings = parse_bindings(password.bindings);
    if (!bindings) return store_unavailable("a recorded password: " + bindings.error().detail);
    return Found{std::move(*bindings), password.expires};
}

asio::awaitable<Result<Grant, Refusal>> OneTimePasswordModule::verify_request(
    const EnrollmentRequest& request) {
    const std::optional<Secret>& challenge = request.csr.challenge();
    if (!challenge) co_return password_missing();
    const std::int64_t now = clock_->now();
    Bytes token = token_of(challenge->text());
    auto found = find(token, now);
    if (!found) co_return found.error();
    const ChallengeClaims& bindings = found->bindings;
    // Before its names, and no guess at them: elsewhere it is a password like any unknown one.
    if (auto elsewhere = judge_endpoint(bindings, request)) co_return std::move(*elsewhere);
    const std::string guessed = to_hex(token);
    if (auto refusal = judge(settings_.name, bindings, request, now)) {
        failed_matches_.add(guessed, attempt_of(request.csr), now);
        co_return with_valid_challenge(std::move(*refusal));
    }
    // As late as this, and answered as a mismatch: a guesser does not learn which one was right.
    if (failed_matches_.locked(guessed, now)) {
        co_return with_valid_challenge(
            refused({FailInfo::kBadRequest, "ChallengeLocked", "challengePassword",
                     "give the device another one, and find out who has this one"},
                    "this password is locked for a while, because several CSRs that do not match "
                    "came with it"));
    }
    co_return grant(request, *found, std::move(token));
}

Grant OneTimePasswordModule::grant(const EnrollmentRequest& request, const Found& found,
                                   Bytes token) const {
    const ChallengeClaims& bindings = found.bindings;
    const bool named = binds_names(bindings);
    GrantMaker maker(request, settings_.name);
    // The names as bound, not as the CSR spells them.
    maker
        .names(named ? bindings.subject : request.csr.subject(),
               named ? bindings.subject_alt_name : request.csr.requested().subject_alt_name,
               named ? NamesBy::kModule : NamesBy::kRequest)
        .key_usage(bindings.key_usage)
        .extended_key_usage(bindings.extended_key_usage)
        .template_name(bindings.template_name)
        .max_validity(bindings.max_validity)
        .redemption({scope_, std::move(token), found.expires})
        .sid(bindings.sid)
        .identities(bindings.device_id, bindings.user_id);
    return std::move(maker).make();
}

asio::awaitable<Explanation> OneTimePasswordModule::explain(const EnrollmentRequest& request,
                                                            Reach) {
    Explanation explanation;
    const auto& challenge = request.csr.challenge();
    const std::int64_t now = clock_->now();
    Bytes token = challenge ? token_of(challenge->text()) : Bytes();
    const auto found = challenge ? find(token, now) : Result<Found, Refusal>(password_missing());
    if (!found) {
        explanation.verdicts = {failed(name(), "password", found.error())};
        explanation.outcome = found.error();
        co_return explanation;
    }
    const ChallengeClaims& bindings = found->bindings;
    explanation.verdicts = {{.module = name(),
                             .check = "password",
                             .found = "until " + certs::utc_text(found->expires)}};
    if (!binds_names(bindings)) {
        const auto refusal = judge_requested_names(request.csr);
        explanation.verdicts.push_back(refusal
                                           ? failed(name(), "requested names", *refusal)
                                           : Verdict{.module = name(), .check = "requested names"});
    }
    for (Verdict& verdict : BoundCase(name(), bindings, request, now).explain())
        explanation.verdicts.push_back(std::move(verdict));
    auto refusal = judge_endpoint(bindings, request);
    if (!refusal) refusal = judge(name(), bindings, request, now);
    if (refusal) {
        explanation.outcome = std::move(*refusal);
    } else {
        explanation.outcome = grant(request, *found, std::move(token));
    }
    co_return explanation;
}

}  // namespace scepgate::policy
