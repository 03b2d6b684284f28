// Records for the store's tests, and a directory of their own.
#pragma once

#include <filesystem>

#include "ca_backend/sqlite_store.hpp"

namespace scepgate::ca_backend::testing {

/// An empty directory, removed at the end.
class TemporaryDirectory {
public:
    TemporaryDirectory();
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

/// A certificate with a serial number of its own.
certs::Certificate make_certificate(std::string_view subject = "CN=device-1,O=Example");

/// A record of a new transaction without a redemption.
IssuanceRecord make_record(const certs::Certificate& certificate = make_certificate());
/// The same that redeems `token`.
IssuanceRecord make_redeeming_record(std::string_view token);

std::unique_ptr<SqliteStore> open_store(const std::filesystem::path& file,
                                        SqliteStore::Mode mode = SqliteStore::Mode::kCreateOrOpen);

/// Records and waits.
Result<RecordOutcome> record(SqliteStore& store, IssuanceRecord record);
/// Records all of them at once; the outcomes in the same order.
std::vector<Result<RecordOutcome>> record_together(
    const std::vector<std::pair<SqliteStore*, IssuanceRecord>>& records);

/// What this transaction was answered with, if it was.
std::optional<certs::Certificate> found(SqliteStore& store, const TransactionKey& key);

/// "recorded", "recorded before", "already redeemed", "signer revoked", "already renewed" or the
/// error's text.
std::string describe(const Result<RecordOutcome>& outcome);

}  // namespace scepgate::ca_backend::testing
