// The signer's Unix socket: who may ask, how much at once, for how long.
#pragma once

#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

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
class SignerListener {
public:
    /// kConfig: the folder is missing or everybody may write there, something that is no socket is
    /// in the way, or another signer listens. What a dead signer left behind is removed.
    static Result<std::unique_ptr<SignerListener>> open(boost::asio::io_context& context,
                                                        ListenerSettings settings,
                                                        SignerService& service, WorkerPool& pool,
                                                        std::shared_ptr<Log> log);
    ~SignerListener();

    void start();
    /// From now on these users, for new connections.
    void allow(std::vector<uid_t> users) { settings_.allowed = std::move(users); }
    /// Takes no new connections and no further orders; `done` when the last answer has left, at the
    /// latest after `most`.
    void drain(std::chrono::seconds most, std::function<void()> done);

private:
    using Acceptor = boost::asio::local::stream_protocol::acceptor;
    struct Session;

    SignerListener(boost::asio::io_context& context, ListenerSettings settings,
                   SignerService& service, WorkerPool& pool, std::shared_ptr<Log> log);
    Result<void> bind();
    boost::asio::awaitable<void> accept_all();
    class LargeTurn;
    boost::asio::awaitable<void> serve(std::shared_ptr<Session> session);
    boost::asio::awaitable<bool> serve_one(Session& session);
    boost::asio::awaitable<void> wait_for_large(std::optional<LargeTurn>& turn);
    boost::asio::awaitable<Bytes> answer(Bytes frame, const std::string& peer);
    void end(const std::shared_ptr<Session>& session, const std::exception_ptr& failure);

    ListenerSettings settings_;
    SignerService& service_;
    WorkerPool& pool_;
    std::shared_ptr<Log> log_;
    Acceptor acceptor_;
    boost::asio::steady_timer deadline_;
    boost::asio::steady_timer large_over_;  ///< cancelled when the large order has its answer
    bool large_ = false;                    ///< one is being read or worked on
    std::list<std::shared_ptr<Session>> sessions_;
    bool draining_ = false;
    bool bound_ = false;
    std::function<void()> drained_;
};

}  // namespace scepgate::server::signer
