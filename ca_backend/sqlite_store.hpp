// The store in one SQLite file.
#pragma once

#include <filesystem>
#include <memory>

#include "ca_backend/store.hpp"

namespace scepgate::ca_backend {

/// SQLite in WAL mode with synchronous=FULL. One thread writes: it takes all records that wait and
/// commits them in one transaction, each under a savepoint of its own, so that a commit (one fsync)
/// serves many requests and one conflict spoils nobody else's. Reading uses connections of its own.
///
/// While a store is open, nothing else in this process may open and close the file (to copy or look
/// into it): POSIX then drops the locks that keep other processes out.
class SqliteStore final : public Store {
public:
    enum class Mode { kCreateOrOpen, kOpenExisting, kReadOnly };

    /// kReadOnly works beside a running server; record() is kDenied then.
    /// Opens and upgrades the schema. kConfig says what is wrong with the file (missing, not a
    /// database, made by a newer version, permissions) and how to mend it.
    static Result<std::unique_ptr<SqliteStore>> open(const std::filesystem::path& file, Mode mode);

    /// Finishes what waits, then closes.
    ~SqliteStore() override;

    Result<std::optional<certs::Certificate>> find_transaction(const TransactionKey& key) override;
    Result<bool> is_redeemed(const Redemption& redemption) override;
    boost::asio::awaitable<Result<RecordOutcome>> record(IssuanceRecord record) override;
    Result<std::vector<CertificateRow>> list(const CertificateFilter& filter) override;
    Result<std::optional<CertificateRow>> find_serial(std::string_view serial_hex) override;

private:
    class Impl;
    explicit SqliteStore(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace scepgate::ca_backend
