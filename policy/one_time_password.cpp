#include "policy/one_time_password.hpp"

#include <openssl/crypto.h>

#include "certs/hmac.hpp"
#include "policy/challenge_blob.hpp"
#include "policy/challenge_parameters.hpp"
#include "policy/grant_maker.hpp"
#include "policy/requested_names.hpp"

namespace scepgate::policy {

namespace asio = boost::asio;

namespace {

constexpr std::string_view kDomain = "scepgate one-time password 1";

Refusal bad_password(std::string code, std::string text) {
    return {FailInfo::kBadMessageCheck, std::move(code), std::move(text)};
}

Refusal unavailable(std::string detail) {
    return {FailInfo::kBadRequest, "StoreUnavailable", std::move(detail), true};
}

bool binds_names(const ChallengeClaims& bindings) {
    return !bindings.subject.empty() || !bindings.subject_alt_name.empty();
}

/// Judged as a challenge blob that is bound to the same; what is not bound is as the CSR has it.
std::optional<Refusal> judge(const ChallengeClaims& bindings, const EnrollmentRequest& request,
                             std::int64_t now) {
    ChallengeClaims claims = bindings;
    if (!binds_names(bindings)) {
        if (auto refusal = judge_requested_names(request.csr)) return refusal;
        claims.subject = request.csr.subject();
        claims.subject_alt_name = request.csr.requested().subject_alt_name;
    }
    if (!claims.purpose && !claims.template_name && !claims.key_usage) {
        claims.key_usage = request.csr.requested().key_usage;
    }
    ChallengeBlobSettings settings;
    settings.clock_skew = 0;
    claims.issued_at = claims.not_before = now;
    claims.expires = now + 1;
    return judge_claims(settings, claims, request, now);
}

}  // namespace

OneTimePasswordModule::OneTimePasswordModule(OneTimePasswordSettings settings,
                                             std::shared_ptr<PasswordLookup> lookup,
                                             std::shared_ptr<const certs::Clock> clock)
    : settings_(std::move(settings)),
      scope_("one_time_password:" + settings_.name),
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
    // Passwords are made in upper case; people type them as they like.
    for (const char c : password)
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
    if (!found) return unavailable(found.error().detail);
    if (!*found) {
        return bad_password("ChallengeUnknown",
                            "this password was never made for policy '" + settings_.name +
                                "', or is long over; give the device a new one");
    }
    const RecordedPassword& password = **found;
    if (password.withdrawn) {
        return bad_password("ChallengeWithdrawn", "this password was withdrawn");
    }
    if (password.expires <= now) {
        return bad_password("ChallengeExpired",
                            "this password expired " + certs::utc_text(password.expires) +
                                " (PasswordValidity); give the device a new one");
    }
    auto bindings = parse_bindings(password.bindings);
    if (!bindings) return unavailable("a recorded password: " + bindings.error().detail);
    return Found{std::move(*bindings), password.expires};
}

asio::awaitable<Result<Grant, Refusal>> OneTimePasswordModule::verify_request(
    const EnrollmentRequest& request) {
    const std::optional<Secret>& challenge = request.csr.challenge();
    if (!challenge) {
        co_return bad_password("ChallengePasswordMissing", "the CSR has no challengePassword");
    }
    const std::int64_t now = clock_->now();
    Bytes token = token_of(challenge->text());
    auto found = find(token, now);
    if (!found) co_return found.error();
    const ChallengeClaims& bindings = found->bindings;
    const std::string guessed = to_hex(token);
    if (auto refusal = judge(bindings, request, now)) {
        // The text says what was asked for: another text is another guess.
        failed_matches_.add(guessed, sha256(as_bytes(refusal->text)), now);
        co_return std::move(*refusal);
    }
    // As late as this, and answered as a mismatch: a guesser does not learn which one was right.
    if (failed_matches_.locked(guessed, now)) {
        co_return Refusal{FailInfo::kBadRequest, "ChallengeLocked",
                          "this password is locked for a while, because several CSRs that do not "
                          "match came with it; give the device another one, and find out who has "
                          "this one"};
    }
    const bool named = binds_names(bindings);
    GrantMaker maker(request, settings_.name);
    // The names as bound, not as the CSR spells them.
    maker
        .names(named ? bindings.subject : request.csr.subject(),
               named ? bindings.subject_alt_name : request.csr.requested().subject_alt_name)
        .key_usage(bindings.key_usage)
        .extended_key_usage(bindings.extended_key_usage)
        .template_name(bindings.template_name)
        .max_validity(bindings.max_validity)
        .redemption({scope_, std::move(token), found->expires})
        .sid(bindings.sid)
        .identities(bindings.device_id, bindings.user_id);
    co_return std::move(maker).make();
}

}  // namespace scepgate::policy
