// What commands share that change the store beside a running server: the store, the audit file, and
// who is at the keyboard.
#pragma once

#include <optional>
#include <string>

#include "ca_backend/ca_backend.hpp"
#include "ca_backend/sql_store.hpp"
#include "ca_backend/wait_for.hpp"
#include "server/audit_log.hpp"
#include "server/config.hpp"

namespace scepgate::server::cli {

using ca_backend::wait_for;

/// The store for reading; prints what is wrong and gives nothing when it cannot be opened.
[[nodiscard]] std::unique_ptr<ca_backend::SqlStore> open_store_to_read(const Config& config);

/// The store for writing, and the audit file, which stands first: what cannot be audited is not
/// done.
struct Records {
    std::shared_ptr<AuditLog> audit;
    std::unique_ptr<ca_backend::SqlStore> store;
};
/// Prints what is wrong and gives nothing when one of them cannot be opened.
[[nodiscard]] std::optional<Records> open_records(const Config& config);

/// The CA's name that an option gives, or the only one; prints what there is to choose from.
[[nodiscard]] std::optional<std::string> choose_ca(const Config& config, const std::string& option);

/// One of the configuration's CAs, whatever else of the configuration has faults. Prints what is
/// wrong with the CA and gives null. `audit`: where CRLs that it makes are recorded; without it
/// none can be made.
[[nodiscard]] std::shared_ptr<ca_backend::CaBackend> load_ca(
    const Config& config, const std::string& name, std::shared_ptr<AuditLog> audit = nullptr);

/// Who runs this: the user's name, and whom sudo was called by ("root (alice)").
[[nodiscard]] std::string operator_name();

}  // namespace scepgate::server::cli
