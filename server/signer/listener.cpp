#include "server/signer/listener.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>

#include "server/signer/reasons.hpp"

namespace scepgate::server::signer {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using boost::system::error_code;

/// Every order but a long CRL's is shorter.
constexpr std::size_t kLargeOrder = std::size_t{1024} * 1024;
/// Connections that are taken before others have their turn.
constexpr std::size_t kAtOnce = 64;

Error bad_socket(const fs::path& path, const std::string& fault) {
    return {Errc::kConfig, "signer.socket " + path.string() + ": " + fault};
}

/// A folder where everybody may write lets everybody put a socket of their own there.
Result<void> judge_folder(const fs::path& socket) {
    const fs::path folder = socket.parent_path();
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        return bad_socket(socket, "there is no folder " + folder.string() +
                                      "; make it with mode 0750 (systemd: RuntimeDirectory=)");
    }
    if ((status.st_mode & S_IWOTH) != 0) {
        return bad_socket(socket,
                          "everybody may write in its folder; run: chmod o-w " + folder.string());
    }
    return {};
}

/// What is there already: another signer, the socket of a dead one, or something else.
Result<void> clear_way(const fs::path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return {};
    if (!S_ISSOCK(status.st_mode)) return bad_socket(path, "something that is no socket is there");
    asio::io_context context;
    UnixSocket probe(context);
    error_code error;
    probe.connect(asio::local::stream_protocol::endpoint(path.string()), error);
    if (!error) return bad_socket(path, "another signer listens there already");
    if (::unlink(path.c_str()) != 0) {
        return bad_socket(path, "what a dead signer left there cannot be removed: " +
                                    std::generic_category().message(errno));
    }
    return {};
}

}  // namespace

/// Lives in its own coroutine.
struct SignerListener::Session final : Watched {
    Session(UnixSocket the_socket, std::string the_peer)
        : socket(std::move(the_socket)), peer(std::move(the_peer)) {}

    /// The socket fails from then on.
    void limit(std::chrono::seconds time) { deadline = std::chrono::steady_clock::now() + time; }
    void on_deadline() noexcept override { on_cut(); }
    void on_drain() noexcept override {
        if (idle) on_cut();
    }
    void on_cut() noexcept override {
        error_code ignored;
        socket.close(ignored);
    }

    UnixSocket socket;
    const std::string peer;
    bool idle = true;
};

/// Shared with the sessions, whose coroutines may be destroyed after the listener.
struct SignerListener::LargeOrders {
    explicit LargeOrders(asio::io_context& context)
        : over(context, asio::steady_timer::time_point::max()) {}

    bool busy = false;        ///< one is being read or worked on
    asio::steady_timer over;  ///< cancelled when it has its answer
};

SignerListener::SignerListener(asio::io_context& context, ListenerSettings settings,
                               SignerService& service, WorkerPool& pool, std::shared_ptr<Log> log)
    : settings_(std::move(settings)),
      service_(service),
      pool_(pool),
      log_(std::move(log)),
      context_(context),
      acceptor_(context),
      sweeper_(context, watched_),
      large_(std::make_shared<LargeOrders>(context)) {}

SignerListener::~SignerListener() {
    if (bound_) ::unlink(settings_.socket.c_str());
}

Result<std::unique_ptr<SignerListener>> SignerListener::open(asio::io_context& context,
                                                             ListenerSettings settings,
                                                             SignerService& service,
                                                             WorkerPool& pool,
                                                             std::shared_ptr<Log> log) {
    std::unique_ptr<SignerListener> listener(
        new SignerListener(context, std::move(settings), service, pool, std::move(log)));
    if (const auto bound = listener->bind(); !bound) return bound.error();
    return listener;
}

Result<void> SignerListener::bind() {
    const fs::path& path = settings_.socket;
    if (path.string().size() >= sizeof(sockaddr_un::sun_path)) {
        return bad_socket(path, "a Unix socket's path has at most 107 octets; use a shorter one");
    }
    if (const auto folder = judge_folder(path); !folder) return folder.error();
    if (const auto clear = clear_way(path); !clear) return clear.error();
    error_code error;
    acceptor_.open(asio::local::stream_protocol(), error);
    // Nobody may connect before owner and mode are as they shall be.
    const mode_t before = ::umask(0177);
    if (!error) acceptor_.bind(asio::local::stream_protocol::endpoint(path.string()), error);
    ::umask(before);
    bound_ = !error;
    if (error) return bad_socket(path, error.message());
    if (settings_.group && ::chown(path.c_str(), static_cast<uid_t>(-1), *settings_.group) != 0) {
        return bad_socket(
            path, "cannot be given to its group: " + std::generic_category().message(errno) +
                      "; the signer's user has to be a member of it");
    }
    if (::chmod(path.c_str(), settings_.mode) != 0)
        return bad_socket(path, std::generic_category().message(errno));
    acceptor_.listen(Acceptor::max_listen_connections, error);
    if (!error) acceptor_.non_blocking(true, error);
    if (error) return bad_socket(path, error.message());
    return {};
}

void SignerListener::start() {
    watched_.push_back(*this);
    wait();
}

void SignerListener::run() noexcept {
    sweeper_.run(context_);
}

void SignerListener::begin_wait() {
    acceptor_.async_wait(Acceptor::wait_read, [this](const error_code& closed) {
        if (!closed) accept_waiting();
    });
}

void SignerListener::complain_of_shortage(std::string_view why) {
    if (const auto untold = complaints_.pass()) log_->error(std::string(why) + *untold);
}

error_code SignerListener::accept_some() {
    error_code error;
    for (std::size_t i = 0; i < kAtOnce; ++i) {
        UnixSocket socket(context_);
        acceptor_.accept(socket, error);
        if (error == asio::error::would_block || is_shortage(error)) break;
        if (!error) admit(std::move(socket));
    }
    return error;
}

void SignerListener::admit(UnixSocket socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool known =
        ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
        std::find(settings_.allowed.begin(), settings_.allowed.end(), peer.uid) !=
            settings_.allowed.end();
    const std::string who = "uid " + std::to_string(peer.uid) + " pid " + std::to_string(peer.pid);
    if (!known || connections() >= settings_.connections) {
        log_->warn(known ? "too many connections" : "a user who may not ask",
                   LogFields().add("peer", who));
        return;  // closes it
    }
    auto session = std::make_unique<Session>(std::move(socket), who);
    watched_.push_back(*session);
    auto task = serve(std::move(session));
    asio::co_spawn(context_, std::move(task),
                   [this, who](const std::exception_ptr& failure) { end(who, failure); });
}

/// All that is watched but the listener.
std::size_t SignerListener::connections() const noexcept {
    return watched_.size() - 1;
}

/// The right to read a large order, until it is answered.
class SignerListener::LargeTurn {
public:
    explicit LargeTurn(std::shared_ptr<LargeOrders> orders) noexcept : orders_(std::move(orders)) {
        orders_->busy = true;
    }
    LargeTurn(const LargeTurn&) = delete;
    LargeTurn& operator=(const LargeTurn&) = delete;
    ~LargeTurn() {
        orders_->busy = false;
        orders_->over.cancel();
    }

private:
    std::shared_ptr<LargeOrders> orders_;
};

asio::awaitable<void> SignerListener::wait_for_large(std::optional<LargeTurn>& turn) {
    while (large_->busy) {
        static_cast<void>(co_await large_->over.async_wait(kAsTuple));
    }
    turn.emplace(large_);
}

asio::awaitable<void> SignerListener::serve(std::unique_ptr<Session> session) {
    for (bool more = true; more && !draining_;) {
        session->idle = true;
        session->limit(settings_.idle);
        const auto [not_ready] =
            co_await session->socket.async_wait(UnixSocket::wait_read, kAsTuple);
        if (not_ready || draining_) co_return;
        session->idle = false;
        session->limit(settings_.transfer);
        more = co_await serve_one(*session);
    }
}

asio::awaitable<bool> SignerListener::serve_one(Session& session) {
    const auto note = [&](const Error& error) {
        if (error.detail.empty()) return;
        log_->warn("no order", LogFields().add("reason", error.detail).add("peer", session.peer));
    };
    auto begun = co_await begin_frame(session.socket, &read_order_header);
    if (!begun) {
        note(begun.error());
        co_return false;
    }
    std::optional<LargeTurn> large;
    if (begun->rest > kLargeOrder) co_await wait_for_large(large);
    auto frame = co_await finish_frame(session.socket, *std::move(begun));
    if (!frame) {
        note(frame.error());
        co_return false;
    }
    session.deadline = Watched::kNever;
    const Bytes reply = co_await answer(*std::move(frame), session.peer);
    if (reply.empty()) co_return false;
    session.limit(settings_.transfer);
    const auto written = co_await write_frame(session.socket, reply);
    co_return bool(written);
}

asio::awaitable<Bytes> SignerListener::answer(Bytes frame, const std::string& peer) {
    auto order = decode_order(frame);
    if (!order) {
        log_->warn("no order", LogFields().add("reason", order.error().detail).add("peer", peer));
        co_return Bytes();  // what follows cannot be trusted to be a frame
    }
    frame = Bytes();  // the order has its own copy
    auto place = pool_.take_place();
    if (!place) {
        log_->warn("busy", LogFields().add("peer", peer));
        co_return encode(Answer(refused(reason::kBusy, "more orders than its queue holds")));
    }
    const auto work = [](SignerService& service, Order taken,
                         const std::string& who) -> asio::awaitable<Bytes> {
        co_return encode(service.answer(taken, who));
    };
    auto working = work(service_, *std::move(order), peer);
    co_return co_await asio::co_spawn(pool_.executor(), std::move(working), asio::use_awaitable);
}

void SignerListener::end(const std::string& peer, const std::exception_ptr& failure) {
    if (failure) {
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& fault) {
            log_->error("an order ended in a fault",
                        LogFields().add("reason", fault.what()).add("peer", peer));
        }
    }
    end_if_drained();
}

void SignerListener::drain(std::chrono::seconds most, std::function<void()> done) {
    draining_ = true;
    drained_ = std::move(done);
    drained_at_most_ = std::chrono::steady_clock::now() + most;
    error_code ignored;
    acceptor_.close(ignored);
    for (Watched& each : watched_)
        each.on_drain();
    deadline = TimePoint{};
    end_if_drained();
}

void SignerListener::on_deadline() noexcept {
    if (!draining_) return AcceptLoop::on_deadline();
    // Looks again at each sweep: of a session that ran out of memory nobody hears.
    deadline = TimePoint{};
    end_if_drained();
}

void SignerListener::end_if_drained() noexcept {
    const bool in_time = std::chrono::steady_clock::now() < drained_at_most_;
    if (!draining_ || (in_time && connections() != 0)) return;
    for (Watched& each : watched_)
        each.on_cut();
    if (drained_) std::exchange(drained_, nullptr)();
}

}  // namespace scepgate::server::signer
