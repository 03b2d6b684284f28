#include "ca_backend/sqlite_store.hpp"

#include <fcntl.h>
#include <system_error>
#include <unistd.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "ca_backend/sqlite_reader.hpp"
#include "ca_backend/sqlite_schema.hpp"
#include "ca_backend/sqlite_writer.hpp"

namespace scepgate::ca_backend {
namespace {

namespace asio = boost::asio;
using sqlite::Database;

Error bad_store(const std::filesystem::path& file, const std::string& fault) {
    return {Errc::kConfig, "store " + file.string() + ": " + fault};
}

/// Makes an empty file that only we can read; -wal and -shm inherit its mode. A file that exists is
/// not even opened here: closing it would drop the locks that this process has on it.
Result<void> create_private(const std::filesystem::path& file) {
    constexpr mode_t kOwnerOnly = 0600;
    const int descriptor =
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly);
    if (descriptor >= 0) {
        ::close(descriptor);
        return {};
    }
    const int failure = errno;
    if (failure == EEXIST) return {};
    return bad_store(file, "cannot be created: " + std::generic_category().message(failure) +
                               "; the directory must exist and be writable");
}

Error explain(const std::filesystem::path& file, const Error& error) {
    if (error.code == Errc::kConfig) return bad_store(file, error.detail);
    return bad_store(file,
                     error.detail +
                         "; check that it is a scepgate store, the owner and mode of the file "
                         "and its directory, and the free space, or restore a backup");
}

Result<Database> open_database(const std::filesystem::path& file, SqliteStore::Mode mode) {
    const bool read_only = mode == SqliteStore::Mode::kReadOnly;
    auto database = Database::open(
        file, read_only ? Database::Access::kReadOnly : Database::Access::kReadWrite);
    if (!database) return database.error();
    const auto version = sqlite::schema_version(*database);
    if (!version) return version.error();
    if (*version == 0 && mode != SqliteStore::Mode::kCreateOrOpen) {
        return Error{Errc::kConfig,
                     "it is empty, which no store of scepgate ever is; restore a backup"};
    }
    if (read_only) {
        if (*version != sqlite::current_schema_version()) {
            return Error{Errc::kConfig,
                         "made by an older scepgate; start the server once to upgrade it"};
        }
    } else if (const auto upgraded = sqlite::upgrade_schema(*database); !upgraded) {
        return upgraded.error();
    }
    return database;
}

/// Serial numbers as people write them: either case, with or without leading zeros.
Result<Bytes> parse_serial(std::string_view hex) {
    const std::size_t start = std::min(hex.find_first_not_of('0'), hex.size());
    std::string digits(hex.substr(start));
    while (digits.empty() || digits.size() % 2 != 0)
        digits.insert(digits.begin(), '0');
    return from_hex(digits);
}

asio::awaitable<Result<RecordOutcome>> refuse_to_write() {
    co_return Error{Errc::kDenied, "the store was opened for reading only"};
}

}  // namespace

class SqliteStore::Impl {
public:
    Impl(const std::filesystem::path& file, std::unique_ptr<sqlite::Writer> writer)
        : writer_(std::move(writer)), readers_(file) {}

    sqlite::ReaderPool& readers() { return readers_; }
    sqlite::Writer* writer() { return writer_.get(); }

private:
    // In this order: the last connection to close should be the one that can tidy up the WAL.
    std::unique_ptr<sqlite::Writer> writer_;
    sqlite::ReaderPool readers_;
};

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::filesystem::path& file,
                                                       Mode mode) {
    if (mode == Mode::kCreateOrOpen) {
        if (const auto created = create_private(file); !created) return created.error();
    }
    std::error_code failure;
    if (!std::filesystem::exists(file, failure)) {
        return bad_store(file, failure ? failure.message()
                                       : "it does not exist; create it with `scepgate init`, or "
                                         "restore a backup");
    }
    auto database = open_database(file, mode);
    if (!database) return explain(file, database.error());
    std::unique_ptr<sqlite::Writer> writer;
    if (mode != Mode::kReadOnly) {
        auto started = sqlite::Writer::start(*std::move(database));
        if (!started) return explain(file, started.error());
        writer = *std::move(started);
    }
    return std::unique_ptr<SqliteStore>(
        new SqliteStore(std::make_unique<Impl>(file, std::move(writer))));
}

SqliteStore::SqliteStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

SqliteStore::~SqliteStore() = default;

Result<std::optional<StoredTransaction>> SqliteStore::find_transaction(const TransactionKey& key,
                                                                       std::int64_t) {
    auto found = impl_->readers().with(
        [&key](sqlite::Reader& reader) { return reader.lookups.find_transaction(key); });
    if (!found) return found.error();
    if (!*found) return std::optional<StoredTransaction>();
    StoredTransaction transaction;
    transaction.key = key;
    transaction.state = TransactionState::kIssued;
    transaction.certificate = **std::move(found);
    return std::optional(std::move(transaction));
}

Result<bool> SqliteStore::is_redeemed(const Redemption& redemption) {
    return impl_->readers().with(
        [&redemption](sqlite::Reader& reader) { return reader.lookups.is_redeemed(redemption); });
}

asio::awaitable<Result<RecordOutcome>> SqliteStore::record(IssuanceRecord record) {
    if (impl_->writer() == nullptr) return refuse_to_write();
    using Signature = void(Result<RecordOutcome>);
    const auto submit = [writer = impl_->writer()](sqlite::RecordHandler handler,
                                                   IssuanceRecord submitted) {
        writer->submit(std::move(submitted), std::move(handler));
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, Signature>(
        submit, asio::use_awaitable, std::move(record));
}

Result<std::vector<CertificateRow>> SqliteStore::list(const CertificateFilter& filter) {
    return impl_->readers().with([&filter](sqlite::Reader& reader) { return reader.list(filter); });
}

Result<std::optional<CertificateRow>> SqliteStore::find_serial(std::string_view serial_hex) {
    const auto serial = parse_serial(serial_hex);
    if (!serial) return in_context("serial number", serial.error());
    return impl_->readers().with(
        [&serial](sqlite::Reader& reader) { return reader.find_serial(*serial); });
}

}  // namespace scepgate::ca_backend
