#include "server/signer/listener.hpp"

#include <cerrno>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "server/signer/reasons.hpp"

namespace scepgate::server::signer {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using boost::system::error_code;

/// Every order but a long CRL's is shorter.
constexpr std::size_t kLargeOrder = std::size_t{1024} * 1024;

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

struct SignerListener::Session : std::enable_shared_from_this<SignerListener::Session> {
    Session(UnixSocket the_socket, const asio::any_io_executor& executor)
        : socket(std::move(the_socket)), timer(executor) {}

    /// The socket fails from then on.
    void limit(std::chrono::seconds time, const std::shared_ptr<Session>& self) {
        timer.expires_after(time);
        timer.async_wait([weak = std::weak_ptr(self)](const error_code& error) {
            const auto session = weak.lock();
            if (error || !session) return;
            session->close();
        });
    }
    void close() {
        error_code ignored;
        socket.close(ignored);
    }

    UnixSocket socket;
    asio::steady_timer timer;
    std::string peer;
    bool idle = true;
};

SignerListener::SignerListener(asio::io_context& context, ListenerSettings settings,
                               SignerService& service, WorkerPool& pool, std::shared_ptr<Log> log)
    : settings_(std::move(settings)),
      service_(service),
      pool_(pool),
      log_(std::move(log)),
      acceptor_(context),
      deadline_(context),
      large_over_(context, asio::steady_timer::time_point::max()) {}

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
    if (error) return bad_socket(path, error.message());
    return {};
}

void SignerListener::start() {
    asio::co_spawn(acceptor_.get_executor(), accept_all(), asio::detached);
}

asio::awaitable<void> SignerListener::accept_all() {
    asio::steady_timer pause(acceptor_.get_executor());
    while (acceptor_.is_open()) {
        auto [error, socket] = co_await acceptor_.async_accept(kAsTuple);
        if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) break;
        if (error) {
            // No descriptors: to try again at once would only burn the processor.
            log_->error("cannot accept a connection", LogFields().add("reason", error.message()));
            pause.expires_after(std::chrono::milliseconds(200));
            co_await pause.async_wait(kAsTuple);
            continue;
        }
        ucred peer{};
        socklen_t size = sizeof peer;
        const bool known =
            ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
            std::find(settings_.allowed.begin(), settings_.allowed.end(), peer.uid) !=
                settings_.allowed.end();
        const std::string who =
            "uid " + std::to_string(peer.uid) + " pid " + std::to_string(peer.pid);
        if (!known || sessions_.size() >= settings_.connections) {
            log_->warn(known ? "too many connections" : "a user who may not ask",
                       LogFields().add("peer", who));
            continue;  // closes it
        }
        auto session = std::make_shared<Session>(std::move(socket), acceptor_.get_executor());
        session->peer = who;
        sessions_.push_back(session);
        asio::co_spawn(
            acceptor_.get_executor(), serve(session),
            [this, session](const std::exception_ptr& failure) { end(session, failure); });
    }
}

/// The right to read a large order, until it is answered.
class SignerListener::LargeTurn {
public:
    explicit LargeTurn(SignerListener& listener) noexcept : listener_(listener) {
        listener_.large_ = true;
    }
    LargeTurn(const LargeTurn&) = delete;
    LargeTurn& operator=(const LargeTurn&) = delete;
    ~LargeTurn() {
        listener_.large_ = false;
        listener_.large_over_.cancel();
    }

private:
    SignerListener& listener_;
};

asio::awaitable<void> SignerListener::wait_for_large(std::optional<LargeTurn>& turn) {
    while (large_) {
        static_cast<void>(co_await large_over_.async_wait(kAsTuple));
    }
    turn.emplace(*this);
}

asio::awaitable<void> SignerListener::serve(std::shared_ptr<Session> session) {
    for (bool more = true; more && !draining_;) {
        session->idle = true;
        session->limit(settings_.idle, session);
        const auto [not_ready] =
            co_await session->socket.async_wait(UnixSocket::wait_read, kAsTuple);
        if (not_ready || draining_) co_return;
        session->idle = false;
        session->limit(settings_.transfer, session);
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
    session.timer.cancel();
    const Bytes reply = co_await answer(*std::move(frame), session.peer);
    if (reply.empty()) co_return false;
    session.limit(settings_.transfer, session.shared_from_this());
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

void SignerListener::end(const std::shared_ptr<Session>& session,
                         const std::exception_ptr& failure) {
    if (failure) {
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& fault) {
            log_->error("an order ended in a fault",
                        LogFields().add("reason", fault.what()).add("peer", session->peer));
        }
    }
    session->timer.cancel();
    session->close();
    sessions_.remove(session);
    if (draining_ && sessions_.empty() && drained_) std::exchange(drained_, nullptr)();
}

void SignerListener::drain(std::chrono::seconds most, std::function<void()> done) {
    draining_ = true;
    drained_ = std::move(done);
    error_code ignored;
    acceptor_.close(ignored);
    deadline_.expires_after(most);
    deadline_.async_wait([this](const error_code& error) {
        if (error) return;
        for (const auto& session : sessions_)
            session->close();
        if (drained_) std::exchange(drained_, nullptr)();
    });
    for (const auto& session : sessions_) {
        if (session->idle) session->close();
    }
    if (sessions_.empty() && drained_) std::exchange(drained_, nullptr)();
}

}  // namespace scepgate::server::signer
