// Appending to the audit file and its chain, beside other processes that do so too.
#pragma once

#include <filesystem>
#include <span>

#include "server/audit_record.hpp"
#include "server/audit_recovery.hpp"

namespace scepgate::server {

struct AuditSettings {
    std::optional<Secret> hmac_key = {};  ///< absent: plain SHA-256
    bool sync = false;  ///< every record is on the disk, not only with the kernel, when written
};

/// The file, open for appending. For each append the head file is locked, compared, and brought up
/// to date: records of several processes make one chain. A file that was moved away (logrotate) is
/// followed by a new one of the same name; the chain goes on in it. Something that is no regular
/// file (a device, a pipe) has no head: its chain is this process's own.
///
/// For one thread at a time.
class AuditChainFile {
public:
    /// kConfig when a file cannot be opened, or was begun with another key. Made with mode 0600.
    static Result<std::unique_ptr<AuditChainFile>> open(std::filesystem::path file,
                                                        AuditSettings settings);
    ~AuditChainFile();

    struct Appended {
        std::size_t count = 0;       ///< so many of the first are written
        std::optional<Error> error;  ///< why the others are not
    };
    /// All in one write().
    Appended append(std::span<const AuditRecord* const> records);

    /// Opens what has the name now; append() does so by itself.
    Result<void> reopen();

private:
    AuditChainFile(std::filesystem::path file, AuditSettings settings);
    struct State {
        AuditRecovery chain;
        std::uint64_t size = 0;  ///< of the file
        bool lacks_end = false;  ///< its last line
    };
    Result<void> open_head();
    Result<std::uint64_t> follow();
    Result<AuditHeadFile::Lock> lock();
    Result<State> state(std::uint64_t size) const;
    Result<AuditRecord> chain_record(const State& state) const;
    Appended write(std::span<const AuditRecord* const> records, State state);
    [[nodiscard]] Error cannot_write(std::string_view why) const;

    std::filesystem::path file_;
    AuditDigest digest_;
    bool sync_;
    int descriptor_ = -1;
    FileId id_;  ///< of what is open
    bool regular_ = false;
    std::optional<AuditHeadFile> head_;
    AuditHead last_;  ///< what this object wrote last; of a file that has no head its chain alone
};

}  // namespace scepgate::server
