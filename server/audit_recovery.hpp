// Finding the chain again in an audit file that is not as its head says.
#pragma once

#include <filesystem>
#include <string_view>

#include "server/audit_head.hpp"

namespace scepgate::server {

/// Where the chain goes on, and what a "chain" record must say first.
struct AuditRecovery {
    AuditPosition at;
    /// Empty: nothing worth a record. Else "rotated" (the file is new or was emptied), "torn" (a
    /// crash or a full disk cut a line short), "foreign" (there are lines that are no records of
    /// this chain), "adopted" (an earlier version wrote without a chain), "head_lost",
    /// "file_replaced" (what the head says is not in the file).
    std::string_view reason;
    std::uint64_t from = 0;  ///< from here to the end of the file there are no records
};

/// The file that has the name now.
struct CurrentAuditFile {
    const std::filesystem::path& name;
    int descriptor;
    std::uint64_t size, inode;
};

/// Reads as much of the file as it must: usually the end. Where the head is about a file that was
/// moved since, within its folder, the end of that too.
Result<AuditRecovery> recover_audit_file(const CurrentAuditFile& file,
                                         const std::optional<AuditHead>& head,
                                         const AuditDigest& digest);

}  // namespace scepgate::server
