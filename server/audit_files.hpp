// The audit file and those that were rotated away, verified as one chain.
#pragma once

#include <filesystem>

#include "server/audit_head.hpp"
#include "server/audit_verifier.hpp"

namespace scepgate::server {

struct AuditFiles {
    std::vector<std::filesystem::path> files;  ///< in any order; the first records put them in it
    std::optional<AuditPosition> kept;         ///< what `audit head` said once, if that was kept
    bool head_needed = true;  ///< the newest file has to have its head file beside it
};

/// Reads each file once, up to where it ends at the beginning (a server may go on writing). The
/// last one may be missing where its head file is there: it was rotated away, and nothing was
/// written since. kConfig: a file cannot be read, or the chain was made with another key.
Result<AuditReport> verify_audit_files(const AuditFiles& files, const AuditDigest& digest,
                                       AuditVerifier::OnRecord on_record = {});

/// Files of one chain, and how its records are hashed.
struct AuditChain {
    AuditFiles files;
    AuditDigest digest;
};

/// The chains that the files are of, told by which of the digests fits their records: a chain keeps
/// its key. The first digest is that of the newest file, `files.back()`, whose chain comes first;
/// what fits none is left to that chain, where it is a fault. Chains without a file are left out.
/// kConfig: a file cannot be read.
Result<std::vector<AuditChain>> sort_by_key(std::vector<std::filesystem::path> files,
                                            std::vector<AuditDigest> digests);

/// What the head file beside this audit file says; nothing without one.
Result<std::optional<AuditHead>> read_audit_head(const std::filesystem::path& audit_file,
                                                 const AuditDigest& digest);

}  // namespace scepgate::server
