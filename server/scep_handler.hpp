// From HTTP to SCEP and back: routing, operations, status codes.
#pragma once

#include <atomic>
#include <mutex>

#include "server/pki_operation.hpp"
#include "server/worker_pool.hpp"

namespace scepgate::server {

/// What answers on a SCEP listener.
class ScepHandler final : public HttpHandler {
public:
    ScepHandler(std::shared_ptr<const Runtime> runtime, PkiOperations& operations,
                WorkerPool& workers, std::shared_ptr<Log> log);

    /// Other endpoints, keys, policies and limits from now on; requests in progress keep theirs.
    void replace(std::shared_ptr<const Runtime> runtime);

    std::shared_ptr<const PreparedReply> immediate(const HttpRequest& request) noexcept override;
    boost::asio::awaitable<HttpReply> handle(HttpRequest request) override;
    void refused(std::string_view client_address, unsigned status,
                 std::string_view detail) noexcept override;

    /// How many refusals of strangers are written a second, in the log and in the audit file: see
    /// RefusalBounds. 0, as at first: all.
    void bound_refusals(std::size_t rate);
    /// Writes how many were not. Blocks.
    void tell_refusals(RefusalBounds::Which which);

    /// From now on /ready says 503, so that a load balancer takes this node out; all else goes on.
    void leave() noexcept { leaving_ = true; }

    /// What serves now.
    [[nodiscard]] std::shared_ptr<const Runtime> runtime() const;

private:
    std::shared_ptr<const PreparedReply> answer_from_memory(const HttpRequest& request);
    void log_ended(const HttpRequest& request, const RequestRecord& record, unsigned status);
    boost::asio::awaitable<HttpReply> publish(std::shared_ptr<const Runtime> runtime,
                                              HttpRequest request);
    boost::asio::awaitable<OperationReply> work(WorkerPool::Place& place,
                                                std::shared_ptr<const Endpoint> endpoint,
                                                Bytes message, std::string client_address,
                                                RequestRecord& record);

    mutable std::mutex mutex_;
    std::shared_ptr<const Runtime> runtime_;
    PkiOperations& operations_;
    WorkerPool& workers_;
    std::shared_ptr<Log> log_;
    RefusalBounds lines_;
    std::atomic<bool> leaving_{false};
};

}  // namespace scepgate::server
