#include "server/admin/api.hpp"

#include <nlohmann/json.hpp>
#include <openssl/crypto.h>

#include "certs/asn1_string.hpp"
#include "certs/clock.hpp"
#include "policy/json_fields.hpp"
#include "server/admin/form.hpp"
#include "server/admin/openapi.hpp"
#include "server/text_escape.hpp"

namespace scepgate::server::admin {

namespace asio = boost::asio;
using Json = nlohmann::ordered_json;

namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::size_t kMostListed = 1000;

Problem not_found(std::string detail) {
    return {404, "not_found", std::move(detail)};
}

HttpReply json_reply(unsigned status, const Json& json) {
    return to_reply(status, kJson,
                    json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

Problem to_problem(const MintingRefusal& refusal) {
    using Why = MintingRefusal::Kind;
    switch (refusal.kind) {
        case Why::kUnsupported:
            return {409, "policy_unsupported", refusal.text};
        case Why::kNotAllowed:
            return {422, "not_allowed", refusal.text};
        case Why::kCacheFull:
            return {503, "cache_full", refusal.text, 60};
        case Why::kQuotaReached:
            return {429, "quota_reached", refusal.text, 60};
        case Why::kUnavailable:
            break;
    }
    // What failed is the administrator's to know, in the audit file.
    return {503, "unavailable", "the challenge could not be made or recorded; try again", 5};
}

/// Without a copy of the challenge that stays behind.
void append_challenge(std::string& out, const std::string& policy,
                      const policy::Challenge& challenge) {
    out += "{\"id\":";
    if (challenge.token.empty()) {
        out += "null";
    } else {
        append_json_string(out, to_hex(challenge.token));
    }
    out += ",\"challenge\":";
    append_json_string(out, challenge.text.text(), challenge.text.text().size());
    out += ",\"expires\":";
    if (challenge.expires == 0) {
        out += "null";
    } else {
        append_json_string(out, certs::utc_text(challenge.expires));
    }
    out += ",\"policy\":";
    append_json_string(out, policy);
    out += '}';
}

/// The policies of the caller by their scopes: those that are asked about, or all. A scope of two
/// of them is the first's that makes challenges.
std::map<std::string, std::string> policies_by_scope(const Call& call, const std::string& asked) {
    std::map<std::string, std::string> names;
    for (const bool mints : {true, false}) {
        for (const std::string& name : call.caller.policies) {
            const auto policy = call.runtime.policies.find(name);
            if (policy == call.runtime.policies.end() || policy->second.mints() != mints) continue;
            if (!asked.empty() && name != asked) continue;
            for (std::string& scope : policy->second.module->challenge_scopes())
                names.emplace(std::move(scope), name);
        }
    }
    return names;
}

}  // namespace

asio::awaitable<HttpReply> Api::answer(const Call& call) const {
    std::string_view path = call.request.path;
    path.remove_prefix(kApiRoot.size());
    const HttpMethod method = call.request.method;
    constexpr std::string_view kChallenges = "challenges";
    if (path == kChallenges) {
        if (method == HttpMethod::kPost) co_return co_await create(call);
        co_return method == HttpMethod::kGet ? list(call) : wrong_method("GET, POST");
    }
    if (path.starts_with("challenges/")) {
        if (method != HttpMethod::kDelete) co_return wrong_method("DELETE");
        co_return co_await withdraw(call, path.substr(kChallenges.size() + 1));
    }
    if (path == "policies")
        co_return method == HttpMethod::kGet ? policies(call) : wrong_method("GET");
    if (path == "openapi.json") {
        co_return method == HttpMethod::kGet ? to_reply(200, kJson, openapi_document())
                                             : wrong_method("GET");
    }
    co_return to_reply(not_found("there is nothing here; see /api/v1/openapi.json"));
}

Result<std::string, Problem> Api::choose_policy(const Call& call, const std::string& named) const {
    const auto& allowed = call.caller.policies;
    if (named.empty() && allowed.size() == 1) return *allowed.begin();
    if (named.empty()) return bad_request("bad_value", "policy: is missing");
    // Whether others exist is not the caller's to know.
    if (allowed.contains(named) && call.runtime.policies.contains(named)) return named;
    services_.audit_denied(call.request, call.caller.name, named,
                           "not one of the caller's policies");
    return Problem{403, "forbidden", "policy: is not one of yours"};
}

Result<void, Problem> Api::bind_endpoints(const Call& call, const AdminPolicy& policy,
                                          policy::ChallengeParameters& parameters) const {
    // Of the caller's endpoints those that ask the policy. Where none does, they are about others,
    // and the policy was given to it by name.
    std::set<std::string> own;
    for (const TemplateChoice& choice : policy.choices) {
        if (call.caller.endpoints.contains(choice.endpoint)) own.insert(choice.endpoint);
    }
    if (own.empty()) return {};
    if (parameters.endpoints.empty()) {
        if (policy.binds) parameters.endpoints = {own.begin(), own.end()};
        return {};
    }
    for (const std::string& named : parameters.endpoints) {
        if (own.contains(named)) continue;
        services_.audit_denied(call.request, call.caller.name, named,
                               "not one of the caller's endpoints");
        return Problem{403, "forbidden", "endpoint: is not one of yours"};
    }
    return {};
}

asio::awaitable<HttpReply> Api::create(const Call& call) const {
    const std::string_view type = call.request.details->content_type;
    const std::string_view bare = type.substr(0, type.find_first_of("; "));
    // A form of a foreign page can send no such type.
    if (!certs::equal_ignoring_ascii_case(bare, kJson)) {
        co_return to_reply(
            Problem{415, "unsupported_media_type", "Content-Type is not application/json"});
    }
    auto order = read_order(as_text(call.request.body));
    if (!order) co_return to_reply(order.error());
    const auto name = choose_policy(call, order->policy);
    if (!name) co_return to_reply(name.error());
    const AdminPolicy& chosen = call.runtime.policies.at(*name);
    if (const auto bound = bind_endpoints(call, chosen, order->parameters); !bound)
        co_return to_reply(bound.error());
    std::string fault = order_fault(chosen.choices, order->parameters);
    if (!fault.empty()) co_return to_reply(Problem{422, "not_allowed", std::move(fault)});
    order->parameters.built_subjects = built_subjects(chosen.choices, order->parameters);
    policy::PolicyModule& module = *chosen.module;

    const std::size_t count = order->count.value_or(1);
    std::vector<policy::Challenge> made;
    std::optional<Problem> problem;
    while (made.size() < count && !problem) {
        auto minted =
            co_await services_.minting.mint(module, order->parameters, call.minting_caller());
        if (auto* challenge = std::get_if<policy::Challenge>(&minted)) {
            made.push_back(std::move(*challenge));
        } else {
            problem = to_problem(std::get<MintingRefusal>(minted));
        }
    }
    if (made.empty()) co_return to_reply(*problem);

    std::string text;
    std::size_t size = 1024;
    for (const auto& challenge : made)
        size += 6 * challenge.text.text().size() + 512 + name->size() * 6;
    text.reserve(size);  // grown on the way, it would leave copies behind
    if (!order->count) {
        append_challenge(text, *name, made.front());
    } else {
        text += "{\"challenges\":[";
        for (std::size_t i = 0; i < made.size(); ++i) {
            if (i != 0) text += ',';
            append_challenge(text, *name, made[i]);
        }
        text += ']';
        // What was made is handed out: lost, it would count against the quota.
        if (problem) text += ",\"problem\":" + to_json(*problem);
        text += '}';
    }
    text += '\n';
    HttpReply reply = to_reply(201, kJson, text);
    OPENSSL_cleanse(text.data(), text.size());
    co_return reply;
}

HttpReply Api::list(const Call& call) const {
    const auto form = parse_form(call.request.raw_query);
    if (!form) return to_reply(bad_request("bad_value", form.error().detail));
    ca_backend::ChallengeFilter filter;
    filter.now = services_.parts.clock->now();
    filter.caller = call.caller.name;
    std::string asked;
    for (const auto& [key, value] : *form) {
        if (key == "policy") {
            const auto name = choose_policy(call, value);
            if (!name) return to_reply(name.error());
            asked = *name;
        } else if (key == "state") {
            filter.state = ca_backend::challenge_state_from_text(value);
            if (!filter.state) {
                return to_reply(bad_request("bad_value",
                                            "state: is not outstanding, used, withdrawn or "
                                            "expired"));
            }
        } else if (key == "limit") {
            const bool digits = !value.empty() && value.size() <= 4 &&
                                value.find_first_not_of("0123456789") == std::string::npos;
            filter.limit = digits ? std::stoul(value) : 0;
            if (filter.limit == 0 || filter.limit > kMostListed)
                return to_reply(bad_request("bad_value", "limit: is not 1 to 1000"));
        } else {
            return to_reply(bad_request(
                "unknown_member",
                "a parameter that is not policy, state or limit: " + policy::member_name(key)));
        }
    }
    const auto names = policies_by_scope(call, asked);
    filter.scopes.emplace();
    for (const auto& [scope, name] : names)
        filter.scopes->insert(scope);
    const auto found = services_.parts.store->list_challenges(filter);
    if (!found) {
        services_.parts.log->error(found.error().detail);
        return to_reply(Problem{503, "unavailable", "the store cannot be read now", 5});
    }
    Json all = Json::array();
    for (const auto& [row, state] : *found) {
        all.push_back({{"id", to_hex(row.token)},
                       {"policy", names.at(row.scope)},
                       {"state", ca_backend::to_text(state)},
                       {"created", certs::utc_text(row.created)},
                       {"expires", certs::utc_text(row.expires)}});
    }
    return json_reply(200, {{"challenges", std::move(all)}});
}

asio::awaitable<HttpReply> Api::withdraw(const Call& call, std::string_view below) const {
    const auto slash = below.rfind('/');
    if (slash == std::string_view::npos)
        co_return to_reply(not_found("write /api/v1/challenges/POLICY/ID"));
    const auto named = decode_segment(below.substr(0, slash));
    const auto token = from_hex(below.substr(slash + 1));
    const Problem unknown = not_found("you have made no such challenge");
    if (!named || named->empty() || !token || token->empty() || token->size() > 64)
        co_return to_reply(unknown);
    const auto name = choose_policy(call, *named);
    if (!name) co_return to_reply(name.error());
    ca_backend::Store& store = *services_.parts.store;
    const std::int64_t now = services_.parts.clock->now();

    std::optional<std::string> scope;
    for (const auto& each : call.runtime.policies.at(*name).module->challenge_scopes()) {
        const auto found = store.find_challenge(each, *token, now);
        if (!found) {
            services_.parts.log->error(found.error().detail);
            co_return to_reply(Problem{503, "unavailable", "the store cannot be read now", 5});
        }
        if (*found && (*found)->row.caller == call.caller.name) scope = each;
    }
    if (!scope) co_return to_reply(unknown);
    const auto withdrawn = co_await store.withdraw_challenge(*scope, *token, now);
    if (!withdrawn && withdrawn.error().code == Errc::kConflict)
        co_return to_reply(Problem{409, "conflict", "it was used or withdrawn before"});
    if (!withdrawn && withdrawn.error().code == Errc::kNotFound) co_return to_reply(unknown);
    AuditRecord line(withdrawn ? AuditEvent("withdraw") : AuditEvent("fail"), now);
    line.add("caller", call.caller.name)
        .add("client", call.request.client_address)
        .add("policy", *name)
        .add("challenge", to_hex(*token))
        .add_if("reason", withdrawn ? "" : withdrawn.error().detail);
    // It is done already, and nothing is given away by it.
    if (auto written = services_.parts.audit->write(line); !written)
        services_.parts.log->error(written.error().detail);
    if (!withdrawn)
        co_return to_reply(Problem{503, "unavailable", "it could not be withdrawn now", 5});
    co_return to_reply(204, "", "");
}

HttpReply Api::policies(const Call& call) {
    Json all = Json::array();
    for (const std::string& name : call.caller.policies) {
        const auto found = call.runtime.policies.find(name);
        if (found == call.runtime.policies.end()) continue;
        const AdminPolicy& policy = found->second;
        Json entry{{"name", name}, {"type", policy.type}, {"creates_challenges", policy.mints()}};
        if (!policy.audience.empty()) entry["audience"] = policy.audience;
        if (const auto certificate = policy.module->encryption_certificate())
            entry["encryption_certificate"] = certificate->pem();
        all.push_back(std::move(entry));
    }
    return json_reply(200, {{"policies", std::move(all)}});
}

}  // namespace scepgate::server::admin
