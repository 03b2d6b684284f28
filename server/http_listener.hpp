// A listening socket and what becomes of its connections.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>

#include "server/accept_loop.hpp"
#include "server/http_connections.hpp"
#include "server/http_io_thread.hpp"
#include "server/http_message.hpp"
#include "server/http_tls.hpp"
#include "server/http_tls_stream.hpp"

namespace scepgate::server {

using HttpIoThreads = std::vector<std::unique_ptr<HttpIoThread>>;

/// Accepts on the first I/O thread and deals the connections to all in turn.
class HttpListener final : public AcceptLoop {
public:
    /// Binds and listens; kConfig when that cannot be, with the remedy. The references outlive it.
    static Result<std::unique_ptr<HttpListener>> open(const ListenSettings& settings,
                                                      HttpIoThreads& threads,
                                                      ConnectionCounts& counts,
                                                      HttpHandler& handler);

    /// Whether `address` could be bound now; nothing is left behind. kConflict: another socket has
    /// it; kConfig: anything else, with the remedy.
    static Result<void> probe(const std::string& address);

    /// Before the threads run.
    void start();
    /// No more connections. On the first I/O thread, or while it does not run.
    void close() noexcept;
    Result<void> reload_tls();
    [[nodiscard]] const std::string& address() const noexcept { return address_; }

    void on_drain() noexcept override {}
    void on_cut() noexcept override {}

private:
    using Tcp = boost::asio::ip::tcp;
    using Acceptor =
        boost::asio::basic_socket_acceptor<Tcp, boost::asio::io_context::executor_type>;

    HttpListener(HttpIoThreads& threads, ConnectionCounts& counts, HttpHandler& handler);
    Result<void> bind(const ListenSettings& settings);
    [[nodiscard]] bool listening() const noexcept override { return acceptor_.is_open(); }
    void begin_wait() override;
    /// At most 64.
    boost::system::error_code accept_some() override;
    void complain_of_shortage(std::string_view why) override;
    void admit(HttpIoThread& thread, HttpStream::Socket socket, const Tcp::endpoint& peer);
    void complain(std::string_view client, unsigned status, std::string_view detail);

    HttpIoThreads& threads_;
    ConnectionCounts& counts_;
    HttpHandler& handler_;
    std::unique_ptr<TlsCredentials> tls_;
    Acceptor acceptor_;
    std::string address_;
    std::size_t next_thread_ = 0;
    /// Connections that are only told 503; more than this many are just closed.
    std::size_t refused_in_this_second_ = 0;
    OnceASecond complaints_;
};

}  // namespace scepgate::server
