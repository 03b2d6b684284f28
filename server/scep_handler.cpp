#include "server/scep_handler.hpp"

#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "certs/clock.hpp"
#include "scep/query.hpp"
#include "server/failure_tick.hpp"
#include "server/http_address.hpp"

namespace scepgate::server {

namespace asio = boost::asio;

namespace {

constexpr std::string_view kOperationHeaders =
    "Cache-Control: no-store, no-transform\r\nX-Content-Type-Options: nosniff\r\n";

constexpr std::string_view kQueueFull =
    "as many messages wait as may, or for too long; those of its own address count twice";

using Prepared = std::shared_ptr<const PreparedReply>;

Prepared plain(unsigned status, std::string_view text, std::string_view headers = {}) {
    return std::make_shared<PreparedReply>(status, "text/plain", as_bytes(text), headers);
}

const Prepared& bad_request() {
    static const Prepared reply = plain(400, "Bad Request\n");
    return reply;
}
const Prepared& not_found() {
    static const Prepared reply = plain(404, "Not Found\n");
    return reply;
}
/// What a load balancer asks (docs/cluster.md): who is not about to stop, and could record what is
/// asked for as well as another node, is ready.
constexpr std::string_view kReadyPath = "/ready";

const Prepared& ready(bool leaving, bool clock_is_wrong) {
    static const Prepared yes = plain(200, "ready\n", "Cache-Control: no-store\r\n");
    static const Prepared no = plain(503, "stopping\n", "Cache-Control: no-store\r\n");
    static const Prepared wrong = plain(503, "the clock is wrong\n", "Cache-Control: no-store\r\n");
    if (leaving) return no;
    return clock_is_wrong ? wrong : yes;
}
const Prepared& no_next_ca() {
    static const Prepared reply = plain(404, "There is no next CA certificate.\n");
    return reply;
}

/// Of what has no other.
std::string status_code(unsigned status) {
    return "HTTP " + std::to_string(status);
}

HttpReply text_reply(unsigned status, std::string_view text) {
    HttpReply reply;
    reply.status = status;
    reply.body = to_bytes(as_bytes(text));
    reply.headers = status == 503 ? "Cache-Control: no-store\r\nRetry-After: 5\r\n"
                                  : "Cache-Control: no-store\r\n";
    return reply;
}

HttpReply to_http(OperationReply outcome) {
    switch (outcome.kind) {
        case OperationReply::Kind::kMalformed:
            return text_reply(400, "Bad Request\n");
        case OperationReply::Kind::kUnavailable:
            return text_reply(503, "Service Unavailable\n");
        case OperationReply::Kind::kInternal:
            return text_reply(500, "Internal Server Error\n");
        case OperationReply::Kind::kCertRep:
            break;
    }
    HttpReply reply;
    reply.content_type = "application/x-pki-message";
    reply.headers = kOperationHeaders;
    reply.body = std::move(outcome.body);
    if (outcome.failed_since) {
        reply.not_before = failure_release(*outcome.failed_since, std::chrono::steady_clock::now());
    }
    return reply;
}

}  // namespace

ScepHandler::ScepHandler(std::shared_ptr<const Runtime> runtime, PkiOperations& operations,
                         WorkerPool& workers, std::shared_ptr<Log> log)
    : runtime_(std::move(runtime)),
      operations_(operations),
      workers_(workers),
      log_(std::move(log)) {}

void ScepHandler::replace(std::shared_ptr<const Runtime> runtime) {
    const std::lock_guard lock(mutex_);
    runtime_ = std::move(runtime);
}

std::shared_ptr<const Runtime> ScepHandler::runtime() const {
    const std::lock_guard lock(mutex_);
    return runtime_;
}

void ScepHandler::bound_refusals(std::size_t rate) {
    lines_.set_rate(rate);
    operations_.bound_refusals(rate);
}

void ScepHandler::tell_refusals(RefusalBounds::Which which) {
    operations_.tell_refusals(which);
    for (const auto& untold : lines_.take(which, std::chrono::steady_clock::now())) {
        LogFields fields;
        fields.add("client", untold.client)
            .add("code", untold.code)
            .add("count", untold.count)
            .add("since", certs::utc_text(certs::SystemClock().now() - untold.ago.count()));
        log_->warn("refused more", fields);
    }
}

void ScepHandler::log_ended(const HttpRequest& request, const RequestRecord& record,
                            unsigned status) {
    if (!record.known && (record.refused || status >= 400)) {
        const std::string code = record.code.empty() ? status_code(status) : record.code;
        const auto now = std::chrono::steady_clock::now();
        if (!lines_.admit(request.client_address, code, now)) return;
    }
    log_request(*log_, request, record, status);
}

std::shared_ptr<const PreparedReply> ScepHandler::immediate(const HttpRequest& request) noexcept {
    try {
        return answer_from_memory(request);
    } catch (const std::exception& error) {
        log_->error(error.what());
        return bad_request();
    }
}

std::shared_ptr<const PreparedReply> ScepHandler::answer_from_memory(const HttpRequest& request) {
    const auto current = runtime();
    if (current->publications().serves(request.path)) return nullptr;
    RequestRecord record;
    const auto answer = [&](Prepared reply) {
        log_ended(request, record, reply->status());
        return reply;
    };
    const auto endpoint = current->route(request.path);
    // Not logged: it comes every second or two.
    if (!endpoint && request.path == kReadyPath)
        return ready(leaving_, operations_.clock_is_wrong());
    if (!endpoint) return answer(not_found());
    record.endpoint = endpoint->name;

    const auto query = scep::parse_query(request.raw_query);
    if (!query) {
        record.reason = query.error().detail;
        return answer(bad_request());
    }
    if (!query->operation) {
        // Some old clients POST a message and leave the operation out.
        if (request.method == HttpMethod::kPost && !request.body.empty()) return nullptr;
        return answer(request.method == HttpMethod::kPost ? bad_request()
                                                          : endpoint->information_page);
    }
    if (query->operation == scep::Operation::kPkiOperation) return nullptr;
    record.operation = to_text(*query->operation);
    if (request.method == HttpMethod::kPost) return answer(bad_request());
    switch (*query->operation) {
        case scep::Operation::kGetCaCaps:
            return answer(endpoint->capabilities);
        case scep::Operation::kGetCaCert:
            return answer(endpoint->ca_certificates);
        case scep::Operation::kGetNextCaCert:
            return answer(endpoint->next_ca_certificates ? endpoint->next_ca_certificates
                                                         : no_next_ca());
        case scep::Operation::kPkiOperation:
            break;
    }
    return nullptr;
}

/// A reply of what CAs publish; nothing is thrown.
static asio::awaitable<HttpReply> published(WorkerPool::Place& place,
                                            std::shared_ptr<const Runtime> runtime,
                                            const HttpRequest& request, RequestRecord& record) {
    place.begin();
    try {
        co_return co_await runtime->publications().answer(request, record);
    } catch (const std::exception& error) {
        describe(scepgate::refused(reason::kInternalError, error.what()), record);
    }
    co_return text_reply(500, "Internal Server Error\n");
}

asio::awaitable<HttpReply> ScepHandler::publish(std::shared_ptr<const Runtime> runtime,
                                                HttpRequest request) {
    RequestRecord record;
    HttpReply reply = text_reply(503, "Service Unavailable\n");
    if (auto place = workers_.take_place(owner_of(request.client_address))) {
        auto job = published(*place, std::move(runtime), request, record);
        reply = co_await asio::co_spawn(workers_.executor(), std::move(job), asio::use_awaitable);
    } else {
        describe(scepgate::refused(reason::kQueueFull, std::string(kQueueFull)), record);
    }
    log_ended(request, record, reply.status);
    co_return reply;
}

asio::awaitable<HttpReply> ScepHandler::handle(HttpRequest request) {
    const auto current = runtime();
    if (current->publications().serves(request.path)) {
        co_return co_await publish(current, std::move(request));
    }
    RequestRecord record;
    record.operation = to_text(scep::Operation::kPkiOperation);
    record.decode_path = "plain";
    const auto endpoint = current->route(request.path);
    HttpReply reply = text_reply(400, "Bad Request\n");
    Bytes message;
    bool readable = endpoint != nullptr;
    if (endpoint) record.endpoint = endpoint->name;
    if (request.method == HttpMethod::kPost) {
        message = std::move(request.body);
    } else {
        const auto query = scep::parse_query(request.raw_query);
        auto decoded = query && query->message
                           ? scep::decode_query_message(*query->message, current->message_limit())
                           : Result<scep::QueryMessage>(malformed("the query has no message"));
        readable = readable && decoded;
        if (decoded) {
            message = std::move(decoded->bytes);
            std::string repairs;
            for (const auto& repair : decoded->repairs)
                repairs += (repairs.empty() ? "" : ",") + repair;
            if (!repairs.empty()) record.decode_path = repairs;
        } else {
            describe(scepgate::refused(reason::kMessageUnreadable, decoded.error().detail), record);
        }
    }
    if (readable && message.empty()) {
        readable = false;
        describe(scepgate::refused(reason::kMessageUnreadable, "the message is empty"), record);
    }
    if (readable) {
        auto place = workers_.take_place(owner_of(request.client_address));
        if (!place) {
            describe(scepgate::refused(reason::kQueueFull, std::string(kQueueFull)), record);
            reply = text_reply(503, "Service Unavailable\n");
        } else {
            auto job = work(*place, endpoint, std::move(message), request.client_address, record);
            auto outcome =
                co_await asio::co_spawn(workers_.executor(), std::move(job), asio::use_awaitable);
            reply = to_http(std::move(outcome));
        }
    }
    log_ended(request, record, reply.status);
    co_return reply;
}

asio::awaitable<OperationReply> ScepHandler::work(WorkerPool::Place& place,
                                                  std::shared_ptr<const Endpoint> endpoint,
                                                  Bytes message, std::string client_address,
                                                  RequestRecord& record) {
    place.begin();
    try {
        co_return co_await operations_.process(*endpoint, message, std::move(client_address),
                                               record);
    } catch (const std::exception& error) {
        describe(scepgate::refused(reason::kInternalError, error.what()), record);
    }
    co_return OperationReply{};
}

void ScepHandler::refused(std::string_view client_address, unsigned status,
                          std::string_view detail) noexcept {
    try {
        const auto now = std::chrono::steady_clock::now();
        if (!lines_.admit(client_address, status_code(status), now)) return;
        LogFields fields;
        fields.add("client", client_address).add("status", status).add("reason", detail);
        log_->warn("refused", fields);
    } catch (const std::exception&) {
        // A line that cannot be made (no memory) must not end the connection's thread.
        return;
    }
}

}  // namespace scepgate::server
