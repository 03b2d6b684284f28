// The audit record of each CRL that is made.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "certs/result.hpp"

namespace scepgate::ca_backend {
struct MadeCrl;
}

namespace scepgate::server {

class AuditLog;

/// The audit file, for CAs that are built before it is opened. Safe for concurrent use.
class CrlRecords {
public:
    /// Told of a CRL that lacks revocations (MadeCrl::left_out), and how many those are and which.
    using Complain = std::function<void(const ca_backend::MadeCrl&, const std::string& left_out)>;

    /// `by`: who makes the CRLs; empty: the server.
    void connect(std::shared_ptr<AuditLog> audit, Complain complain, std::string by = {});

    /// "crl". kUnavailable: it is not in the audit file, and the CRL must not be given out.
    Result<void> write(const ca_backend::MadeCrl& made);

private:
    std::mutex mutex_;
    std::shared_ptr<AuditLog> audit_;
    Complain complain_;
    std::string by_;
};

/// The number of the last CRL of this CA (its name in the configuration) that a record in the last
/// 64 MiB of an audit file tells of; 0: of none. kUnavailable: the file cannot be read.
[[nodiscard]] Result<std::int64_t> last_recorded_crl(const std::filesystem::path& audit_file,
                                                     const std::string& ca);

}  // namespace scepgate::server
