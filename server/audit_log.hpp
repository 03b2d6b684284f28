// The audit file: what was decided, append-only, one JSON object a line, each with the hash of the
// one before (docs/audit.md).
#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "server/audit_chain_file.hpp"
#include "server/audit_resumptions.hpp"

namespace scepgate::server {

/// The file. Each record is written before the reply leaves: a certificate whose record cannot be
/// written is not released. All records stand in one queue, in the order in which they came; those
/// that wait together go in one write(), and each is told of its own.
class AuditLog : public std::enable_shared_from_this<AuditLog> {
public:
    /// kConfig when the file cannot be opened. Created with mode 0600.
    static Result<std::shared_ptr<AuditLog>> open(const std::filesystem::path& file,
                                                  AuditSettings settings = {});

    /// kUnavailable: it is not in the file. Safe for concurrent use.
    Result<void> write(const AuditRecord& record);
    /// The same for a coroutine, which gives way first to those that are ready to run, and is
    /// written together with what these write; but not to more than kMostTogether of them. Alone,
    /// it is written at once. Its executor outlives the wait; once it waits the record is written,
    /// cancelled or not.
    boost::asio::awaitable<Result<void>> write_with_others(AuditRecord record);
    /// A request has a millisecond of computing between two records: nobody waits for many.
    static constexpr std::size_t kMostTogether = 8;

    /// Opens the file anew after it was moved away (SIGHUP). Writing does so too.
    Result<void> reopen();

private:
    using Offer = AuditResumptions::Offer;
    /// A record in the queue, and who is told of it.
    struct Waiting {
        const AuditRecord* record;
        std::optional<Result<void>>* outcome = nullptr;  ///< of a thread, which waits for changed_
        std::optional<Suspended> coroutine = {};
    };

    explicit AuditLog(std::unique_ptr<AuditChainFile> file) : file_(std::move(file)) {}
    std::optional<Result<void>> write_as_last(const AuditRecord& record);
    void enqueue(const AuditRecord& record, Suspended coroutine);
    void write_what_waits();
    void write_queue(std::unique_lock<std::mutex>& lock, Offer offer) noexcept;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Waiting> queue_;
    bool writing_ = false;  ///< one of the threads has file_
    bool called_ = false;   ///< write_what_waits() will run
    std::unique_ptr<AuditChainFile> file_;
    std::shared_ptr<AuditResumptions> resumptions_ = std::make_shared<AuditResumptions>();
};

}  // namespace scepgate::server
