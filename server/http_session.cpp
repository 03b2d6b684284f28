#include "server/http_session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <openssl/crypto.h>

#include "server/http_forwarded.hpp"
#include "server/http_replies.hpp"

namespace scepgate::server {

namespace asio = boost::asio;

void HttpSession::start(HttpIoThread& thread, HttpHandler& handler,
                        std::unique_ptr<HttpStream> stream,
                        std::optional<ConnectionCounts::Place> place, std::string peer) {
    std::unique_ptr<HttpSession> session(
        new HttpSession(thread, handler, std::move(stream), std::move(place), std::move(peer)));
    auto task = serve(std::move(session));
    asio::co_spawn(thread.context(), std::move(task), asio::detached);
}

HttpSession::HttpSession(HttpIoThread& thread, HttpHandler& handler,
                         std::unique_ptr<HttpStream> stream,
                         std::optional<ConnectionCounts::Place> place, std::string peer)
    : thread_(thread),
      handler_(handler),
      stream_(std::move(stream)),
      place_(std::move(place)),
      peer_(std::move(peer)),
      wants_details_(handler.wants_details()) {}

HttpSession::~HttpSession() {
    // What was refused before its secrets were taken out.
    if (wants_details_) OPENSSL_cleanse(buffer_.data().data(), buffer_.size());
}

asio::awaitable<void> HttpSession::serve(std::unique_ptr<HttpSession> session) {
    session->settings_ = session->thread_.settings();
    session->thread_.watch(*session);
    co_await session->run();
}

asio::awaitable<void> HttpSession::run() {
    if (!place_) {
        refusal_ = 503;  // the listener has told the handler, once for many
        co_await finish();
        co_return;
    }
    deadline = std::chrono::steady_clock::now() + settings_->limits.header_time;
    idle_ = true;
    if (const auto error = co_await stream_->handshake(); error) {
        if (error != asio::error::operation_aborted || expired_) {
            handler_.refused(peer_, 0,
                             "TLS handshake: " + (expired_ ? "too slow" : error.message()));
        }
        stream_->close();
        co_return;
    }
    while (co_await serve_request()) {
        free_large_storage();
    }
    co_await finish();
}

asio::awaitable<bool> HttpSession::serve_request() {
    if (settings_ != thread_.settings() || requests_ == 0) {
        settings_ = thread_.settings();
        peer_is_proxy_ = is_trusted_proxy(peer_, settings_->trusted_proxies);
    }
    request_.client_address.clear();
    request_.method = HttpMethod::kGet;
    HeadScanner scanner;
    if (!co_await read_header(scanner)) co_return false;
    Framing framing;
    if (!accept_header(scanner.size(), framing)) co_return false;
    if (framing.body != Framing::Body::kNone && !co_await read_body(framing)) co_return false;

    deadline = kNever;  // the handler keeps its own
    // Failures leave on a tick from this moment: it must not be the sender's to choose.
    request_.received = std::chrono::steady_clock::now();
    const bool head = request_.method == HttpMethod::kHead;
    if (const auto prepared = handler_.immediate(request_)) {
        const bool close = !keep_alive_ || thread_.draining();
        request_.details.reset();
        co_return co_await send_prepared(*prepared, close) && !close;
    }
    HttpReply reply = co_await ask_handler();
    if (!has_room_for(reply)) {
        wipe(reply);
        co_return false;
    }
    if (reply.not_before && *reply.not_before > std::chrono::steady_clock::now()) {
        asio::steady_timer timer(co_await asio::this_coro::executor, *reply.not_before);
        co_await timer.async_wait(kAsTuple);
    }
    if (reply.close || thread_.draining()) keep_alive_ = false;
    const ByteView body = reply.body.empty() ? reply.shared_body : ByteView(reply.body);
    write_reply_header(reply_header_, reply.status, reply.content_type, body.size(), reply.headers,
                       !keep_alive_);
    reply_header_.append(thread_.date().now()).append("\r\n");
    Parts parts{asio::buffer(reply_header_), asio::const_buffer()};
    if (!head) parts[1] = asio::buffer(body.data(), body.size());
    const bool sent = send_now(parts) || co_await send_rest(parts);
    wipe(reply);
    co_return sent&& keep_alive_;
}

/// Reads until the header is complete; false: the connection ends, refused or not.
asio::awaitable<bool> HttpSession::read_header(HeadScanner& scanner) {
    const HttpLimits& limits = settings_->limits;
    // Grown on the way, it would leave copies of a header's secrets behind.
    if (wants_details_) buffer_.reserve(limits.request_line + limits.header_fields);
    const auto start = std::chrono::steady_clock::now();
    bool started = buffer_.size() > 0;
    bool blank_line = false;
    deadline = start + (started || requests_ == 0 ? limits.header_time : limits.idle_time);
    body_deadline_ = start + limits.request_time;
    for (;;) {
        // RFC 9112 section 2.2: old clients send an empty line after a body.
        if (!blank_line && buffered().starts_with("\r\n")) {
            blank_line = true;
            buffer_.consume(2);
            scanner = HeadScanner();
        }
        const auto status = scanner.scan(buffered(), limits);
        if (status == HeadScanner::Status::kComplete) co_return true;
        if (status == HeadScanner::Status::kBad) {
            refuse(400, scanner.fault());
            co_return false;
        }
        if (status != HeadScanner::Status::kMore) {
            co_await refuse_too_long(status, scanner);
            co_return false;
        }
        idle_ = buffer_.size() == 0;
        if (idle_ && thread_.draining()) co_return false;
        const Read read = co_await read_more();
        if (read != Read::kData) co_return refuse_unfinished(read, "header", buffer_.size());
        if (!started) {
            started = true;
            const auto first = std::chrono::steady_clock::now();
            deadline = first + limits.header_time;
            body_deadline_ = first + limits.request_time;
        }
        idle_ = false;
    }
}

asio::awaitable<void> HttpSession::refuse_too_long(HeadScanner::Status status,
                                                   const HeadScanner& scanner) {
    const HttpLimits& limits = settings_->limits;
    const auto text = [](std::string_view what, const Measured& measured, std::size_t limit) {
        return std::string(what) + " of " + (measured.whole ? "" : "more than ") +
               std::to_string(measured.octets) + " octets, limit " + std::to_string(limit);
    };
    if (status == HeadScanner::Status::kLineTooLong) {
        const Measured line = co_await measure(0, "\r\n");
        refuse(414, text("request line", line, limits.request_line));
    } else if (status == HeadScanner::Status::kFieldsTooLong) {
        // From the request line's own CRLF on, so that the terminator is there without a field,
        // too.
        const Measured fields = co_await measure(scanner.fields_start() - 2, "\r\n\r\n");
        refuse(431, text("header fields", fields, limits.header_fields));
    } else {
        refuse(431, "more than " + std::to_string(limits.header_count) + " header fields");
    }
}

/// Checks the header at the front of the buffer, copies what is needed of it, and takes it off.
bool HttpSession::accept_header(std::size_t size, Framing& framing) {
    request_.client_address = peer_;
    const auto parsed = parse_header(buffered().substr(0, size), header_);
    if (!parsed) {
        refuse(parsed.error().status, parsed.error().detail);
        return false;
    }
    if (peer_is_proxy_) {
        request_.client_address = forwarded_client(header_, peer_, settings_->trusted_proxies);
    }
    const auto checked = check_framing(header_, wants_details_);
    if (!checked) {
        refuse(checked.error().status, checked.error().detail);
        return false;
    }
    framing = *checked;
    if (!has_room(framing.path.size() + framing.query.size())) return false;
    request_.method = framing.method;
    request_.path.assign(framing.path);
    request_.raw_query.assign(framing.query);
    request_.body.clear();
    request_.uri_length = header_.target.size();
    copy_user_agent(header_, request_.user_agent);
    copy_conditions(header_, request_.if_none_match, request_.if_modified_since);
    ++requests_;
    keep_alive_ = header_.keep_alive && requests_ < settings_->limits.requests_per_connection;
    if (wants_details_) keep_details(size);
    buffer_.consume(size);
    // Before the body comes, which may take its time. With secrets it is small, and stays.
    if (!wants_details_) shrink_buffer();
    return has_room();
}

void HttpSession::keep_details(std::size_t size) {
    auto details = std::make_unique<HttpDetails>(collect_details(header_));
    details->client_certificate = stream_->peer_certificate();
    request_.details = std::move(details);
    OPENSSL_cleanse(buffer_.data().data(), size);
}

void HttpSession::wipe(HttpReply& reply) const noexcept {
    if (wants_details_) OPENSSL_cleanse(reply.body.data(), reply.body.size());
}

asio::awaitable<HttpReply> HttpSession::ask_handler() {
    const HttpIoThread::InHandler guard(thread_);
    try {
        auto task = handler_.handle(std::move(request_));
        co_return co_await std::move(task);
    } catch (const std::exception&) {
        // The handler's own faults are its to log; the peer learns nothing but that.
        HttpReply reply;
        reply.status = 500;
        reply.body = to_bytes(as_bytes("Internal Server Error\n"));
        reply.close = true;
        co_return reply;
    }
}

/// The request is answered with `status` when the connection ends.
void HttpSession::refuse(unsigned status, std::string_view detail) {
    refusal_ = status;
    const std::string& client = request_.client_address.empty() ? peer_ : request_.client_address;
    handler_.refused(client, status, detail);
}

/// A request that stopped in the middle. Always false.
bool HttpSession::refuse_unfinished(Read how, std::string_view what, std::size_t octets) {
    if (how == Read::kNoRoom) return false;
    if (how == Read::kGone || (octets == 0 && idle_)) {
        gone_ = how != Read::kEnded;
        return false;
    }
    const std::string after = " after " + std::to_string(octets) + " octets";
    if (how == Read::kTimeout) {
        refuse(408, std::string(what) + " not complete in time, stopped" + after);
    } else {
        refuse(400, "the connection ended within the " + std::string(what) + after);
    }
    return false;
}

}  // namespace scepgate::server
