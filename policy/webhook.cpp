#include "policy/webhook.hpp"

#include "certs/asn1_string.hpp"
#include "policy/grant_maker.hpp"
#include "policy/requested_names.hpp"
#include "policy/sid_names.hpp"
#include "policy/webhook_request.hpp"

namespace scepgate::policy {
namespace {

constexpr long kOk = 200;
/// A token that is used once is so for ever: nobody said when it ends.
constexpr std::int64_t kNeverExpires = 253'402'300'799;  // 9999-12-31T23:59:59Z

Refusal refuse_by_webhook(std::string code, std::string text) {
    Refusal refusal{FailInfo::kBadRequest, std::move(code), std::move(text)};
    refusal.check = "webhook";
    refusal.hint = "the service decides: look at its own log";
    return refusal;
}

Refusal webhook_unavailable(std::string text) {
    Refusal refusal = refuse_by_webhook("WebhookUnavailable", std::move(text));
    refusal.temporary = true;
    refusal.hint = "look at the service behind the policy's url, and at its own log";
    return refusal;
}

Refusal invalid(const std::string& what) {
    Refusal refusal = refuse_by_webhook("WebhookAnswerInvalid", "the webhook's answer: " + what);
    refusal.hint = "the service has to answer as docs/webhook.md says";
    return refusal;
}

bool may_come_again(long status) {
    return status == 408 || status == 429 || (status >= 500 && status <= 599);
}

/// The field's value when it is there once; empty: it is not.
Result<std::string_view> only_field(const HttpAnswer& answer, std::string_view name) {
    std::string_view found;
    bool any = false;
    for (const auto& [key, value] : answer.fields) {
        if (key != name) continue;
        if (any) return malformed("the field " + std::string(name) + " comes twice");
        any = true;
        found = value;
    }
    return found;
}

/// With or without parameters.
bool is_json(std::string_view content_type) {
    std::string_view type = content_type.substr(0, content_type.find(';'));
    while (!type.empty() && type.back() == ' ')
        type.remove_suffix(1);
    return certs::equal_ignoring_ascii_case(type, "application/json");
}

/// The CSR's names, for which the webhook vouched by its "allow" alone, or with one SID.
std::optional<Refusal> judge_names(const certs::Csr& csr, const WebhookAnswer& answer) {
    const certs::RequestedExtensions& asked = csr.requested();
    if (!answer.sid) return judge_requested_names(csr);
    if (csr.subject().empty() && asked.subject_alt_name.empty()) {
        return refuse_by_webhook("SubjectNameMissing",
                                 "the CSR has neither a subject nor a subjectAltName");
    }
    if (const auto bounds = csr.subject().check_certifiable(); !bounds)
        return refuse_by_webhook("SubjectNameInvalid", bounds.error().detail);
    for (const certs::GeneralName& name : asked.subject_alt_name) {
        if (!is_microsoft_tag(name) || sid_in(name) == answer.sid) continue;
        std::string found = excerpt_of(name);
        Refusal refusal =
            refuse_by_webhook("SidNotGranted", "the CSR asks for the account name " + found +
                                                   "; the webhook granted the SID " + *answer.sid);
        refusal.expected = *answer.sid;
        refusal.found = std::move(found);
        return refusal;
    }
    return std::nullopt;
}

}  // namespace

WebhookModule::WebhookModule(WebhookSettings settings, std::shared_ptr<HttpClient> client,
                             std::shared_ptr<const certs::Clock> clock)
    : settings_(std::move(settings)),
      // By the service, not by what the policy is called here: under two policies a token is one.
      scope_("webhook:" +
             to_hex(sha256(
                 as_bytes(settings_.once_scope.empty() ? settings_.url : settings_.once_scope)))),
      client_(std::move(client)),
      clock_(std::move(clock)) {}

boost::asio::awaitable<Result<Grant, Refusal>> WebhookModule::verify_request(
    const EnrollmentRequest& request) {
    const std::int64_t now = clock_->now();
    const std::string id = to_hex(random_bytes(16));
    auto body = encode_webhook_request(request, {id, now, settings_.send_challenge});
    if (!body) {
        co_return refused({FailInfo::kBadMessageCheck, "ChallengeUnreadable", "challengePassword",
                           "the service is sent text alone: have the client send its challenge as "
                           "UTF-8"},
                          body.error().detail);
    }
    HttpCall call;
    call.url = settings_.url;
    call.fields = {{"Content-Type", "application/json"},
                   {"Accept", "application/json"},
                   {"X-Scepgate-Id", id},
                   {"X-Scepgate-Timestamp", std::to_string(now)},
                   {"X-Scepgate-Signature", settings_.keys.sign(now, body->text())}};
    call.body = std::move(*body);
    call.timeout = settings_.timeout;
    const auto answer = co_await client_->send(std::move(call));
    if (!answer) co_return webhook_unavailable(answer.error().detail);
    auto decision = judge(*answer, id, now);
    if (!decision) co_return decision.error();
    co_return grant(request, std::move(*decision));
}

boost::asio::awaitable<Explanation> WebhookModule::explain(const EnrollmentRequest& request,
                                                           Reach reach) {
    Explanation explanation;
    explanation.verdicts.push_back(skipped(name(), "challenge",
                                           settings_.send_challenge
                                               ? "the service judges it"
                                               : "nobody looks at it (send_challenge is not set)"));
    if (reach == Reach::kOffline) {
        explanation.verdicts.push_back(skipped(name(), "webhook",
                                               "it is a service, and was not asked",
                                               "to ask it now, add --online"));
        co_return explanation;
    }
    auto outcome = co_await verify_request(request);
    if (outcome) {
        explanation.verdicts.push_back(
            {.module = name(), .check = "webhook", .found = "the service allows it"});
    } else {
        explanation.verdicts.push_back(failed(name(), outcome.error().check, outcome.error()));
    }
    explanation.outcome = std::move(outcome);
    co_return explanation;
}

Result<WebhookAnswer, Refusal> WebhookModule::judge(const HttpAnswer& answer, const std::string& id,
                                                    std::int64_t timestamp) const {
    if (answer.status != kOk) {
        const std::string text =
            "the webhook answered with status " + std::to_string(answer.status) + " instead of 200";
        return may_come_again(answer.status) ? webhook_unavailable(text)
                                             : refuse_by_webhook("WebhookAnswerInvalid", text);
    }
    const auto type = only_field(answer, "content-type");
    if (!type) return invalid(type.error().detail);
    if (!is_json(*type)) return invalid("its Content-Type is not application/json");
    const auto signature = only_field(answer, "x-scepgate-signature");
    if (!signature) return invalid(signature.error().detail);
    if (signature->empty() && settings_.require_signed_answer)
        return invalid("it is not signed (require_signed_answer)");
    if (!signature->empty() &&
        !settings_.keys.verifies_answer(*signature, timestamp, id, answer.body)) {
        return invalid(
            "its signature is not of this answer to this request by a key that is "
            "configured");
    }
    auto read = parse_webhook_answer(answer.body);
    if (!read) return invalid(read.error().detail);
    if (!read->allow) {
        return refuse_by_webhook("WebhookDenied", read->reason.empty()
                                                      ? "the webhook denied it, and said no "
                                                        "reason"
                                                      : "the webhook denied it: " + read->reason);
    }
    return std::move(*read);
}

Result<Grant, Refusal> WebhookModule::grant(const EnrollmentRequest& request,
                                            WebhookAnswer answer) const {
    const std::optional<std::string>& asked = request.csr.requested().sid;
    if (asked && answer.sid != asked) {
        Refusal refusal = refuse_by_webhook("SidNotGranted", "the CSR asks for the account SID " +
                                                                 *asked + ", the webhook granted " +
                                                                 answer.sid.value_or("none"));
        refusal.expected = answer.sid.value_or("none");
        refusal.found = *asked;
        return refusal;
    }
    GrantMaker maker(request, settings_.name);
    if (answer.names) {
        maker.names(std::move(answer.names->subject), std::move(answer.names->subject_alt_name),
                    NamesBy::kModule);
    } else {
        if (auto refusal = judge_names(request.csr, answer)) return std::move(*refusal);
        maker.names(request.csr.subject(), request.csr.requested().subject_alt_name);
    }
    if (answer.once) {
        const Sha256 token = sha256(as_bytes(*answer.once));
        maker.redemption({scope_, to_bytes(token), kNeverExpires});
    }
    maker.key_usage(answer.key_usage)
        .extended_key_usage(std::move(answer.extended_key_usage))
        .template_name(std::move(answer.template_name))
        .max_validity(answer.max_validity)
        .sid(std::move(answer.sid))
        .identities(std::move(answer.device_id), std::move(answer.user_id))
        .needs_approval(answer.approval);
    return std::move(maker).make();
}

}  // namespace scepgate::policy
