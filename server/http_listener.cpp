#include "server/http_listener.hpp"

#include <algorithm>

#include <boost/asio/ip/v6_only.hpp>

#include "server/http_address.hpp"
#include "server/http_session.hpp"

namespace scepgate::server {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// No descriptors or memory: to try again at once would only burn the processor.
bool is_shortage(const error_code& error) {
    return error == asio::error::no_descriptors || error == asio::error::no_memory ||
           error == asio::error::no_buffer_space ||
           error == boost::system::errc::too_many_files_open_in_system;
}

std::string shortage_remedy(const error_code& error) {
    return error == asio::error::no_descriptors ? "; raise LimitNOFILE" : "";
}

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

void HttpListener::on_deadline() noexcept {
    if (acceptor_.is_open()) wait();
}

// Not a coroutine: one whose wait cannot begin for want of memory is destroyed by Asio, and with it
// whoever would accept the next connection.
void HttpListener::wait() noexcept {
    try {
        acceptor_.async_wait(Acceptor::wait_read, [this](const error_code& closed) {
            if (!closed) accept_waiting();
        });
    } catch (const std::exception& shortage) {
        pause(shortage.what());
    }
}

void HttpListener::accept_waiting() noexcept {
    try {
        const error_code error = accept_some();
        if (is_shortage(error)) return pause(error.message() + shortage_remedy(error));
        pause_ = kFirstPause;
        wait();
    } catch (const std::exception& shortage) {
        // The connection that was to be admitted is gone, with its place and its socket.
        pause(shortage.what());
    }
}

void HttpListener::pause(std::string_view shortage) noexcept {
    deadline = std::chrono::steady_clock::now() + pause_;
    pause_ = std::min(pause_ * 2, kLongestPause);
    try {
        complain("", 0, "no connection can be accepted: " + std::string(shortage));
    } catch (const std::exception&) {
        return;  // there is no memory for the line either
    }
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

/// At most one line a second: under a flood the log must not be the next victim.
void HttpListener::complain(std::string_view client, unsigned status, std::string_view detail) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_complaint_ < std::chrono::seconds(1)) {
        ++untold_;
        return;
    }
    const std::string before =
        untold_ == 0 ? "" : " (and " + std::to_string(untold_) + " times more before)";
    handler_.refused(client, status, std::string(detail) + before);
    last_complaint_ = now;
    untold_ = 0;
    refused_in_this_second_ = 0;
}

}  // namespace scepgate::server
