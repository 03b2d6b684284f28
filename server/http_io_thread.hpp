// One network thread with its io_context and connections.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "server/http_date.hpp"
#include "server/http_deadlines.hpp"
#include "server/http_settings.hpp"

namespace scepgate::server {

class HttpIoThread {
public:
    explicit HttpIoThread(std::shared_ptr<const HttpSettings> settings);
    ~HttpIoThread();
    HttpIoThread(const HttpIoThread&) = delete;

    // From the thread that owns the server:
    void start();
    void update(std::shared_ptr<const HttpSettings> settings);
    void drain();
    /// Closes all connections and ends the thread. Requests that a handler works on stay suspended.
    void stop();
    /// After stop(): runs until the handlers' coroutines have ended, which they do by themselves.
    void finish_handlers();
    [[nodiscard]] bool running() const noexcept { return thread_.joinable(); }

    // From this thread only:
    [[nodiscard]] const std::shared_ptr<const HttpSettings>& settings() const noexcept {
        return settings_;
    }
    [[nodiscard]] bool draining() const noexcept { return draining_; }
    [[nodiscard]] DateField& date() noexcept { return date_; }
    /// Until whoever uses it waits: the next connection writes into it, too.
    [[nodiscard]] std::string& scratch() noexcept { return scratch_; }
    void watch(Watched& watched) noexcept { watched_.push_back(watched); }

    [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }

    /// Held while a handler's coroutine lives.
    class InHandler {
    public:
        explicit InHandler(HttpIoThread& thread) noexcept : thread_(thread) {
            ++thread_.in_handler_;
        }
        ~InHandler() { --thread_.in_handler_; }
        InHandler(const InHandler&) = delete;

    private:
        HttpIoThread& thread_;
    };

private:
    void run() noexcept;

    // Before the context: what is suspended in it refers to these when it is destroyed.
    DeadlineSweeper::List watched_;
    std::atomic<std::size_t> in_handler_{0};
    std::shared_ptr<const HttpSettings> settings_;
    bool draining_ = false;
    DateField date_;
    std::string scratch_;
    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    DeadlineSweeper sweeper_;
    std::thread thread_;
};

}  // namespace scepgate::server
