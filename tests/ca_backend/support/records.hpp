// Records for the store's tests, and a directory of their own.
#pragma once

#include <filesystem>

#include "ca_backend/sqlite_store.hpp"
#include "tests/ca_backend/support/grants.hpp"

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

/// A signer key of this transaction's own.
Sha256 signer_of(const TransactionKey& key);

/// A record of a new transaction without a redemption.
IssuanceRecord make_record(const certs::Certificate& certificate = make_certificate());
/// The same that redeems `token`.
IssuanceRecord make_redeeming_record(std::string_view token);

std::unique_ptr<SqliteStore> open_store(const std::filesystem::path& file,
                                        SqliteStore::Mode mode = SqliteStore::Mode::kCreateOrOpen);

/// Records and waits.
Result<RecordOutcome> record(SqlStore& store, IssuanceRecord record);
/// Records all of them at once; the outcomes in the same order.
std::vector<Result<RecordOutcome>> record_together(
    const std::vector<std::pair<SqlStore*, IssuanceRecord>>& records);

/// What this transaction, made by make_record(), was answered with, if it was.
std::optional<certs::Certificate> found(SqlStore& store, const TransactionKey& key);

/// The transaction of an IssuanceRecord or a PendingRecord.
template <class Record>
std::optional<StoredTransaction> stored(SqlStore& store, const Record& record,
                                        std::int64_t now = kNow) {
    const PollKey sender{record.endpoint, record.transaction_id, record.signer_key};
    auto transaction = store.find_request(sender, record.transaction, now).value();
    if (transaction && transaction->key != record.transaction) return std::nullopt;
    return transaction;
}

/// "recorded", "recorded before", "already redeemed", "signer revoked", "already renewed", "key
/// compromised" or the error's text.
std::string describe(const Result<RecordOutcome>& outcome);

}  // namespace scepgate::ca_backend::testing
