// How modules ask services on the network. The server brings the client.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "certs/secret.hpp"

namespace scepgate::policy {

using HttpFields = std::vector<std::pair<std::string, std::string>>;

/// One request, complete: nothing is added but Host,
/// Content-Length and User-Agent.
struct HttpCall {
    std::string method = "POST";
    std::string url;    ///< https://… (http:// only where the configuration allows it)
    HttpFields fields;  ///< may hold secrets (Authorization): never logged
    Secret body;
    std::chrono::milliseconds timeout{10'000};  ///< from the start to the last octet
};

/// What came back, whatever its status. Nothing of it is trusted.
struct HttpAnswer {
    long status = 0;
    HttpFields fields;  ///< names in lower case
    std::string body;

    [[nodiscard]] bool ok() const noexcept { return status >= 200 && status < 300; }
};

/// Safe for concurrent use; connections are kept and shared. Redirects are not followed.
class HttpClient {
public:
    virtual ~HttpClient() = default;

    /// Waits without holding a thread; a cancelled call ends at once. kUnavailable, with the host
    /// and the reason but never the body or a field: no answer in time, no connection, a
    /// certificate that is not trusted. kUnsupported: an answer over the client's size limit.
    virtual boost::asio::awaitable<Result<HttpAnswer>> send(HttpCall call) = 0;
};

}  // namespace scepgate::policy
