// What every listener has in common: it goes on whatever runs out.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <boost/system/error_code.hpp>

#include "server/http_deadlines.hpp"

namespace scepgate::server {

/// Lets one line a second pass: under a flood the log must not be the next victim.
class OnceASecond {
public:
    /// What is to follow the line: "" or how many were not told. Nothing: it is not told.
    [[nodiscard]] std::optional<std::string> pass();

private:
    std::size_t untold_ = 0;
    std::chrono::steady_clock::time_point last_{};
};

/// Accepts until its socket is closed. Where memory or descriptors are short it waits and goes on,
/// for which it needs none of both: its deadline is the end of such a pause. No coroutine: one
/// whose wait cannot begin for want of memory is destroyed by Asio, and with it whoever would
/// accept the next connection.
class AcceptLoop : public Watched {
public:
    void on_deadline() noexcept override;

protected:
    AcceptLoop() = default;
    AcceptLoop(const AcceptLoop&) = delete;
    AcceptLoop& operator=(const AcceptLoop&) = delete;

    /// Waits for the next connections.
    void wait() noexcept;
    /// To be called by what begin_wait() began.
    void accept_waiting() noexcept;

    [[nodiscard]] virtual bool listening() const noexcept = 0;
    /// Has accept_waiting() called, once, when there is something to accept and the socket is open.
    /// May throw.
    virtual void begin_wait() = 0;
    /// Takes some of what waits; the error that stopped it. May throw: whoever was to be admitted
    /// is then gone, with its place and its socket.
    virtual boost::system::error_code accept_some() = 0;
    /// Whether such an error is for this loop, which then waits, and not for one connection.
    [[nodiscard]] static bool is_shortage(const boost::system::error_code& error);
    /// `why` no connection can be accepted now, with what to do. May throw.
    virtual void complain_of_shortage(std::string_view why) = 0;

private:
    static constexpr std::chrono::milliseconds kFirstPause{50};
    static constexpr std::chrono::milliseconds kLongestPause{1000};

    void pause(std::string_view shortage) noexcept;

    std::chrono::milliseconds pause_ = kFirstPause;
};

}  // namespace scepgate::server
