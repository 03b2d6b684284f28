#include "ca_backend/sqlite_schema.hpp"

#include <array>

#include "ca_backend/certificate_plan.hpp"
#include "ca_backend/sql_compromised_keys.hpp"
#include "ca_backend/sql_schema_version_8.hpp"
#include "ca_backend/sql_schema_version_9.hpp"
#include "ca_backend/sqlite_schema_versions.hpp"
#include "ca_backend/transaction.hpp"
#include "certs/general_name.hpp"

namespace scepgate::ca_backend::sqlite {
namespace {

/// "Scgt": what the file says it is (PRAGMA application_id).
constexpr std::int64_t kApplicationId = 0x53636774;

/// For what SQL cannot compute from a stored certificate. `select`: row, certificate, its template
/// and DER, of the first row after ?. `values`: the octets that `update` sets, before the row.
template <class Values>
Result<void> fill_in(Database& database, const char* select, const char* update, Values values) {
    auto next = Statement::prepare(database, select);
    if (!next) return next.error();
    auto change = Statement::prepare(database, update);
    if (!change) return change.error();
    for (std::int64_t row = 0;;) {
        std::string template_name;
        certs::Certificate certificate;
        {
            Query query = next->run();
            const auto found = query.bind(row).next();
            if (!found) return found.error();
            if (!*found) return {};
            row = query.integer(0);
            template_name = query.text(2);
            auto read = certs::Certificate::from_der(query.blob(3));
            if (!read) {
                return Error{Errc::kConfig, "certificate " + std::to_string(query.integer(1)) +
                                                " cannot be read: " + read.error().detail +
                                                "; restore a backup"};
            }
            certificate = *std::move(read);
        }
        const auto octets = values(certificate, template_name);
        Query query = change->run();
        for (const auto& each : octets)
            query.bind(ByteView(each));
        const auto done = query.bind(row).finish();
        if (!done) return done.error();
    }
}

Result<void> hash_certificates(Database& database) {
    return fill_in(
        database, "SELECT id, id, template, der FROM certificates WHERE id > ? ORDER BY id LIMIT 1",
        "UPDATE certificates SET issuer_hash = ?, identity = ? WHERE id = ?",
        [](const certs::Certificate& certificate, const std::string& template_name) {
            return std::array{issuer_hash(certificate.issuer_der()),
                              identity_of(certificate, template_name).hash};
        });
}

/// Version 1 had initial enrolments alone, which are signed with the key that is certified.
Result<void> name_signers_of_version_1(Database& database) {
    return fill_in(
        database,
        "SELECT t.id, c.id, c.template, c.der FROM transactions AS t JOIN certificates AS c "
        "ON c.id = t.certificate WHERE t.id > ? AND t.signer_key = x'' ORDER BY t.id LIMIT 1",
        "UPDATE transactions SET signer_key = ? WHERE id = ?",
        [](const certs::Certificate& certificate, const std::string&) {
            return std::array<Sha256, 1>{signer_key_hash(certificate)};
        });
}

Result<void> to_version_1(Database& database) {
    return database.execute(kVersion1);
}

Result<void> to_version_2(Database& database) {
    if (const auto changed = database.execute(kVersion2); !changed) return changed.error();
    if (const auto filled = hash_certificates(database); !filled) return filled.error();
    return database.execute(kVersion2Indexes);
}

Result<void> to_version_3(Database& database) {
    return database.execute(kVersion3);
}

Result<void> to_version_4(Database& database) {
    if (const auto changed = database.execute(kVersion4); !changed) return changed.error();
    if (const auto named = name_signers_of_version_1(database); !named) return named.error();
    return database.execute(kVersion4Indexes);
}

Result<void> to_version_5(Database& database) {
    return database.execute(kVersion5);
}

/// The values in a list as certs::to_text() writes it: "dns:a.example, upn:u@a.example".
std::vector<std::string> values_of_alt_names(std::string_view text) {
    constexpr std::string_view kBetween = ", ";
    std::vector<std::string> values;
    for (std::size_t at = 0; at < text.size();) {
        // A value may have a comma in it: a name begins with its type.
        std::size_t end = text.find(kBetween, at);
        const auto begins_name = [&](std::size_t from) {
            const std::size_t colon = text.find(':', from);
            return colon != std::string_view::npos &&
                   certs::general_name_type(text.substr(from, colon - from));
        };
        while (end != std::string_view::npos && !begins_name(end + kBetween.size()))
            end = text.find(kBetween, end + 1);
        const std::string_view name = text.substr(at, end - at);
        values.push_back(sql::folded(name.substr(name.find(':') + 1)));
        at = end == std::string_view::npos ? text.size() : end + kBetween.size();
    }
    return values;
}

Result<void> name_certificates(Database& database) {
    auto next = Statement::prepare(database,
                                   "SELECT id, subject_alt_name FROM certificates "
                                   "WHERE subject_alt_name <> '' ORDER BY id");
    if (!next) return next.error();
    auto insert = Statement::prepare(
        database, "INSERT INTO certificate_names VALUES(?, ?) ON CONFLICT DO NOTHING");
    if (!insert) return insert.error();
    Query rows = next->run();
    for (;;) {
        const auto found = rows.next();
        if (!found) return found.error();
        if (!*found) return {};
        for (const std::string& value : values_of_alt_names(rows.text(1))) {
            Query query = insert->run();
            if (auto done = query.bind(value).bind(rows.integer(0)).finish(); !done) return done;
        }
    }
}

Result<void> to_version_6(Database& database) {
    if (const auto changed = database.execute(kVersion6); !changed) return changed.error();
    if (const auto named = name_certificates(database); !named) return named.error();
    return database.execute(kVersion6Indexes);
}

Result<void> to_version_7(Database& database) {
    return database.execute(kVersion7);
}

Result<void> to_version_8(Database& database) {
    for (const auto* step :
         {sql::kVersion8SqliteTables, sql::kVersion8Indexes, sql::kCompromisedKeysSqlite}) {
        if (const auto changed = database.execute(step); !changed) return changed;
    }
    return sql::find_compromised_keys(database);
}

Result<void> to_version_9(Database& database) {
    return database.execute(sql::kVersion9Sqlite);
}

/// Each takes the schema from its index to the next version. Released ones are never edited.
///
/// certificates: a serial number is unique with its issuer (RFC 5280 section 4.1.2.2). The id grows
/// with each commit, so newest first needs no index over a time.
/// transactions: one index for requests, polls and people: an index more is a page to write with
/// every enrolment (sql_schema_version_8.hpp). redemptions: looked up by their key alone, which is
/// random; they do not stay.
constexpr std::array kMigrations = {to_version_1, to_version_2, to_version_3,
                                    to_version_4, to_version_5, to_version_6,
                                    to_version_7, to_version_8, to_version_9};

/// SQLite does not wait for locks by itself when the journal mode changes.
Result<void> switch_to_wal(Database& database) {
    constexpr int kAttempts = 250;
    constexpr int kPauseMs = 20;
    for (int attempt = 1;; ++attempt) {
        const auto mode = database.query_text("PRAGMA journal_mode=WAL");
        if (mode) {
            if (*mode == "wal") return {};
            return Error{Errc::kConfig,
                         "the file system does not support SQLite's WAL mode (journal mode is \"" +
                             *mode + "\"); put the store on a local disk"};
        }
        const bool busy = (sqlite3_errcode(database.get()) & 0xFF) == SQLITE_BUSY;
        if (!busy || attempt == kAttempts) return mode.error();
        sqlite3_sleep(kPauseMs);
    }
}

Result<void> migrate(Database& database) {
    // Read again: another process may have been faster.
    const auto version = schema_version(database);
    if (!version) return version.error();
    for (auto next = static_cast<std::size_t>(*version); next < kMigrations.size(); ++next) {
        const auto applied = kMigrations[next](database);
        if (!applied) return applied.error();
    }
    const std::string stamp = "PRAGMA application_id=" + std::to_string(kApplicationId) +
                              "; PRAGMA user_version=" + std::to_string(current_schema_version());
    return database.execute(stamp.c_str());
}

}  // namespace

std::int64_t current_schema_version() noexcept {
    return static_cast<std::int64_t>(kMigrations.size());
}

Result<std::int64_t> schema_version(Database& database) {
    // One statement, so one view of the file: another process may be making its schema.
    auto select = Statement::prepare(database,
                                     "SELECT (SELECT count(*) FROM sqlite_schema),"
                                     " (SELECT application_id FROM pragma_application_id),"
                                     " (SELECT user_version FROM pragma_user_version)");
    if (!select) return select.error();
    Query row = select->run();
    const auto found = row.next();
    if (!found) return found.error();
    const std::int64_t tables = row.integer(0);
    const std::int64_t application = row.integer(1);
    const std::int64_t version = row.integer(2);

    const bool empty = application == 0 && version == 0 && tables == 0;
    if (empty) return 0;
    if (application != kApplicationId || version < 1) {
        return Error{Errc::kConfig, "the database of another program; give another file"};
    }
    if (version > current_schema_version()) {
        return Error{Errc::kConfig, "made by a newer scepgate (schema " + std::to_string(version) +
                                        ", this one knows up to " +
                                        std::to_string(current_schema_version()) +
                                        "); install that version or restore a backup"};
    }
    return version;
}

Result<void> upgrade_schema(Database& database) {
    const auto version = schema_version(database);
    if (!version) return version.error();
    if (const auto wal = switch_to_wal(database); !wal) return wal.error();
    if (*version == current_schema_version()) return {};

    if (const auto begun = database.execute("BEGIN IMMEDIATE"); !begun) return begun.error();
    auto done = migrate(database);
    if (done) done = database.execute("COMMIT");
    if (!done && database.in_transaction()) {
        const auto rolled_back = database.execute("ROLLBACK");
        if (!rolled_back) return rolled_back.error();
    }
    return done;
}

}  // namespace scepgate::ca_backend::sqlite
