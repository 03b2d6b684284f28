#include "server/http_deadlines.hpp"

#include <thread>

namespace scepgate::server {

/// Whoever went on at once would find none again.
constexpr std::chrono::milliseconds kWithoutMemory{10};

void DeadlineSweeper::start() {
    timer_.expires_after(std::chrono::milliseconds(250));
    timer_.async_wait([this](const boost::system::error_code& error) {
        started_ = false;
        if (error) return;
        sweep();
        start();
    });
    started_ = true;
}

void DeadlineSweeper::run(boost::asio::io_context& context) noexcept {
    for (;;) {
        try {
            // Without it no deadline passes any more.
            if (!started_) start();
            context.run();
            return;
        } catch (const std::exception&) {
            // Only memory that ran out gets here, and one connection has paid for it.
            std::this_thread::sleep_for(kWithoutMemory);
        }
    }
}

void DeadlineSweeper::sweep() noexcept {
    const auto now = std::chrono::steady_clock::now();
    for (auto next = watched_.begin(); next != watched_.end();) {
        Watched& watched = *next++;  // it may leave the list
        if (now < watched.deadline) continue;
        watched.deadline = Watched::kNever;
        watched.on_deadline();
    }
}

}  // namespace scepgate::server
