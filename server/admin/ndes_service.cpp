#include "server/admin/ndes_service.hpp"

#include <algorithm>
#include <optional>

#include <openssl/crypto.h>

#include "certs/asn1_string.hpp"
#include "server/admin/challenge_order.hpp"
#include "server/admin/form.hpp"
#include "server/admin/ndes_page.hpp"

namespace scepgate::server::admin {

namespace asio = boost::asio;
using RefusedKind = MintingRefusal::Kind;

namespace {

/// A page as NDES sends it: no charset, whatever the encoding.
HttpReply page_reply(const AdminRuntime& runtime, std::string_view text) {
    HttpReply reply = to_reply(200, "text/html", "");
    reply.body = runtime.utf16_pages ? to_utf16le(text) : to_bytes(as_bytes(text));
    return reply;
}

/// Whether a page can show it so that every scraper reads it back.
bool is_plain(std::string_view text) {
    for (const char c : text) {
        if (c <= ' ' || c > '~' || std::string_view("<>&\"").find(c) != std::string_view::npos)
            return false;
    }
    return !text.empty();
}

/// Whole ones: the page must not promise more than there is.
std::int64_t minutes_of(const AdminPolicy& policy) {
    return std::max<std::int64_t>(1, policy.validity / 60);
}

std::string thumbprint_of(const AdminRuntime& runtime, const AdminPage& page, bool anchor) {
    const auto endpoint = runtime.scep->route(page.scep_path);
    if (!endpoint) return {};
    const auto& chain = endpoint->ca->chain();
    return ndes_thumbprint(anchor ? chain.back() : chain.front());
}

/// "" when the endpoint has none.
std::string template_for(const AdminRuntime& runtime, const AdminPage& page,
                         const certs::KeyUsage& usage) {
    const auto endpoint = runtime.scep->route(page.scep_path);
    const auto purpose = certs::purpose_of(usage);
    return endpoint && purpose ? endpoint->template_for(*purpose) : std::string();
}

HttpReply text_problem(unsigned status, std::string_view text) {
    return to_reply(status, "text/plain", std::string(text) + "\n");
}

/// For programs that call NDESGenerateChallenge: a status that says it, and a line of text.
HttpReply to_text_reply(const MintingRefusal& refusal) {
    switch (refusal.kind) {
        case RefusedKind::kUnsupported:
        case RefusedKind::kNotAllowed:
            return text_problem(403, refusal.text);
        case RefusedKind::kCacheFull:
            return text_problem(503, "The password cache is full.");
        case RefusedKind::kQuotaReached:
            return text_problem(429, refusal.text);
        case RefusedKind::kUnavailable:
            break;
    }
    return text_problem(503, "Service Unavailable");
}

struct PageQuery {
    std::optional<std::string> operation, key_usage, params;
    bool has_others = false;
};

Result<PageQuery> read_query(std::string_view raw) {
    const auto form = parse_form(raw);
    if (!form) return form.error();
    PageQuery query;
    for (const auto& [name, value] : *form) {
        auto* target = certs::equal_ignoring_ascii_case(name, "operation")  ? &query.operation
                       : certs::equal_ignoring_ascii_case(name, "keyUsage") ? &query.key_usage
                       : certs::equal_ignoring_ascii_case(name, "params")   ? &query.params
                                                                            : nullptr;
        if (target == nullptr) {
            query.has_others = true;
            continue;
        }
        if (*target) return malformed("a parameter stands there twice");
        *target = value;
    }
    return query;
}

}  // namespace

asio::awaitable<HttpReply> NdesService::answer(const Call& call, const AdminPage& page) const {
    // Not HEAD: nothing here may be done by asking for its header alone.
    if (call.request.method != HttpMethod::kGet && call.request.method != HttpMethod::kPost)
        co_return wrong_method("GET, POST");
    if (!call.caller.endpoints.contains(page.endpoint)) {
        services_.audit_denied(call.request, call.caller.name, page.endpoint,
                               "not one of the caller's endpoints");
        co_return page_reply(call.runtime, no_permission_page());
    }
    const auto query = read_query(call.request.raw_query);
    if (!query) co_return text_problem(400, query.error().detail);
    const std::string operation = query->operation.value_or("");
    if (operation.empty()) {
        // As IIS for a folder: to the same path, which is all that a proxy in front may pass on.
        if (std::any_of(page.paths.begin(), page.paths.end(), [&](const std::string& bare) {
                return certs::equal_ignoring_ascii_case(bare, call.request.path);
            })) {
            HttpReply moved = text_problem(301, "Moved Permanently");
            moved.headers += "Location: " + call.request.path + "/\r\n";
            co_return moved;
        }
        co_return co_await show_password(call, page);
    }
    if (certs::equal_ignoring_ascii_case(operation, "NDESGetCACertThumbprint"))
        co_return to_reply(200, "text/plain", thumbprint_of(call.runtime, page, true));
    if (certs::equal_ignoring_ascii_case(operation, "NDESGenerateChallenge")) {
        // Elsewhere they say nothing, as with NDES; here a mistyped one would be names not given.
        if (query->has_others)
            co_return text_problem(400, "a parameter that is not operation, keyUsage or params");
        co_return co_await generate_challenge(call, page, query->key_usage.value_or(""),
                                              query->params.value_or(""));
    }
    co_return text_problem(400,
                           "operation: is not NDESGenerateChallenge or "
                           "NDESGetCACertThumbprint");
}

asio::awaitable<HttpReply> NdesService::show_password(const Call& call,
                                                      const AdminPage& page) const {
    const auto policy = call.runtime.policies.find(page.page_policy);
    if (policy == call.runtime.policies.end())
        co_return page_reply(call.runtime, no_permission_page());
    policy::ChallengeParameters parameters;
    // Whoever may have this page alone gets nothing at another endpoint.
    if (policy->second.binds) parameters.endpoints = {page.endpoint};
    auto made = co_await services_.minting.mint(*policy->second.module, std::move(parameters),
                                                call.minting_caller());
    if (const auto* refusal = std::get_if<MintingRefusal>(&made)) {
        switch (refusal->kind) {
            case RefusedKind::kCacheFull:
            case RefusedKind::kQuotaReached:
                co_return page_reply(call.runtime, cache_full_page(minutes_of(policy->second)));
            case RefusedKind::kUnsupported:
            case RefusedKind::kNotAllowed:
                co_return page_reply(call.runtime, no_permission_page());
            case RefusedKind::kUnavailable:
                break;
        }
        co_return to_text_reply(*refusal);
    }
    const auto& challenge = std::get<policy::Challenge>(made);
    if (!is_plain(challenge.text.text())) {
        services_.parts.log->error("a password has characters that a page cannot show");
        co_return text_problem(500, "Internal Server Error");
    }
    const std::string thumbprint = thumbprint_of(call.runtime, page, false);
    std::string text = password_page({thumbprint, challenge.text.text(),
                                      challenge.expires == 0 ? 0 : minutes_of(policy->second)});
    HttpReply reply = page_reply(call.runtime, text);
    OPENSSL_cleanse(text.data(), text.size());
    co_return reply;
}

asio::awaitable<HttpReply> NdesService::generate_challenge(const Call& call, const AdminPage& page,
                                                           std::string key_usage,
                                                           std::string params) const {
    auto parameters = read_ndes_order(key_usage, params);
    if (!parameters) co_return text_problem(parameters.error().status, parameters.error().detail);
    const auto policy = call.runtime.policies.find(page.challenge_policy);
    if (policy == call.runtime.policies.end())
        co_return text_problem(403, "no policy of this endpoint makes challenges");
    if (!call.caller.limits.templates.empty()) {
        // These requests name no template: as with NDES, it follows from the key usage.
        if (!parameters->key_usage)
            co_return text_problem(400, "keyUsage: is missing, and says which template it is for");
        parameters->template_name = template_for(call.runtime, page, *parameters->key_usage);
    }
    if (policy->second.binds) parameters->endpoints = {page.endpoint};
    parameters->built_subjects = built_subjects(policy->second.choices, *parameters);
    const auto made = co_await services_.minting.mint(
        *policy->second.module, *std::move(parameters), call.minting_caller());
    if (const auto* refusal = std::get_if<MintingRefusal>(&made)) co_return to_text_reply(*refusal);
    co_return to_reply(200, "text/plain", std::get<policy::Challenge>(made).text.text());
}

}  // namespace scepgate::server::admin
