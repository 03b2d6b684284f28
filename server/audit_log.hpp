// The audit file: what was decided, append-only, one JSON object a line, each with the hash of the
// one before (docs/audit.md).
#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "server/audit_chain_file.hpp"

namespace scepgate::server {

/// The file. Each record is written before the reply leaves: a certificate whose record cannot be
/// written is not released. Records of requests that wait together go in one write().
class AuditLog {
public:
    /// kConfig when the file cannot be opened. Created with mode 0600.
    static Result<std::shared_ptr<AuditLog>> open(const std::filesystem::path& file,
                                                  AuditSettings settings = {});

    /// kUnavailable: it is not in the file. Safe for concurrent use.
    Result<void> write(const AuditRecord& record);
    /// Opens the file anew after it was moved away (SIGHUP). Writing does so too.
    Result<void> reopen();

private:
    explicit AuditLog(std::unique_ptr<AuditChainFile> file) : file_(std::move(file)) {}
    struct Waiting {
        const AuditRecord* record;
        bool done = false;
        std::optional<Error> error = {};
    };
    void write_all(const std::vector<Waiting*>& batch);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Waiting*> queue_;
    bool writing_ = false;  ///< one of the threads has file_
    std::unique_ptr<AuditChainFile> file_;
};

}  // namespace scepgate::server
