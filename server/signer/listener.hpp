// The signer's Unix socket: who may ask, how much at once, for how long.
#pragma once

#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "server/accept_loop.hpp"
#include "server/signer/frame_io.hpp"
#include "server/signer/service.hpp"
#include "server/worker_pool.hpp"

namespace scepgate::server::signer {

struct ListenerSettings {
    std::filesystem::path socket;
    unsigned mode = 0660;               ///< of the socket
    std::optional<gid_t> group;         ///< of the socket; empty: the process's
    std::vector<uid_t> allowed;         ///< users that may ask
    std::size_t connections = 1024;     ///< in all
    std::chrono::seconds idle{300};     ///< between two orders
    std::chrono::seconds transfer{30};  ///< for one order, and for one answer
};

/// Accepts connections and answers one frame after the other on each. Its own work runs on the
/// context's one thread; orders are worked on in the pool. Of large orders (long CRLs) only one is
/// in memory at a time; the others wait unread.
class SignerListener final : public AcceptLoop {
public:
    /// kConfig: the folder is missing or everybody may write there, something that is no socket is
    /// in the way, or another signer listens. What a dead signer left behind is removed.
    static Result<std::unique_ptr<SignerListener>> open(boost::asio::io_context& context,
                                                        ListenerSettings settings,
                                                        SignerService& service, WorkerPool& pool,
                                                        std::shared_ptr<Log> log);
    ~SignerListener() override;

    void start();
    /// Runs the context until it is stopped, whatever runs out.
    void run() noexcept;
    /// From now on these users, for new connections.
    void allow(std::vector<uid_t> users) { settings_.allowed = std::move(users); }
    /// Takes no new connections and no further orders; `done` when the last answer has left, at the
    /// latest after `most`.
    void drain(std::chrono::seconds most, std::function<void()> done);

    void on_deadline() noexcept override;
    void on_drain() noexcept override {}
    void on_cut() noexcept override {}

private:
    using Acceptor = boost::asio::local::stream_protocol::acceptor;
    struct Session;
    struct LargeOrders;
    class LargeTurn;

    SignerListener(boost::asio::io_context& context, ListenerSettings settings,
                   SignerService& service, WorkerPool& pool, std::shared_ptr<Log> log);
    Result<void> bind();
    [[nodiscard]] bool listening() const noexcept override { return acceptor_.is_open(); }
    void begin_wait() override;
    boost::system::error_code accept_some() override;
    void complain_of_shortage(std::string_view why) override;
    void admit(UnixSocket socket);
    [[nodiscard]] std::size_t connections() const noexcept;
    boost::asio::awaitable<void> serve(std::unique_ptr<Session> session);
    boost::asio::awaitable<bool> serve_one(Session& session);
    boost::asio::awaitable<void> wait_for_large(std::optional<LargeTurn>& turn);
    boost::asio::awaitable<Bytes> answer(Bytes frame, const std::string& peer);
    void end(const std::string& peer, const std::exception_ptr& failure);
    void end_if_drained() noexcept;

    ListenerSettings settings_;
    SignerService& service_;
    WorkerPool& pool_;
    std::shared_ptr<Log> log_;
    boost::asio::io_context& context_;
    Acceptor acceptor_;
    DeadlineSweeper::List watched_;  ///< this and the sessions
    DeadlineSweeper sweeper_;
    OnceASecond complaints_;
    std::shared_ptr<LargeOrders> large_;
    bool bound_ = false;
    bool draining_ = false;
    TimePoint drained_at_most_{};
    std::function<void()> drained_;
};

}  // namespace scepgate::server::signer
