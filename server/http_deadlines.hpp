// Deadlines of many connections by one timer.
#pragma once

#include <chrono>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>

namespace scepgate::server {

/// Something on one I/O thread that has a deadline and ends when the server does.
class Watched : public boost::intrusive::list_base_hook<
                    boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    static constexpr TimePoint kNever = TimePoint::max();

    virtual ~Watched() = default;
    /// Its deadline has passed; it was set to kNever before the call.
    virtual void on_deadline() noexcept = 0;
    /// The server drains: end now if idle, else after the request in progress.
    virtual void on_drain() noexcept = 0;
    /// The server's time is up.
    virtual void on_cut() noexcept = 0;

    TimePoint deadline = kNever;
};

/// Looks at all connections of a thread every 250 ms. To set a deadline is then one store, where a
/// timer for each would cost more than the rest of a small request.
class DeadlineSweeper {
public:
    using List = boost::intrusive::list<Watched, boost::intrusive::constant_time_size<false>>;

    DeadlineSweeper(boost::asio::io_context& context, List& watched)
        : timer_(context), watched_(watched) {}
    void start();
    /// Runs the context, which is the one of the constructor, until it is stopped. Where memory
    /// runs out, that ends what was being done and neither the run nor the sweeps.
    void run(boost::asio::io_context& context) noexcept;

private:
    void sweep() noexcept;

    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                      boost::asio::wait_traits<std::chrono::steady_clock>,
                                      boost::asio::io_context::executor_type>
        timer_;
    List& watched_;
    bool started_ = false;  ///< it waits: not when memory ran out for that
};

}  // namespace scepgate::server
