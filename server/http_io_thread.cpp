#include "server/http_io_thread.hpp"

#include <pthread.h>

#include <boost/asio/post.hpp>

namespace scepgate::server {

namespace asio = boost::asio;

HttpIoThread::HttpIoThread(std::shared_ptr<const HttpSettings> settings)
    : settings_(std::move(settings)),
      work_(context_.get_executor()),
      sweeper_(context_, watched_) {}

HttpIoThread::~HttpIoThread() {
    stop();
}

void HttpIoThread::start() {
    sweeper_.start();
    thread_ = std::thread([this] { run(); });
}

void HttpIoThread::run() noexcept {
    // It does not interrupt who computes, so that on a busy machine it finds more to do at once; a
    // core that is idle runs it immediately all the same.
    const sched_param no_priority{};
    (void)::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &no_priority);
    sweeper_.run(context_);
}

void HttpIoThread::update(std::shared_ptr<const HttpSettings> settings) {
    asio::post(context_, [this, settings = std::move(settings)] { settings_ = settings; });
}

void HttpIoThread::drain() {
    asio::post(context_, [this] {
        draining_ = true;
        for (auto next = watched_.begin(); next != watched_.end();)
            (next++)->on_drain();
    });
}

void HttpIoThread::stop() {
    if (!thread_.joinable()) return;
    asio::post(context_, [this] {
        draining_ = true;
        for (auto next = watched_.begin(); next != watched_.end();)
            (next++)->on_cut();
        // Behind what the closed sockets put into the queue, so connections end before the thread.
        asio::post(context_, [this] { context_.stop(); });
    });
    thread_.join();
}

void HttpIoThread::finish_handlers() {
    while (in_handler_ > 0) {
        context_.restart();
        context_.run_one_for(std::chrono::milliseconds(50));
    }
}

}  // namespace scepgate::server
