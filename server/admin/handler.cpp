#include "server/admin/handler.hpp"

#include "server/admin/cross_site.hpp"

namespace scepgate::server::admin {

namespace asio = boost::asio;
using std::chrono::seconds;

namespace {

TimePoint steady_now() {
    return std::chrono::steady_clock::now();
}

}  // namespace

AdminHandler::AdminHandler(std::shared_ptr<const AdminRuntime> runtime, ServiceParts parts)
    : runtime_(std::move(runtime)),
      services_(std::move(parts)),
      api_(services_),
      ndes_(services_) {}

void AdminHandler::replace(std::shared_ptr<const AdminRuntime> runtime) {
    const std::lock_guard lock(mutex_);
    runtime_ = std::move(runtime);
}

asio::awaitable<HttpReply> AdminHandler::handle(HttpRequest request) {
    std::shared_ptr<const AdminRuntime> runtime;
    {
        const std::lock_guard lock(mutex_);
        runtime = runtime_;
    }
    Outcome outcome;
    HttpReply reply;
    std::string fault;
    try {
        reply = co_await answer(*runtime, request, outcome);
    } catch (const std::exception& error) {
        fault = error.what();
        reply = to_reply(Problem{500, "internal", "a fault of the server; its log says more"});
    }
    LogFields fields;
    fields.add("client", request.client_address)
        .add("method", to_text(request.method))
        .add("path", request.path)
        .add("status", reply.status);
    if (!outcome.caller.empty()) fields.add("caller", outcome.caller);
    if (!outcome.code.empty()) fields.add("code", outcome.code);
    if (!fault.empty()) fields.add("reason", fault);
    Log& log = *services_.parts.log;
    if (!fault.empty()) {
        log.error("admin", fields);
    } else if (reply.status >= 400) {
        log.warn("admin", fields);
    } else {
        log.info("admin", fields);
    }
    co_return reply;
}

asio::awaitable<HttpReply> AdminHandler::answer(const AdminRuntime& runtime,
                                                const HttpRequest& request, Outcome& outcome) {
    if (request.path == "/healthz") co_return health(request);
    const auto caller = admit(runtime, request, outcome);
    if (!caller) {
        outcome.code = caller.error().code;
        co_return to_reply(caller.error());
    }
    const Call call{runtime, **caller, request};
    if (request.path.starts_with(kApiRoot)) co_return co_await api_.answer(call);
    const AdminPage* page = runtime.page_of(request.path);
    if (page != nullptr) co_return co_await ndes_.answer(call, *page);
    outcome.code = "not_found";
    co_return to_reply(Problem{404, "not_found", "there is nothing here"});
}

Result<const Caller*, Problem> AdminHandler::admit(const AdminRuntime& runtime,
                                                   const HttpRequest& request, Outcome& outcome) {
    const HttpDetails& details = *request.details;
    if (details.repeated)
        return bad_request("malformed", "a header field that decides stands there twice");
    const TimePoint now = steady_now();
    const bool guesses = !details.authorization.empty();
    const seconds blocked = failed_logins_.wait(request.client_address, now);
    if (guesses && blocked > seconds(0)) {
        return Problem{429, "too_many_failures",
                       "too many wrong credentials came from this address", blocked.count()};
    }
    const Identification found = runtime.callers.identify(details);
    if (found.caller == nullptr) {
        if (found.tried && blocked == seconds(0)) {
            const bool last = failed_logins_.failed(request.client_address, now);
            services_.audit_denied(request, found.claimed, "",
                                   std::string("wrong ") + found.method +
                                       (last ? "; the address has to wait now" : ""));
        }
        return Problem{401, "unauthorized",
                       "credentials of a caller are needed: Basic, Bearer or a client certificate"};
    }
    outcome.caller = found.caller->name;
    // Before anything that leaves a record: those are bounded by it.
    const seconds wait = rates_.take(found.caller->name, found.caller->rate, now);
    if (wait > seconds(0))
        return Problem{429, "rate_limited", "more requests than 'rate' allows", wait.count()};
    if (const std::string_view field = cross_site_evidence(details); !field.empty()) {
        services_.audit_denied(request, found.caller->name, "",
                               "a page of another site asked, says " + std::string(field));
        return Problem{403, "cross_site", "a page of another site asked"};
    }
    return found.caller;
}

/// Looks at the store at most once a second, whoever asks how often.
HttpReply AdminHandler::health(const HttpRequest& request) {
    if (request.method != HttpMethod::kGet && request.method != HttpMethod::kHead)
        return wrong_method("GET, HEAD");
    bool healthy = false;
    {
        const std::lock_guard lock(mutex_);
        const TimePoint now = steady_now();
        if (last_look_ == TimePoint{} || now - last_look_ >= seconds(1)) {
            last_look_ = now;
            const Redemption nothing{"healthz", Bytes{0}, 0};
            healthy_ = static_cast<bool>(services_.parts.store->is_redeemed(nothing));
        }
        healthy = healthy_;
    }
    if (!healthy) return to_reply(Problem{503, "unavailable", "the store cannot be read", 5});
    return to_reply(200, "application/json", "{\"status\":\"ok\"}\n");
}

void AdminHandler::refused(std::string_view client_address, unsigned status,
                           std::string_view detail) noexcept {
    try {
        LogFields fields;
        fields.add("client", client_address).add("status", status).add("reason", detail);
        services_.parts.log->warn("admin refused", fields);
    } catch (const std::exception&) {
        // A line that cannot be made (no memory) must not end the connection's thread.
        return;
    }
}

}  // namespace scepgate::server::admin
