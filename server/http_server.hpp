// The listening sockets, their threads and connections.
#pragma once

#include <memory>

#include "server/http_message.hpp"
#include "server/http_settings.hpp"

namespace scepgate::server {

/// Serves HTTP/1.0 and 1.1 on all listeners. Each I/O thread runs its own io_context; a connection
/// stays on one thread for life. One thread, none of these, calls what is here.
class HttpServer {
public:
    /// Binds all listeners at once, before any thread starts. kConfig: an address that cannot be
    /// bound (in use, not ours, privileged port) or TLS files that do not load; says which and how
    /// to mend it. `handler` outlives the server.
    static Result<std::unique_ptr<HttpServer>> create(const HttpSettings& settings,
                                                      HttpHandler& handler);
    /// Drains without grace, then lets the handlers' coroutines end. Join the threads that they hop
    /// to first (drain, join the workers, destroy): to come back, a worker refers to an I/O thread.
    ~HttpServer();

    void start();
    /// The bound endpoints ("127.0.0.1:40123"), port 0 resolved; in the order of the settings.
    [[nodiscard]] std::vector<std::string> addresses() const;
    /// Reads TLS certificates anew for new connections; on an error the old ones stay.
    Result<void> reload_tls();
    /// Other trusted proxies and limits from now on (SIGHUP); listeners stay as they are.
    void update(const HttpSettings& settings);
    /// Stops accepting, lets requests in progress end for up to `grace`, then cuts; joins threads.
    /// A request that a handler still works on then stays suspended until the destructor.
    void drain(std::chrono::seconds grace);
    [[nodiscard]] std::size_t connections() const noexcept;

private:
    class Impl;
    explicit HttpServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace scepgate::server
