// The audit record: what was decided, append-only, one JSON object a line.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "certs/result.hpp"

namespace scepgate::server {

/// One record under construction. Values are escaped; the time comes first.
class AuditRecord {
public:
    /// `event`: "sign" (before a certificate is recorded), "issue" (it is, and leaves), "retry" (it
    /// leaves again), "pending", "refuse"; of operators "intend" (before something is done), then
    /// "approve", "reject", "revoke", "hold", "release", "withdraw", "notify_retry", "notify_drop",
    /// "rotate" (it is done) or "fail"; "rollover"; of those who ask for challenges "challenge",
    /// "no_challenge"; "notify_given_up" (a notifier was not told); "start", "stop", "reload".
    AuditRecord(std::string_view event, std::int64_t now);
    AuditRecord& add(std::string_view key, std::string_view value);
    AuditRecord& add(std::string_view key, std::int64_t value);
    /// Leaves an empty value out.
    AuditRecord& add_if(std::string_view key, std::string_view value);
    AuditRecord& add(std::string_view key, const std::vector<std::string>& values);

private:
    friend class AuditLog;
    std::string line_;
};

/// The file. Each record is one write() of one line to a file opened for appending, done before the
/// reply leaves: a certificate whose record cannot be written is not released.
class AuditLog {
public:
    /// kConfig when the file cannot be opened. Created with mode 0600.
    static Result<std::shared_ptr<AuditLog>> open(const std::filesystem::path& file);
    ~AuditLog();

    Result<void> write(const AuditRecord& record);
    /// Opens the file anew after it was moved away (SIGHUP, logrotate).
    Result<void> reopen();

private:
    AuditLog(std::filesystem::path file, int descriptor);
    std::filesystem::path file_;
    std::mutex mutex_;
    int descriptor_;
    bool torn_;  ///< the file's last line was cut short: it must be ended first
};

}  // namespace scepgate::server
