// Requests octet for octet as devices send them, and what becomes of them.
//
// libcurl carries them and reads the replies. It sends the request target that it is given
// (CURLOPT_REQUEST_TARGET: nothing is encoded anew), HTTP/1.0 and no Host when told so.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "certs/bytes.hpp"

namespace scepgate::server::doctor {

/// The URL in its parts.
struct Place {
    std::string scheme;  ///< "http" or "https"
    std::string host;    ///< an IPv6 address without brackets
    std::string port;
    std::string path;
    std::string query;  ///< of the URL itself; usually ""

    /// kConfig: no such URL.
    static Result<Place> of(const std::string& url);
    [[nodiscard]] bool tls() const { return scheme == "https"; }
    /// Path, the URL's own query and `query`: a request target.
    [[nodiscard]] std::string target(std::string_view at_path, std::string_view with_query) const;
};

struct Request {
    std::string target;  ///< exactly as it is sent
    bool post = false;
    bool chunked = false;
    bool http10 = false;  ///< and without Host
    bool new_connection = false;
    ByteView body = {};
    std::vector<std::string> headers = {};  ///< "Name: value"; "Name:" for one that is not sent
};

/// Why there is no reply.
enum class Break {
    kNone,
    kNoName,
    kNoConnection,
    kTls,
    kTimeout,
    kCut,  ///< closed, reset, or shorter than its own Content-Length
    kNoHttp,
    kTooMuch,  ///< longer than the limit: not read to its end
    kNoTimeLeft,
};

struct Reply {
    Break broke = Break::kNone;
    std::string broken_text;  ///< libcurl's words
    long status = 0;
    std::vector<std::pair<std::string, std::string>> fields = {};
    Bytes body = {};
    double seconds = 0;

    [[nodiscard]] bool came() const noexcept { return broke == Break::kNone; }
    /// The first of that name, without case; nothing when there is none.
    [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const;
    [[nodiscard]] std::string_view content_type() const;
    [[nodiscard]] std::string_view text() const { return as_text(body); }
};

struct ExchangeLimits {
    std::chrono::milliseconds each{10'000};      ///< a request, to the end of its reply
    std::chrono::milliseconds all{120'000};      ///< the whole run
    std::size_t largest = std::size_t{2} << 20;  ///< octets of a reply's body
};

class Exchange {
public:
    Exchange(Place place, ExchangeLimits limits);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    /// One request; no redirect is followed, nothing decompressed, no proxy of the environment
    /// asked. The TLS certificate is not judged here (tls_handshake.hpp does): nothing secret is
    /// sent, and a fault of TLS must not hide those behind it.
    [[nodiscard]] Reply ask(const Request& request);

    /// A connection and nothing more; `socket`, when it is there, belongs to this object until the
    /// next call.
    struct Connected {
        Break broke = Break::kNone;
        std::string text;  ///< the address, or libcurl's words
        int socket = -1;
    };
    [[nodiscard]] Connected connect();

    /// What one step may take now; zero when the run's time is over.
    [[nodiscard]] std::chrono::milliseconds time_left() const;
    [[nodiscard]] const Place& place() const noexcept { return place_; }
    /// The slowest reply so far.
    [[nodiscard]] double slowest() const noexcept { return slowest_; }

private:
    struct Handle;
    Place place_;
    ExchangeLimits limits_;
    std::chrono::steady_clock::time_point end_;
    double slowest_ = 0;
    std::unique_ptr<Handle> handle_;
    std::unique_ptr<Handle> connection_;
};

}  // namespace scepgate::server::doctor
