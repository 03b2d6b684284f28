#include "server/http_deadlines.hpp"

namespace scepgate::server {

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
