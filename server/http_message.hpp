// Requests and replies between the HTTP side and what answers them.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "certs/secret.hpp"

namespace scepgate::server {

/// kDelete, and kOther for whatever else there is: only for handlers that want details.
enum class HttpMethod { kGet, kHead, kPost, kDelete, kOther };
[[nodiscard]] std::string_view to_text(HttpMethod method) noexcept;  ///< "GET"; "other"

/// What only handlers with callers of their own look at. Values as sent, "" when absent.
struct HttpDetails {
    Secret authorization;
    std::string host, origin, referer, sec_fetch_site, content_type;
    bool repeated = false;     ///< one of these fields came twice
    Bytes client_certificate;  ///< DER; verified in the TLS handshake; empty: none
};

/// A request whose framing and limits were checked. Nothing of it is trusted.
struct HttpRequest {
    HttpMethod method = HttpMethod::kGet;
    std::string path;       ///< as sent, without authority and query; not percent-decoded
    std::string raw_query;  ///< what follows "?"; empty when there is none
    Bytes body;
    std::string client_address;  ///< text; behind a trusted proxy the nearest untrusted hop
    std::string user_agent;      ///< at most 256 octets, control characters replaced
    std::string if_none_match;   ///< as sent; "" when absent or over 256 octets
    /// As sent; "" when absent, twice, over 64 octets, or beside If-None-Match.
    std::string if_modified_since;
    std::size_t uri_length = 0;
    std::chrono::steady_clock::time_point received;  ///< when its last octet had come
    std::unique_ptr<const HttpDetails> details;      ///< null unless the handler wants them
};

/// A reply made once and sent many times: all of it but the Date.
class PreparedReply {
public:
    /// `content_type` exactly as it goes out. `headers`: more header lines, each ending in CRLF.
    PreparedReply(unsigned status, std::string_view content_type, ByteView body,
                  std::string_view headers = {});

    /// Status line and fields, without Date and the empty line: with "Connection: close" when
    /// `close`, else with "keep-alive" (which HTTP/1.0 clients need to see).
    [[nodiscard]] std::string_view header(bool close) const noexcept {
        return close ? close_ : keep_;
    }
    [[nodiscard]] ByteView body() const noexcept { return body_; }
    [[nodiscard]] unsigned status() const noexcept { return status_; }

private:
    unsigned status_;
    std::string keep_, close_;
    Bytes body_;
};

struct HttpReply {
    unsigned status = 200;
    std::string_view content_type = "text/plain";  ///< static storage
    Bytes body;
    ByteView shared_body;               ///< sent in place of an empty `body`; not copied …
    std::shared_ptr<const void> owner;  ///< … but kept alive by this
    std::string headers;                ///< more header lines, each ending in CRLF
    bool close = false;
    /// Not sent before this moment (failures leave on a tick: attacks.md E06).
    std::optional<std::chrono::steady_clock::time_point> not_before;
};

/// What answers requests. One object serves all connections and threads.
class HttpHandler {
public:
    virtual ~HttpHandler() = default;

    /// Whether requests come with HttpRequest::details. What they hold, and the reply, is then
    /// wiped from the connection's memory after use. Always the same answer.
    [[nodiscard]] virtual bool wants_details() const noexcept { return false; }

    /// Answers from memory, or null: then handle() is asked. Called on the connection's thread,
    /// must not block. The reply stays alive as long as the pointer.
    virtual std::shared_ptr<const PreparedReply> immediate(const HttpRequest& request) noexcept = 0;

    /// Answers with work; may hop to other threads, and ends on the caller's executor.
    virtual boost::asio::awaitable<HttpReply> handle(HttpRequest request) = 0;

    /// A request that the HTTP side answered itself (414, 431, 400 …), for the log. `detail` says
    /// what was wrong with measured lengths, never the peer's octets. Status 0: nothing could be
    /// answered (a TLS handshake that failed).
    virtual void refused(std::string_view client_address, unsigned status,
                         std::string_view detail) noexcept = 0;
};

}  // namespace scepgate::server
