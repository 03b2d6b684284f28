#include "ca_backend/sqlite_store.hpp"

#include <fcntl.h>
#include <system_error>
#include <unistd.h>

#include "ca_backend/sqlite_schema.hpp"
#include "ca_backend/sqlite_store_impl.hpp"

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

template <class Outcome>
bool is_new(const Result<Outcome>& outcome) {
    return outcome && std::holds_alternative<Recorded>(*outcome);
}

/// What was recorded now is told of in the same transaction.
template <class Outcome>
Result<Outcome> announced(sqlite::Changes& changes, const std::vector<OutboxEvent>& events,
                          std::int64_t now, Result<Outcome> outcome) {
    if (!is_new(outcome)) return outcome;
    const auto added = changes.outbox.add(events, now);
    if (!added) return added.error();
    return outcome;
}

}  // namespace

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

Result<std::optional<StoredTransaction>> SqliteStore::find_request(const PollKey& sender,
                                                                   const TransactionKey& key,
                                                                   std::int64_t now) {
    return impl_->read([&sender, &key, now](sqlite::Reader& reader) {
        return reader.transactions.find_request(sender, key, now);
    });
}

Result<std::optional<StoredTransaction>> SqliteStore::find_pending(const PollKey& sender,
                                                                   std::int64_t now) {
    return impl_->read([&sender, now](sqlite::Reader& reader) {
        return reader.transactions.find_newest(sender, now);
    });
}

Result<bool> SqliteStore::is_redeemed(const Redemption& redemption) {
    return impl_->read([&redemption](sqlite::Reader& reader) {
        return reader.transactions.is_redeemed(redemption);
    });
}

asio::awaitable<Result<RecordOutcome>> SqliteStore::record(IssuanceRecord record) {
    const auto announcer = impl_->outbox().announcer();
    const auto events = announcer ? announcer->issued(record) : std::vector<OutboxEvent>();
    auto outcome = co_await impl_->write<RecordOutcome>([&](sqlite::Changes& changes) {
        changes.now = std::min(changes.now, record.now);
        return announced(changes, events, record.now,
                         changes.recorder.record(changes.database, record));
    });
    if (!events.empty() && is_new(outcome)) announcer->added();
    co_return outcome;
}

asio::awaitable<Result<PendingOutcome>> SqliteStore::record_pending(PendingRecord record) {
    const auto announcer = impl_->outbox().announcer();
    const auto events = announcer ? announcer->pending(record) : std::vector<OutboxEvent>();
    auto outcome = co_await impl_->write<PendingOutcome>([&](sqlite::Changes& changes) {
        changes.now = std::min(changes.now, record.now);
        return announced(changes, events, record.now,
                         changes.recorder.record_pending(changes.database, record));
    });
    if (!events.empty() && is_new(outcome)) announcer->added();
    co_return outcome;
}

asio::awaitable<Result<StoredTransaction>> SqliteStore::decide(Decision decision) {
    return impl_->write<StoredTransaction>(
        [decision = std::move(decision)](sqlite::Changes& changes) {
            return changes.recorder.decide(decision);
        });
}

asio::awaitable<Result<void>> SqliteStore::mark_notified(std::int64_t id) {
    return impl_->write<void>([id](sqlite::Changes& changes) {
        return changes.recorder.mark_notified(changes.database, id);
    });
}

Result<std::vector<StoredTransaction>> SqliteStore::list_pending(const PendingFilter& filter) {
    return impl_->read([&filter](sqlite::Reader& reader) {
        return sqlite::list_pending(reader.database, filter);
    });
}

Result<std::optional<CertificateRow>> SqliteStore::find_certificate(const CertificateId& id) {
    return impl_->read([&id](sqlite::Reader& reader) { return reader.certificates.find(id); });
}

Result<std::optional<CertificateRow>> SqliteStore::newest_of_identity(
    const certs::Certificate& certificate, std::string_view template_name, std::int64_t now) {
    const Sha256 identity = identity_hash(certificate, template_name);
    return impl_->read([&identity, now](sqlite::Reader& reader) {
        return reader.certificates.newest_of_identity(identity, now);
    });
}

Result<std::vector<CertificateRow>> SqliteStore::list(const CertificateFilter& filter) {
    return impl_->read([&filter](sqlite::Reader& reader) {
        return sqlite::list_certificates(reader.database, filter);
    });
}

Result<std::optional<CertificateRow>> SqliteStore::find_serial(std::string_view serial_hex) {
    const auto serial = parse_serial(serial_hex);
    if (!serial) return in_context("serial number", serial.error());
    return impl_->read(
        [&serial](sqlite::Reader& reader) { return reader.certificates.find_serial(*serial); });
}

asio::awaitable<Result<CertificateRow>> SqliteStore::revoke(RevocationOrder order) {
    const auto announcer = impl_->outbox().announcer();
    auto done = co_await impl_->write<CertificateRow>(
        [&](sqlite::Changes& changes) -> Result<CertificateRow> {
            auto row = changes.revoker.revoke(order);
            if (!row || !announcer) return row;
            const auto told = changes.outbox.add(announcer->revoked(*row, order.at), order.at);
            if (!told) return told.error();
            return row;
        });
    if (done && announcer) announcer->added();
    co_return done;
}

Result<std::int64_t> SqliteStore::revocation_revision(const IssuerHash& issuer) {
    return impl_->read([&issuer](sqlite::Reader& reader) { return reader.crls.revision(issuer); });
}

asio::awaitable<Result<CrlBasis>> SqliteStore::begin_crl(IssuerHash issuer, std::int64_t now) {
    return impl_->write<CrlBasis>(
        [issuer, now](sqlite::Changes& changes) { return changes.revoker.begin_crl(issuer, now); });
}

asio::awaitable<Result<void>> SqliteStore::keep_crl(IssuerHash issuer, KeptCrl crl) {
    return impl_->write<void>([issuer, crl = std::move(crl)](sqlite::Changes& changes) {
        return changes.revoker.keep_crl(issuer, crl);
    });
}

Result<std::optional<KeptCrl>> SqliteStore::find_crl(const IssuerHash& issuer) {
    return impl_->read([&issuer](sqlite::Reader& reader) { return reader.crls.find(issuer); });
}

Outbox& SqliteStore::outbox() noexcept {
    return impl_->outbox();
}

}  // namespace scepgate::ca_backend
