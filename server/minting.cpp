#include "server/minting.hpp"

#include <algorithm>

namespace scepgate::server {

namespace asio = boost::asio;
using policy::Challenge;
using policy::ChallengeParameters;
using RefusalKind = MintingRefusal::Kind;

namespace {

constexpr std::int64_t kQuotaPeriod = 86'400;

RefusalKind kind_of(Errc code) {
    switch (code) {
        case Errc::kUnsupported:
            return RefusalKind::kUnsupported;
        case Errc::kDenied:
        case Errc::kMalformed:
            return RefusalKind::kNotAllowed;
        default:
            return RefusalKind::kUnavailable;
    }
}

const char* to_text(RefusalKind kind) {
    switch (kind) {
        case RefusalKind::kUnsupported:
            return "Unsupported";
        case RefusalKind::kNotAllowed:
            return "NotAllowed";
        case RefusalKind::kCacheFull:
            return "CacheFull";
        case RefusalKind::kQuotaReached:
            return "QuotaReached";
        case RefusalKind::kUnavailable:
            return "Unavailable";
    }
    return "?";
}

bool is_recorded(const Challenge& challenge, const MintingLimits& limits) {
    if (challenge.token.empty()) return false;
    return challenge.recorded_claims || challenge.maximum_outstanding != 0 || limits.per_day != 0 ||
           limits.outstanding != 0;
}

MintingRefusal cache_full(const std::string& policy, std::size_t limit) {
    return {RefusalKind::kCacheFull,
            "policy '" + policy + "' has " + std::to_string(limit) +
                " challenges outstanding, as many as it may have (PasswordMax); one is freed when "
                "it is used, withdrawn or expired"};
}

MintingRefusal quota_reached(const MintingCaller& caller) {
    std::string text = "'" + caller.name + "' has as many challenges as it may have:";
    if (caller.limits.per_day != 0) {
        text += " " + std::to_string(caller.limits.per_day) + " in 24 hours";
    }
    if (caller.limits.outstanding != 0) {
        text += (caller.limits.per_day != 0 ? ", " : " ") +
                std::to_string(caller.limits.outstanding) + " outstanding";
    }
    return {RefusalKind::kQuotaReached, std::move(text)};
}

MintingRefusal not_allowed(std::string text) {
    return {RefusalKind::kNotAllowed, std::move(text)};
}

/// Whether the caller may have a challenge for this.
std::optional<MintingRefusal> judge_caller(const MintingCaller& caller,
                                           const ChallengeParameters& parameters) {
    const auto& templates = caller.limits.templates;
    const std::string name = parameters.template_name.value_or("");
    if (!templates.empty() &&
        std::find(templates.begin(), templates.end(), name) == templates.end()) {
        std::string all;
        for (const std::string& each : templates)
            all += (all.empty() ? "" : ", ") + each;
        return not_allowed("'" + caller.name + "' has to name one of the templates " + all +
                           (name.empty() ? "" : ", not '" + name + "'"));
    }
    if (!caller.limits.rules) return std::nullopt;
    if (parameters.subject.empty() && parameters.subject_alt_name.empty()) {
        return not_allowed(
            "'" + caller.name +
            "' may grant some names only, and has to say which: give subject or san");
    }
    const auto judge = [&](const certs::Name& subject) {
        return policy::judge_rules(*caller.limits.rules,
                                   {subject, parameters.subject_alt_name, parameters.sid});
    };
    const std::string who = "'" + caller.name + "' may not grant this (";
    if (const auto broken = judge(parameters.subject)) {
        return not_allowed(who + broken->code + "): " + broken->text);
    }
    for (const certs::Name& built : parameters.built_subjects) {
        const auto broken = judge(built);
        if (!broken) continue;
        return not_allowed(who + broken->code + "): " + broken->text + ", which a template makes " +
                           "of the order: name another template, or order other names");
    }
    return std::nullopt;
}

AuditRecord begin(AuditEvent event, std::int64_t now, const std::string& policy,
                  const ChallengeParameters& parameters, const MintingCaller& caller) {
    AuditRecord line(event, now);
    line.add("caller", caller.name).add_if("client", caller.client_address).add("policy", policy);
    line.add("subject", parameters.subject.empty() ? "any" : parameters.subject.text());
    if (!parameters.subject_alt_name.empty()) {
        line.add("subject_alt_name", certs::to_text(parameters.subject_alt_name));
    }
    if (parameters.key_usage) line.add("key_usage", parameters.key_usage->text());
    if (!parameters.extended_key_usage.empty()) {
        line.add("extended_key_usage", certs::to_text(parameters.extended_key_usage));
    }
    std::string endpoints;
    for (const std::string& name : parameters.endpoints)
        endpoints += (endpoints.empty() ? "" : ", ") + name;
    line.add_if("endpoint", endpoints);
    line.add_if("template", parameters.template_name.value_or(""));
    if (parameters.purpose) line.add("purpose", certs::to_text(*parameters.purpose));
    if (parameters.max_validity) line.add("max_validity", *parameters.max_validity);
    return line.add_if("device_id", parameters.device_id)
        .add_if("user_id", parameters.user_id)
        .add_if("sid", parameters.sid.value_or(""));
}

}  // namespace

asio::awaitable<std::variant<Challenge, MintingRefusal>> Minting::mint(
    policy::PolicyModule& module, ChallengeParameters parameters, MintingCaller caller) const {
    auto made = co_await make(module, parameters, caller);
    if (const auto* refusal = std::get_if<MintingRefusal>(&made)) {
        auto line = begin("no_challenge", parts_.clock->now(), module.name(), parameters, caller);
        line.add("code", to_text(refusal->kind)).add("reason", refusal->text);
        // Nothing leaves with it.
        if (auto written = parts_.audit->write(line); !written) {
            parts_.log->error(written.error().detail);
        }
    }
    co_return made;
}

asio::awaitable<std::variant<Challenge, MintingRefusal>> Minting::make(
    policy::PolicyModule& module, const ChallengeParameters& parameters,
    const MintingCaller& caller) const {
    if (auto refusal = judge_caller(caller, parameters)) co_return *std::move(refusal);
    auto challenge = co_await module.generate_challenge(parameters);
    if (!challenge) {
        co_return MintingRefusal{kind_of(challenge.error().code), challenge.error().detail};
    }
    const bool recorded = is_recorded(*challenge, caller.limits);
    if (recorded) {
        auto refusal = co_await record(module, *challenge, caller);
        if (refusal) co_return *std::move(refusal);
    }
    const std::int64_t now = parts_.clock->now();
    auto line = begin("challenge", now, module.name(), parameters, caller);
    line.add_if("scope", challenge->scope)
        .add_if("challenge", to_hex(challenge->token))
        .add("expires", challenge->expires == 0 ? "never" : certs::utc_text(challenge->expires));
    if (auto written = parts_.audit->write(line); !written) {
        MintingRefusal refusal{RefusalKind::kUnavailable, written.error().detail};
        if (recorded) {
            // It was never handed out: it must not take up room either.
            auto withdrawn =
                co_await parts_.store->withdraw_challenge(challenge->scope, challenge->token, now);
            if (!withdrawn) refusal.text += "; and " + withdrawn.error().detail;
        }
        co_return refusal;
    }
    co_return *std::move(challenge);
}

asio::awaitable<std::optional<MintingRefusal>> Minting::record(policy::PolicyModule& module,
                                                               const Challenge& challenge,
                                                               const MintingCaller& caller) const {
    const std::int64_t now = parts_.clock->now();
    ca_backend::ChallengeRow row;
    row.scope = challenge.scope;
    row.token = challenge.token;
    row.caller = caller.name;
    row.created = now;
    row.expires = challenge.expires;
    row.claims = challenge.recorded_claims.value_or("");
    ca_backend::ChallengeLimits limits;
    limits.outstanding = challenge.maximum_outstanding;
    limits.outstanding_of_caller = caller.limits.outstanding;
    limits.made_by_caller = caller.limits.per_day;
    limits.since = now - kQuotaPeriod;
    auto added = co_await parts_.store->add_challenge(std::move(row), limits);
    if (!added) co_return MintingRefusal{RefusalKind::kUnavailable, added.error().detail};
    if (std::holds_alternative<ca_backend::ChallengeCacheFull>(*added)) {
        co_return cache_full(module.name(), challenge.maximum_outstanding);
    }
    if (std::holds_alternative<ca_backend::ChallengeQuotaReached>(*added)) {
        co_return quota_reached(caller);
    }
    co_return std::nullopt;
}

}  // namespace scepgate::server
