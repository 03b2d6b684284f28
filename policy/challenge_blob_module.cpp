#include <algorithm>

#include "policy/blob_opener.hpp"
#include "policy/challenge_parameters.hpp"
#include "policy/claims_judge.hpp"
#include "policy/grant_maker.hpp"

namespace scepgate::policy {
namespace {

constexpr std::int64_t kUsualLifetime = 3600;

std::string scope_of(const std::string& issuer) {
    return "challenge_blob:" + issuer;
}

Error misconfigured(std::string detail) {
    return {Errc::kConfig, std::move(detail)};
}

/// The first whose certificate is valid; else the first.
template <class Pair>
const Pair& valid_or_first(const std::vector<Pair>& pairs, std::int64_t now) {
    const auto valid = std::find_if(pairs.begin(), pairs.end(), [now](const Pair& pair) {
        return pair.certificate.not_before() <= now && now <= pair.certificate.not_after();
    });
    return valid != pairs.end() ? *valid : pairs.front();
}

/// Whether blobs by this signer would be taken here, so that a useless one is not handed out.
Result<void> check_signer(const ChallengeBlobSettings& settings,
                          const certs::Certificate& certificate, std::int64_t now) {
    const auto& trusted = settings.trusted_signers;
    if (std::find(trusted.begin(), trusted.end(), certificate) == trusted.end()) {
        return misconfigured("the signer '" + certificate.subject_text() +
                             "' is not one of trusted_signers: its challenges would be refused");
    }
    if (now < certificate.not_before() || now > certificate.not_after()) {
        return misconfigured("the signer '" + certificate.subject_text() + "' is valid from " +
                             certs::utc_text(certificate.not_before()) + " to " +
                             certs::utc_text(certificate.not_after()));
    }
    return {};
}

Refusal challenge_missing() {
    return refused(FailInfo::kBadMessageCheck, "ChallengePasswordMissing",
                   {"challengePassword", "a challenge", "none",
                    "have the client put the MDM's challenge into its request"});
}

}  // namespace

std::string challenge_scope(const certs::Certificate& signer) {
    return scope_of(to_hex(signer.fingerprint()));
}

ChallengeBlobModule::ChallengeBlobModule(ChallengeBlobSettings settings,
                                         std::shared_ptr<const certs::Clock> clock)
    : settings_(std::move(settings)),
      opener_(std::make_unique<const BlobOpener>(settings_)),
      clock_(std::move(clock)) {
    for (const auto& [signer, limits] : settings_.limits)
        limits_[signer] = std::make_shared<const SignerLimits>(limits);
}

ChallengeBlobModule::~ChallengeBlobModule() = default;

boost::asio::awaitable<Result<Challenge>> ChallengeBlobModule::generate_challenge(
    const ChallengeParameters& parameters) {
    if (settings_.signers.empty()) {
        co_return unsupported(
            "policy '" + settings_.name +
            "' has no signer: challenges for it are made by the MDM; to make them "
            "here, configure its \"signer\"");
    }
    if (settings_.decryption.empty()) {
        co_return misconfigured("policy '" + settings_.name + "' has no decryption key");
    }
    const std::int64_t now = clock_->now();
    const BlobSigner& signer = valid_or_first(settings_.signers, now);
    if (const auto fit = check_signer(settings_, signer.certificate, now); !fit) {
        co_return fit.error();
    }
    const std::string issuer = to_hex(signer.certificate.fingerprint());
    const auto limits = limits_of(issuer);
    const std::int64_t longest =
        std::min(settings_.maximum_lifetime,
                 limits != nullptr ? limits->max_lifetime.value_or(settings_.maximum_lifetime)
                                   : settings_.maximum_lifetime);
    const std::int64_t lifetime = parameters.lifetime.value_or(std::min(kUsualLifetime, longest));
    if (lifetime <= 0 || lifetime > settings_.maximum_lifetime) {
        co_return Error{Errc::kDenied, "a challenge of policy '" + settings_.name +
                                           "' lives 1 to " +
                                           std::to_string(settings_.maximum_lifetime) + " seconds"};
    }
    auto bound = claims_of(parameters);
    if (!bound) co_return bound.error();

    ChallengeClaims claims = *std::move(bound);
    claims.id = to_hex(random_bytes(16));
    claims.audience = settings_.audience;
    claims.issued_at = now;
    claims.not_before = now;
    claims.expires = now + lifetime;
    if (limits != nullptr) {
        auto refusal = judge_signer_limits(*limits, claims, nullptr);
        for (const certs::Name& built : parameters.built_subjects) {
            if (refusal) break;
            refusal = judge_built_subject(*limits, built, claims.subject_alt_name, nullptr);
        }
        if (refusal) co_return Error{Errc::kDenied, refusal->text};
    }
    Challenge challenge;
    challenge.scope = scope_of(issuer);
    challenge.token = from_hex(claims.id).value();
    challenge.expires = claims.expires;
    const auto& recipient = valid_or_first(settings_.decryption, now).certificate;
    auto sealed = seal_blob(std::move(claims), recipient, signer, now);
    if (!sealed) co_return sealed.error();
    challenge.text = std::move(*sealed);
    co_return challenge;
}

std::vector<std::string> ChallengeBlobModule::challenge_scopes() const {
    std::vector<std::string> scopes;
    for (const certs::Certificate& signer : settings_.trusted_signers)
        scopes.push_back(challenge_scope(signer));
    return scopes;
}

std::optional<certs::Certificate> ChallengeBlobModule::encryption_certificate() const {
    if (settings_.decryption.empty()) return std::nullopt;
    return valid_or_first(settings_.decryption, clock_->now()).certificate;
}

std::shared_ptr<const SignerLimits> ChallengeBlobModule::limits_of(
    const std::string& signer) const {
    const auto found = limits_.find(signer);
    return found != limits_.end() ? found->second : nullptr;
}

boost::asio::awaitable<Result<Grant, Refusal>> ChallengeBlobModule::verify_request(
    const EnrollmentRequest& request) {
    const std::optional<Secret>& challenge = request.csr.challenge();
    if (!challenge) co_return challenge_missing();
    const std::int64_t now = clock_->now();
    auto claims = opener_->open(challenge->text(), now);
    if (!claims) co_return claims.error();
    const auto limits = limits_of(claims->issuer);
    if (limits != nullptr) {
        if (auto refusal = judge_signer_limits(*limits, *claims, &request)) {
            co_return with_valid_challenge(std::move(*refusal));
        }
    }
    const std::string challenge_name = claims->issuer + ' ' + claims->id;
    if (auto refusal = judge_claims(settings_, *claims, request, now)) {
        if (refusal->fail_info == FailInfo::kBadRequest) {
            failed_matches_.add(challenge_name, attempt_of(request.csr), now);
        }
        co_return with_valid_challenge(std::move(*refusal));
    }
    // As late as this, and answered as a mismatch: a guesser does not learn which one was right.
    if (failed_matches_.locked(challenge_name, now)) {
        co_return with_valid_challenge(
            refused({FailInfo::kBadRequest, "ChallengeLocked", "challenge",
                     "give the device another challenge, and find out who has this one"},
                    "challenge: it is locked for a while, because several CSRs that do not match "
                    "came with it"));
    }
    co_return grant(request, std::move(*claims));
}

Grant ChallengeBlobModule::grant(const EnrollmentRequest& request, ChallengeClaims claims) const {
    auto token = from_hex(claims.id);
    if (!token) {
        throw std::logic_error("ChallengeClaims: an id that is not hexadecimal");
    }
    const auto limits = limits_of(claims.issuer);
    if (limits != nullptr) apply_signer_limits(*limits, request, claims);
    GrantMaker maker(request, settings_.name);
    // The names as claimed, not as the CSR spells them.
    maker.names(std::move(claims.subject), std::move(claims.subject_alt_name), NamesBy::kModule)
        .key_usage(claims.key_usage)
        .extended_key_usage(std::move(claims.extended_key_usage))
        .template_name(std::move(claims.template_name))
        .max_validity(claims.max_validity)
        .redemption(
            {scope_of(claims.issuer), std::move(*token), claims.expires + settings_.clock_skew})
        .sid(std::move(claims.sid))
        .identities(std::move(claims.device_id), std::move(claims.user_id))
        .needs_approval(limits != nullptr && limits->approval)
        .signer_limits(limits);
    return std::move(maker).make();
}

boost::asio::awaitable<Explanation> ChallengeBlobModule::explain(const EnrollmentRequest& request,
                                                                 Reach) {
    Explanation explanation;
    const auto& challenge = request.csr.challenge();
    const std::int64_t now = clock_->now();
    auto claims = challenge ? opener_->open(challenge->text(), now)
                            : Result<ChallengeClaims, Refusal>(challenge_missing());
    if (!claims) {
        explanation.verdicts = {failed(name(), "challenge", claims.error()),
                                skipped(name(), "claims", "there are none that can be trusted")};
        explanation.outcome = claims.error();
        co_return explanation;
    }
    explanation.verdicts = {
        {.module = name(), .check = "challenge", .found = "signed by " + claims->issuer}};
    const auto limits = limits_of(claims->issuer);
    auto beyond =
        limits != nullptr ? judge_signer_limits(*limits, *claims, &request) : std::nullopt;
    if (beyond) explanation.verdicts.push_back(failed(name(), "signer", *beyond));
    for (Verdict& verdict : explain_claims({settings_, *claims, request, now}))
        explanation.verdicts.push_back(std::move(verdict));
    if (beyond) {
        explanation.outcome = std::move(*beyond);
    } else if (auto refusal = judge_claims(settings_, *claims, request, now)) {
        explanation.outcome = std::move(*refusal);
    } else {
        explanation.outcome = grant(request, std::move(*claims));
    }
    co_return explanation;
}

}  // namespace scepgate::policy
