#include "server/accept_loop.hpp"

#include <algorithm>

#include <boost/asio/error.hpp>

namespace scepgate::server {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

std::string shortage_remedy(const error_code& error) {
    return error == asio::error::no_descriptors ? "; raise LimitNOFILE" : "";
}

}  // namespace

std::optional<std::string> OnceASecond::pass() {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::seconds(1)) {
        ++untold_;
        return std::nullopt;
    }
    last_ = now;
    const std::size_t before = std::exchange(untold_, 0);
    return before == 0 ? "" : " (and " + std::to_string(before) + " times more before)";
}

/// No descriptors or memory: to try again at once would only burn the processor.
bool AcceptLoop::is_shortage(const error_code& error) {
    return error == asio::error::no_descriptors || error == asio::error::no_memory ||
           error == asio::error::no_buffer_space ||
           error == boost::system::errc::too_many_files_open_in_system;
}

void AcceptLoop::on_deadline() noexcept {
    if (listening()) wait();
}

void AcceptLoop::wait() noexcept {
    try {
        begin_wait();
    } catch (const std::exception& shortage) {
        pause(shortage.what());
    }
}

void AcceptLoop::accept_waiting() noexcept {
    try {
        const error_code error = accept_some();
        if (is_shortage(error)) return pause(error.message() + shortage_remedy(error));
        pause_ = kFirstPause;
        wait();
    } catch (const std::exception& shortage) {
        pause(shortage.what());
    }
}

void AcceptLoop::pause(std::string_view shortage) noexcept {
    deadline = std::chrono::steady_clock::now() + pause_;
    pause_ = std::min(pause_ * 2, kLongestPause);
    try {
        complain_of_shortage("no connection can be accepted: " + std::string(shortage));
    } catch (const std::exception&) {
        return;  // there is no memory for the line either
    }
}

}  // namespace scepgate::server
