#include "server/http_server.hpp"

#include <future>
#include <thread>

#include <boost/asio/post.hpp>

#include "server/cores.hpp"
#include "server/http_connections.hpp"
#include "server/http_io_thread.hpp"
#include "server/http_listener.hpp"

namespace scepgate::server {

namespace asio = boost::asio;

class HttpServer::Impl {
public:
    explicit Impl(const HttpSettings& settings) : counts_(settings.limits) {
        const auto shared = std::make_shared<const HttpSettings>(settings);
        const unsigned count = settings.io_threads > 0 ? settings.io_threads : usable_cores();
        for (unsigned i = 0; i < count; ++i)
            threads_.push_back(std::make_unique<HttpIoThread>(shared));
    }
    ~Impl() {
        drain(std::chrono::seconds(0));
        for (const auto& thread : threads_)
            thread->finish_handlers();
    }

    Result<void> listen(const HttpSettings& settings, HttpHandler& handler) {
        for (const ListenSettings& listen : settings.listen) {
            auto listener = HttpListener::open(listen, threads_, counts_, handler);
            if (!listener) {
                Error error = listener.error();
                error.detail.insert(0, "listen[" + std::to_string(listeners_.size()) + "].");
                return error;
            }
            listeners_.push_back(std::move(*listener));
        }
        return {};
    }

    void start() {
        for (const auto& listener : listeners_)
            listener->start();
        for (const auto& thread : threads_)
            thread->start();
    }

    std::vector<std::string> addresses() const {
        std::vector<std::string> texts;
        for (const auto& listener : listeners_)
            texts.push_back(listener->address());
        return texts;
    }

    Result<void> reload_tls() {
        Result<void> outcome;
        for (const auto& listener : listeners_) {
            auto reloaded = listener->reload_tls();
            if (!reloaded) outcome = std::move(reloaded);
        }
        return outcome;
    }

    void update(const HttpSettings& settings) {
        const auto shared = std::make_shared<const HttpSettings>(settings);
        counts_.set_limits(settings.limits);
        for (const auto& thread : threads_)
            thread->update(shared);
    }

    void drain(std::chrono::milliseconds grace) {
        close_listeners();
        if (threads_.front()->running()) {
            for (const auto& thread : threads_)
                thread->drain();
            counts_.wait_until_empty(grace);
        }
        for (const auto& thread : threads_)
            thread->stop();
    }

    std::size_t connections() const { return counts_.count(); }

private:
    void close_listeners() {
        const auto close_all = [this] {
            for (const auto& listener : listeners_)
                listener->close();
        };
        if (!threads_.front()->running()) return close_all();
        std::promise<void> closed;
        asio::post(threads_.front()->context(), [&] {
            close_all();
            closed.set_value();
        });
        closed.get_future().wait();
    }

    // Connections, which live in the threads' contexts, refer to what stands before.
    ConnectionCounts counts_;
    HttpIoThreads threads_;
    std::vector<std::unique_ptr<HttpListener>> listeners_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::create(const HttpSettings& settings,
                                                       HttpHandler& handler) {
    auto impl = std::make_unique<Impl>(settings);
    if (const auto listening = impl->listen(settings, handler); !listening)
        return listening.error();
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

void HttpServer::start() {
    impl_->start();
}
std::vector<std::string> HttpServer::addresses() const {
    return impl_->addresses();
}
Result<void> HttpServer::reload_tls() {
    return impl_->reload_tls();
}
void HttpServer::update(const HttpSettings& settings) {
    impl_->update(settings);
}
void HttpServer::drain(std::chrono::seconds grace) {
    impl_->drain(grace);
}
std::size_t HttpServer::connections() const noexcept {
    return impl_->connections();
}

}  // namespace scepgate::server
