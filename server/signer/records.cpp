#include "server/signer/records.hpp"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "ca_backend/sql_compromised_keys.hpp"
#include "ca_backend/sqlite.hpp"
#include "server/signer/revocation_records.hpp"

namespace scepgate::server::signer {
namespace {

using ca_backend::sql::prepare_all;
using ca_backend::sql::Statement;
using ca_backend::sqlite::Database;

constexpr std::int64_t kSchema = 5;
/// A row is of use for CRLs until some time after its certificate expired.
constexpr std::int64_t kKeptAfterExpiry = std::int64_t{90} * 86'400;

constexpr const char* kTables = R"(
    CREATE TABLE signed (
        ca BLOB NOT NULL, serial BLOB NOT NULL, template TEXT NOT NULL,
        at INTEGER NOT NULL, not_after INTEGER NOT NULL,
        PRIMARY KEY (ca, serial)) WITHOUT ROWID;
    CREATE INDEX signed_at ON signed (at);
    CREATE INDEX signed_not_after ON signed (not_after);
    CREATE TABLE orders (
        id BLOB PRIMARY KEY, at INTEGER NOT NULL, certificate BLOB NOT NULL) WITHOUT ROWID;
    CREATE INDEX orders_at ON orders (at);
)";
/// Since schema 2: what was revoked stands in rows, so that a CRL of a million entries is compared
/// row by row, and only what is new is written.
constexpr const char* kCrlTables = R"(
    CREATE TABLE issuers (id INTEGER PRIMARY KEY, ca BLOB NOT NULL UNIQUE);
    CREATE TABLE revoked (
        issuer INTEGER NOT NULL REFERENCES issuers (id), serial BLOB NOT NULL,
        revoked_at INTEGER NOT NULL, number INTEGER NOT NULL, on_hold INTEGER NOT NULL,
        compromised INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (issuer, serial)) WITHOUT ROWID;
)";
/// Since schema 3: a complete CRL and a delta may have one number.
constexpr const char* kSignedCrls = R"(
    CREATE TABLE signed_crls (
        issuer INTEGER NOT NULL REFERENCES issuers (id), number INTEGER NOT NULL,
        complete INTEGER NOT NULL, at INTEGER NOT NULL, this_update INTEGER NOT NULL,
        hash BLOB NOT NULL, PRIMARY KEY (issuer, number, complete)) WITHOUT ROWID;
)";
/// Since schema 4: which keys may not be certified any more. Of certificates from before it, the
/// key is not known.
constexpr const char* kKeyOfSigned = "ALTER TABLE signed ADD COLUMN key BLOB";
/// Since schema 5: that a key was compromised may be told of a certificate that is revoked already.
constexpr const char* kCompromised =
    "ALTER TABLE revoked ADD COLUMN compromised INTEGER NOT NULL DEFAULT 0";
constexpr const char* kFromSchema2 = R"(
    INSERT INTO signed_crls (issuer, number, complete, at, this_update, hash)
        SELECT issuer, number, complete, at, at, hash FROM signed_crls_2;
    DROP TABLE signed_crls_2;
)";

Error bad_file(const std::filesystem::path& file, const std::string& fault) {
    return {Errc::kConfig, "signer.state " + file.string() + ": " + fault};
}

Result<void> create_private(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor >= 0) {
        ::close(descriptor);
        return {};
    }
    if (errno == EEXIST) return {};
    return bad_file(file, "cannot be created: " + std::generic_category().message(errno) +
                              "; its folder must exist and be writable");
}

Result<void> add_crl_tables(Database& database, std::int64_t version) {
    if (version == 2) {
        const auto moved = database.execute("ALTER TABLE signed_crls RENAME TO signed_crls_2");
        if (!moved) return moved;
    } else if (auto made = database.execute(kCrlTables); !made) {
        return made;
    }
    if (auto made = database.execute(kSignedCrls); !made) return made;
    if (version == 2) {
        if (auto moved = database.execute(kFromSchema2); !moved) return moved;
    }
    if (version == 1) {
        if (auto taken = take_over_last_crls(database); !taken) return taken;
        if (auto gone = database.execute("DROP TABLE crls"); !gone) return gone;
    }
    return {};
}

Result<void> upgrade(Database& database, std::int64_t version) {
    if (version == 0) {
        if (auto made = database.execute(kTables); !made) return made;
    }
    if (version < 3) {
        if (auto made = add_crl_tables(database, version); !made) return made;
    }
    if (version < 4) {
        for (const char* change : {kKeyOfSigned, ca_backend::sql::kCompromisedKeysSqlite}) {
            if (auto made = database.execute(change); !made) return made;
        }
    }
    if (version >= 2) {
        if (auto made = database.execute(kCompromised); !made) return made;
    }
    return database.execute("PRAGMA user_version = 5");
}

Result<void> make_tables(Database& database) {
    const auto version = database.query_integer("PRAGMA user_version");
    if (!version) return version.error();
    if (*version == kSchema) return {};
    if (*version < 0 || *version > kSchema) {
        return Error{Errc::kConfig, "made by a newer scepgate (schema " + std::to_string(*version) +
                                        "); run that one"};
    }
    if (*version == 0) {
        const auto tables = database.query_integer("SELECT count(*) FROM sqlite_schema");
        if (!tables) return tables.error();
        if (*tables != 0) return Error{Errc::kConfig, "a database of something else; name another"};
        const auto wal = database.query_text("PRAGMA journal_mode = WAL");
        if (!wal) return wal.error();
    }
    if (const auto begun = database.begin_writing(); !begun) return begun.error();
    auto done = upgrade(database, *version);
    if (done) return database.commit();
    if (const auto undone = database.rollback(); !undone)
        done.error().detail += "; " + undone.error().detail;
    return done;
}

}  // namespace

struct SignedRecords::Impl {
    Database database;
    Statement find_order, add_order, add_signed, not_after, counts, oldest_crl;
    Statement forget_orders, forget_order, forget_signed;
    ca_backend::sql::CompromisedKeys compromised;

    static Result<std::unique_ptr<Impl>> prepare(Database database) {
        auto impl = std::make_unique<Impl>();
        impl->database = std::move(database);
        const auto prepared = prepare_all(
            impl->database,
            {{impl->find_order, "SELECT certificate FROM orders WHERE id = ? AND at > ?"},
             {impl->add_order, "INSERT INTO orders (id, at, certificate) VALUES (?, ?, ?)"},
             {impl->add_signed,
              "INSERT INTO signed (ca, serial, template, at, not_after, key) "
              "VALUES (?, ?, ?, ?, ?, ?)"},
             {impl->not_after, "SELECT not_after FROM signed WHERE ca = ? AND serial = ?"},
             {impl->oldest_crl,
              "SELECT number FROM signed_crls JOIN issuers ON issuers.id = signed_crls.issuer "
              "WHERE issuers.ca = ? AND complete = 1 ORDER BY number LIMIT 1"},
             {impl->counts,
              "SELECT template, at / 60 * 60 AS minute, count(*) FROM signed WHERE at > ? "
              "GROUP BY minute, template ORDER BY minute"},
             {impl->forget_orders,
              "DELETE FROM orders WHERE id IN (SELECT id FROM orders WHERE at <= ? LIMIT 4)"},
             {impl->forget_order, "DELETE FROM orders WHERE id = ? AND at <= ?"},
             {impl->forget_signed,
              "DELETE FROM signed WHERE (ca, serial) IN "
              "(SELECT ca, serial FROM signed WHERE not_after < ? LIMIT 4)"}});
        if (!prepared) return prepared.error();
        auto compromised = ca_backend::sql::CompromisedKeys::prepare(impl->database);
        if (!compromised) return compromised.error();
        impl->compromised = *std::move(compromised);
        return impl;
    }

    Result<void> add(const SignedRow& row) {
        if (auto done = forget_orders.run().bind(row.at - kRemembered).finish(); !done) return done;
        // After a quiet week this one itself may be left.
        auto forgotten =
            forget_order.run().bind(ByteView(row.id)).bind(row.at - kRemembered).finish();
        if (!forgotten) return forgotten;
        if (auto done = forget_signed.run().bind(row.at - kKeptAfterExpiry).finish(); !done)
            return done;
        auto added = add_signed.run()
                         .bind(ByteView(row.ca))
                         .bind(row.serial)
                         .bind(row.template_name)
                         .bind(row.at)
                         .bind(row.not_after)
                         .bind(ByteView(row.key))
                         .finish();
        if (!added) return added;
        return add_order.run().bind(ByteView(row.id)).bind(row.at).bind(row.certificate).finish();
    }

    /// All rows, or none.
    Result<void> add_all(const std::vector<Waiting*>& group) {
        if (auto begun = database.begin_writing(); !begun) return begun;
        Result<void> outcome;
        for (const Waiting* each : group) {
            outcome = add(*each->row);
            if (!outcome) break;
        }
        if (outcome) outcome = database.commit();
        if (!outcome) {
            // When this fails too, the next begin does.
            const auto undone = database.rollback();
            if (!undone) outcome.error().detail += "; " + undone.error().detail;
        }
        return outcome;
    }
};

SignedRecords::SignedRecords(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SignedRecords::~SignedRecords() = default;

Result<std::unique_ptr<SignedRecords>> SignedRecords::open(const std::filesystem::path& file) {
    if (const auto created = create_private(file); !created) return created.error();
    auto database = Database::open(file, Database::Access::kReadWrite);
    if (!database) return bad_file(file, database.error().detail);
    if (const auto made = make_tables(*database); !made) return bad_file(file, made.error().detail);
    auto impl = Impl::prepare(*std::move(database));
    if (!impl) return bad_file(file, impl.error().detail);
    return std::unique_ptr<SignedRecords>(new SignedRecords(*std::move(impl)));
}

Result<std::optional<Bytes>> SignedRecords::find_order(const Sha256& id, std::int64_t now) {
    const std::lock_guard lock(database_mutex_);
    auto query = impl_->find_order.run();
    query.bind(ByteView(id)).bind(now - kRemembered);
    const auto row = query.next();
    if (!row) return row.error();
    return *row ? std::optional(query.blob(0)) : std::nullopt;
}

Result<void> SignedRecords::add(const SignedRow& row) {
    Waiting mine{&row, {}};
    std::unique_lock lock(mutex_);
    queue_.push_back(&mine);
    written_.wait(lock, [&] { return mine.outcome || !writing_; });
    if (mine.outcome) return *std::move(mine.outcome);
    // Nobody writes: this thread does, for all who wait.
    writing_ = true;
    const std::vector<Waiting*> group = std::exchange(queue_, {});
    lock.unlock();
    const auto outcomes = write_together(group);
    lock.lock();
    for (std::size_t i = 0; i < group.size(); ++i)
        group[i]->outcome = outcomes[i];
    writing_ = false;
    written_.notify_all();
    lock.unlock();
    {
        const std::lock_guard database_lock(database_mutex_);
        impl_->database.tidy_up();
    }
    return *std::move(mine.outcome);
}

std::vector<Result<void>> SignedRecords::write_together(const std::vector<Waiting*>& group) {
    const std::lock_guard lock(database_mutex_);
    const auto together = impl_->add_all(group);
    if (together || group.size() == 1) return {group.size(), together};
    // One of them is at fault: each by itself.
    std::vector<Result<void>> outcomes;
    for (Waiting* each : group)
        outcomes.push_back(impl_->add_all({each}));
    return outcomes;
}

Result<std::optional<std::int64_t>> SignedRecords::not_after(const Sha256& ca, ByteView serial) {
    const std::lock_guard lock(database_mutex_);
    auto query = impl_->not_after.run();
    query.bind(ByteView(ca)).bind(serial);
    const auto row = query.next();
    if (!row) return row.error();
    return *row ? std::optional(query.integer(0)) : std::nullopt;
}

Result<bool> SignedRecords::is_compromised(const Sha256& key) {
    const std::lock_guard lock(database_mutex_);
    return impl_->compromised.contains(key);
}

Result<std::optional<std::int64_t>> SignedRecords::oldest_complete_crl(const Sha256& ca) {
    const std::lock_guard lock(database_mutex_);
    auto query = impl_->oldest_crl.run();
    query.bind(ByteView(ca));
    const auto row = query.next();
    if (!row) return row.error();
    return *row ? std::optional(query.integer(0)) : std::nullopt;
}

Result<std::vector<SignedCount>> SignedRecords::counts_since(std::int64_t at) {
    const std::lock_guard lock(database_mutex_);
    auto query = impl_->counts.run();
    query.bind(at);
    std::vector<SignedCount> all;
    while (true) {
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) return all;
        all.push_back({query.text(0), query.integer(1), query.integer(2)});
    }
}

}  // namespace scepgate::server::signer
