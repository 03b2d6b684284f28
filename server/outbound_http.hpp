// HTTPS to services outside: policy::HttpClient by libcurl.
#pragma once

#include <memory>

#include "policy/http_client.hpp"
#include "server/outbound_settings.hpp"

namespace scepgate::server {

/// One thread carries all calls of the process (libcurl's multi interface); it begins with the
/// first call. HTTP/1.1 and TLS 1.2 or later; certificates and host names are always verified.
/// Safe for concurrent use.
class OutboundHttp {
public:
    OutboundHttp();
    /// Stops.
    ~OutboundHttp();
    OutboundHttp(const OutboundHttp&) = delete;
    OutboundHttp& operator=(const OutboundHttp&) = delete;

    /// A client with settings and limits of its own. It may outlive this: then all its calls fail.
    /// A call resumes on the executor that it was made on, which must outlive stop().
    [[nodiscard]] std::shared_ptr<policy::HttpClient> client(OutboundSettings settings);

    /// Calls in progress end with kUnavailable, and so does every later one. Nothing is resumed by
    /// this object after it. May be called again.
    void stop();

private:
    class Engine;
    class Client;
    std::shared_ptr<Engine> engine_;
};

}  // namespace scepgate::server
