// The network process's way to the signer.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "server/signer/frame_io.hpp"

namespace scepgate::server::signer {

/// Connections to one signer, made when they are needed, kept while they last, on a thread of their
/// own. An order whose connection is lost is asked once more on a new one: the signer answers it as
/// before. Safe for concurrent use.
class SignerClient {
public:
    SignerClient(std::filesystem::path socket, std::chrono::milliseconds time);
    SignerClient(const SignerClient&) = delete;
    SignerClient& operator=(const SignerClient&) = delete;
    /// Nothing may be asking any more.
    ~SignerClient();

    /// kUnavailable: there is no signer, or it did not answer in time; whether it has signed is not
    /// known then. kMalformed, kUnsupported: what answers is no signer of this release. Comes back
    /// on the caller's executor.
    boost::asio::awaitable<Result<Answer>> ask(Order order);
    /// The same for a thread that may block.
    Result<Answer> ask_and_wait(const Order& order);
    /// The same for an order that is encoded already.
    Result<Answer> send_and_wait(Bytes frame);

    [[nodiscard]] const std::filesystem::path& socket() const noexcept { return path_; }

private:
    struct Connection;
    using ConnectionPtr = std::shared_ptr<Connection>;
    using Deadline = std::chrono::steady_clock::time_point;

    boost::asio::awaitable<Result<Answer>> exchange(Bytes frame);
    boost::asio::awaitable<Result<Bytes>> attempt(ConnectionPtr connection, const Bytes& frame,
                                                  Deadline deadline);
    boost::asio::awaitable<Result<ConnectionPtr>> connect();

    std::filesystem::path path_;
    std::chrono::milliseconds time_;
    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::vector<ConnectionPtr> idle_;  ///< used on the thread alone
    std::thread thread_;
};

}  // namespace scepgate::server::signer
