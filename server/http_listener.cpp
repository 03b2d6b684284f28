#include "server/http_listener.hpp"

#include <boost/asio/ip/v6_only.hpp>

#include "server/http_address.hpp"
#include "server/http_session.hpp"

namespace scepgate::server {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

std::string bind_remedy(const error_code& error) {
    if (error == asio::error::address_in_use)
        return "another process listens there: stop it or take another port";
    if (error == boost::system::errc::address_not_available) {
        return "this host does not have the address: use one that \"ip address\" shows, or 0.0.0.0";
    }
    if (error == asio::error::access_denied) {
        return "ports below 1024 need CAP_NET_BIND_SERVICE (AmbientCapabilities= in the systemd "
               "unit), or a start as root with \"run_as\"";
    }
    return "check the address";
}

/// Opens a socket and binds it to `address`, as every listener is bound.
template <class Acceptor>
Result<void> bind_to(const std::string& address, Acceptor& acceptor) {
    const auto endpoint = parse_endpoint(address);
    if (!endpoint) return endpoint.error();
    error_code error;
    acceptor.open(endpoint->protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    // "[::]" and "0.0.0.0" can then stand side by side.
    if (!error && endpoint->address().is_v6()) {
        acceptor.set_option(asio::ip::v6_only(true), error);
    }
    if (!error) acceptor.bind(*endpoint, error);
    if (!error) return {};
    const Errc code = error == asio::error::address_in_use ? Errc::kConflict : Errc::kConfig;
    return Error{code, error.message() + ": " + bind_remedy(error)};
}

}  // namespace

HttpListener::HttpListener(HttpIoThreads& threads, ConnectionCounts& counts, HttpHandler& handler)
    : threads_(threads),
      counts_(counts),
      handler_(handler),
      acceptor_(threads.front()->context()) {}

Result<std::unique_ptr<HttpListener>> HttpListener::open(const ListenSettings& settings,
                                                         HttpIoThreads& threads,
                                                         ConnectionCounts& counts,
                                                         HttpHandler& handler) {
    std::unique_ptr<HttpListener> listener(new HttpListener(threads, counts, handler));
    if (const auto bound = listener->bind(settings); !bound) {
        return in_context("address " + settings.address, bound.error());
    }
    if (settings.tls) {
        auto credentials = TlsCredentials::load(*settings.tls, settings.client_ca);
        if (!credentials) return in_context("tls", credentials.error());
        listener->tls_ = std::move(*credentials);
    }
    return listener;
}

Result<void> HttpListener::bind(const ListenSettings& settings) {
    if (const auto bound = bind_to(settings.address, acceptor_); !bound)
        return Error{Errc::kConfig, bound.error().detail};
    error_code error;
    // Linux hands it on to accepted sockets; a reply's last segment must not wait for an ACK.
    acceptor_.set_option(Tcp::no_delay(true), error);
    if (!error) acceptor_.listen(Acceptor::max_listen_connections, error);
    if (!error) acceptor_.non_blocking(true, error);
    if (error) return Error{Errc::kConfig, error.message() + ": " + bind_remedy(error)};
    address_ = endpoint_text(acceptor_.local_endpoint());
    return {};
}

Result<void> HttpListener::probe(const std::string& address) {
    asio::io_context context;
    Tcp::acceptor acceptor(context);
    return bind_to(address, acceptor);
}

void HttpListener::start() {
    threads_.front()->watch(*this);
    wait();
}

void HttpListener::close() noexcept {
    error_code ignored;
    acceptor_.close(ignored);
}

Result<void> HttpListener::reload_tls() {
    if (!tls_) return {};
    const auto reloaded = tls_->reload();
    if (!reloaded) return in_context("listen " + address_, reloaded.error());
    return {};
}

void HttpListener::begin_wait() {
    acceptor_.async_wait(Acceptor::wait_read, [this](const error_code& closed) {
        if (!closed) accept_waiting();
    });
}

void HttpListener::complain_of_shortage(std::string_view why) {
    complain("", 0, why);
}

error_code HttpListener::accept_some() {
    error_code error;
    for (int i = 0; i < 64; ++i) {
        HttpIoThread& thread = *threads_[next_thread_];
        HttpStream::Socket socket(thread.context());
        Tcp::endpoint peer;
        acceptor_.accept(socket, peer, error);
        if (error == asio::error::would_block || is_shortage(error)) break;
        if (error) continue;  // the peer left before it was accepted
        next_thread_ = (next_thread_ + 1) % threads_.size();
        socket.non_blocking(true, error);
        if (!error) admit(thread, std::move(socket), peer);
    }
    return error;
}

void HttpListener::admit(HttpIoThread& thread, HttpStream::Socket socket,
                         const Tcp::endpoint& peer) {
    const asio::ip::address address = plain_address(peer.address());
    auto place = counts_.admit(address);
    std::string peer_text = address.to_string();
    if (!place) {
        complain(peer_text, 503, "too many connections, in all or from this address");
        // A TLS handshake for a 503 would cost more than a served request.
        if (tls_ || ++refused_in_this_second_ > counts_.told_per_second()) return;
    }
    std::unique_ptr<HttpStream> stream;
    if (tls_) {
        stream = std::make_unique<TlsStream>(std::move(socket), tls_->context());
    } else {
        stream = std::make_unique<PlainStream>(std::move(socket));
    }
    HttpSession::start(thread, handler_, std::move(stream), std::move(place), std::move(peer_text));
}

void HttpListener::complain(std::string_view client, unsigned status, std::string_view detail) {
    const auto untold = complaints_.pass();
    if (!untold) return;
    handler_.refused(client, status, std::string(detail) + *untold);
    refused_in_this_second_ = 0;
}

}  // namespace scepgate::server
