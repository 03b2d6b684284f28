#include "ca_backend/sqlite_schema.hpp"

#include <array>

#include "ca_backend/certificate_plan.hpp"
#include "ca_backend/transaction.hpp"
#include "certs/general_name.hpp"

namespace scepgate::ca_backend::sqlite {
namespace {

/// "Scgt": what the file says it is (PRAGMA application_id).
constexpr std::int64_t kApplicationId = 0x53636774;

constexpr auto* kVersion1 =
    "CREATE TABLE certificates("
    "  id INTEGER PRIMARY KEY,"
    "  serial BLOB NOT NULL CHECK(length(serial) > 0),"
    "  issuer TEXT NOT NULL,"
    "  subject TEXT NOT NULL,"
    "  subject_alt_name TEXT NOT NULL,"
    "  not_before INTEGER NOT NULL,"
    "  not_after INTEGER NOT NULL,"
    "  issued_at INTEGER NOT NULL,"
    "  endpoint TEXT NOT NULL,"
    "  transaction_id TEXT NOT NULL,"
    "  message_type INTEGER NOT NULL,"
    "  ca TEXT NOT NULL,"
    "  template TEXT NOT NULL,"
    "  policy TEXT NOT NULL,"
    "  device_id TEXT NOT NULL,"
    "  user_id TEXT NOT NULL,"
    "  der BLOB NOT NULL,"
    "  UNIQUE(serial, issuer)"
    ") STRICT;"
    "CREATE INDEX certificates_by_transaction_id ON certificates(transaction_id);"
    "CREATE TABLE transactions("
    "  key BLOB PRIMARY KEY,"
    "  certificate INTEGER NOT NULL REFERENCES certificates(id)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE redemptions("
    "  policy TEXT NOT NULL,"
    "  token BLOB NOT NULL,"
    "  certificate INTEGER NOT NULL REFERENCES certificates(id),"
    "  expires INTEGER NOT NULL,"
    "  PRIMARY KEY(policy, token)"
    ") STRICT, WITHOUT ROWID;";

/// Transactions get a state, and may have no certificate; what is needed while they wait stands in
/// `pending`, so that the others stay small. Certificates can be revoked. Redemptions are found by
/// their end, to be removed.
/// transactions.state: 0 pending, 1 approved, 2 rejected, 3 issued. The signers of version 1 are
/// not known: their transactions are not found by polls.
constexpr auto* kVersion2 =
    "ALTER TABLE certificates ADD COLUMN issuer_hash BLOB NOT NULL DEFAULT x'';"
    "ALTER TABLE certificates ADD COLUMN identity BLOB NOT NULL DEFAULT x'';"
    "ALTER TABLE certificates ADD COLUMN revoked_at INTEGER;"
    "ALTER TABLE certificates ADD COLUMN revocation_reason INTEGER;"
    "CREATE TABLE transactions_2("
    "  id INTEGER PRIMARY KEY,"
    "  key BLOB NOT NULL UNIQUE,"
    "  state INTEGER NOT NULL CHECK(state BETWEEN 0 AND 3),"
    "  endpoint TEXT NOT NULL,"
    "  transaction_id TEXT NOT NULL,"
    "  signer_key BLOB NOT NULL,"
    "  challenge BLOB NOT NULL,"
    "  recorded_at INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL,"
    "  notified INTEGER NOT NULL,"
    "  certificate INTEGER UNIQUE REFERENCES certificates(id),"
    "  CHECK((state = 3) = (certificate IS NOT NULL))"
    ") STRICT;"
    "CREATE INDEX redemptions_by_certificate ON redemptions(certificate);"
    "INSERT INTO transactions_2(key, state, endpoint, transaction_id, signer_key, challenge,"
    "  recorded_at, expires, notified, certificate)"
    "  SELECT key, 3, endpoint, transaction_id, x'', coalesce((SELECT token FROM redemptions"
    "  WHERE redemptions.certificate = certificates.id), x''), issued_at, 0, 1, certificates.id"
    "  FROM transactions JOIN certificates ON certificates.id = transactions.certificate"
    "  ORDER BY certificates.id;"
    "DROP TABLE transactions;"
    "ALTER TABLE transactions_2 RENAME TO transactions;"
    "CREATE INDEX transactions_by_poll ON transactions(transaction_id, endpoint, signer_key);"
    "CREATE INDEX transactions_open ON transactions(expires, endpoint) WHERE state < 2;"
    "CREATE TABLE pending("
    "  request INTEGER PRIMARY KEY REFERENCES transactions(id),"
    "  message_type INTEGER NOT NULL,"
    "  ca TEXT NOT NULL,"
    "  template TEXT NOT NULL,"
    "  policy TEXT NOT NULL,"
    "  device_id TEXT NOT NULL,"
    "  user_id TEXT NOT NULL,"
    "  subject TEXT NOT NULL,"
    "  subject_alt_name TEXT NOT NULL,"
    "  signer BLOB NOT NULL,"
    "  csr BLOB NOT NULL,"
    "  granted BLOB NOT NULL,"
    "  upstream_id TEXT NOT NULL,"
    "  decided_at INTEGER NOT NULL DEFAULT 0,"
    "  decided_by TEXT NOT NULL DEFAULT '',"
    "  reason TEXT NOT NULL DEFAULT ''"
    ") STRICT;"
    "CREATE TABLE redemptions_2("
    "  policy TEXT NOT NULL,"
    "  token BLOB NOT NULL,"
    "  expires INTEGER NOT NULL,"
    "  PRIMARY KEY(policy, token)"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO redemptions_2 SELECT policy, token, expires FROM redemptions;"
    "DROP TABLE redemptions;"
    "ALTER TABLE redemptions_2 RENAME TO redemptions;"
    "CREATE INDEX redemptions_by_expiry ON redemptions(expires);"
    "CREATE TABLE crls("
    "  issuer BLOB PRIMARY KEY,"
    "  revision INTEGER NOT NULL,"
    "  number INTEGER NOT NULL,"
    "  kept_number INTEGER NOT NULL DEFAULT 0,"
    "  kept_revision INTEGER NOT NULL DEFAULT 0,"
    "  der BLOB NOT NULL DEFAULT x''"
    ") STRICT;";

/// Made after the hashes were filled in: once sorted is faster than row by row.
constexpr auto* kVersion2Indexes =
    "CREATE INDEX certificates_by_identity ON certificates(identity);"
    "CREATE INDEX certificates_by_not_after ON certificates(not_after);"
    "CREATE INDEX certificates_revoked ON certificates(issuer_hash, not_after)"
    "  WHERE revoked_at IS NOT NULL;";

/// An index is a page to write with each certificate: this one is seldom needed, and transactions
/// have the same. Rejected requests are found by their end, to be removed.
constexpr auto* kVersion3 =
    "DROP INDEX certificates_by_transaction_id;"
    "CREATE INDEX transactions_rejected ON transactions(expires) WHERE state = 2;";

/// A request's key is looked up with whose request it is, so one index serves requests, polls and
/// people; `pending` is made anew because it refers to the table.
constexpr auto* kVersion4 =
    "CREATE TABLE transactions_4("
    "  id INTEGER PRIMARY KEY,"
    "  key BLOB NOT NULL,"
    "  state INTEGER NOT NULL CHECK(state BETWEEN 0 AND 3),"
    "  endpoint TEXT NOT NULL,"
    "  transaction_id TEXT NOT NULL,"
    "  signer_key BLOB NOT NULL,"
    "  challenge BLOB NOT NULL,"
    "  recorded_at INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL,"
    "  notified INTEGER NOT NULL,"
    "  certificate INTEGER UNIQUE REFERENCES certificates(id),"
    "  CHECK((state = 3) = (certificate IS NOT NULL))"
    ") STRICT;"
    "CREATE TABLE pending_4("
    "  request INTEGER PRIMARY KEY REFERENCES transactions_4(id),"
    "  message_type INTEGER NOT NULL,"
    "  ca TEXT NOT NULL,"
    "  template TEXT NOT NULL,"
    "  policy TEXT NOT NULL,"
    "  device_id TEXT NOT NULL,"
    "  user_id TEXT NOT NULL,"
    "  subject TEXT NOT NULL,"
    "  subject_alt_name TEXT NOT NULL,"
    "  signer BLOB NOT NULL,"
    "  csr BLOB NOT NULL,"
    "  granted BLOB NOT NULL,"
    "  upstream_id TEXT NOT NULL,"
    "  decided_at INTEGER NOT NULL DEFAULT 0,"
    "  decided_by TEXT NOT NULL DEFAULT '',"
    "  reason TEXT NOT NULL DEFAULT ''"
    ") STRICT;"
    "INSERT INTO transactions_4 SELECT * FROM transactions ORDER BY id;"
    "INSERT INTO pending_4 SELECT * FROM pending ORDER BY request;"
    "DROP TABLE pending;"
    "DROP TABLE transactions;"
    "ALTER TABLE transactions_4 RENAME TO transactions;"
    "ALTER TABLE pending_4 RENAME TO pending;";

constexpr auto* kVersion4Indexes =
    "CREATE UNIQUE INDEX transactions_by_request"
    "  ON transactions(transaction_id, signer_key, endpoint, key);"
    "CREATE INDEX transactions_open ON transactions(expires, endpoint) WHERE state < 2;"
    "CREATE INDEX transactions_rejected ON transactions(expires) WHERE state = 2;";

/// Challenges that were made here. One is used up in `redemptions`, under the same policy and
/// token, whoever redeems; the trigger keeps the count of those that are not. `claims`: what it is
/// bound to, JSON. challenges.state: 0 outstanding (or expired), 1 used, 2 withdrawn.
/// outbox: what is still to be told to others, each target's in the order of their ids, which are
/// never given twice; `event`: the message's own id; `leased_until`: a sender has it.
/// outbox_dropped: what was thrown away unheard.
constexpr auto* kVersion5 =
    "CREATE TABLE challenges("
    "  id INTEGER PRIMARY KEY,"
    "  policy TEXT NOT NULL,"
    "  token BLOB NOT NULL,"
    "  caller TEXT NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL,"
    "  state INTEGER NOT NULL DEFAULT 0 CHECK(state BETWEEN 0 AND 2),"
    "  claims TEXT NOT NULL,"
    "  UNIQUE(policy, token)"
    ") STRICT;"
    "CREATE INDEX challenges_outstanding ON challenges(policy, expires) WHERE state = 0;"
    "CREATE INDEX challenges_of_caller ON challenges(caller, expires) WHERE state = 0;"
    "CREATE INDEX challenges_made ON challenges(caller, created);"
    "CREATE INDEX challenges_by_expiry ON challenges(expires);"
    "CREATE TRIGGER challenge_used AFTER INSERT ON redemptions BEGIN"
    "  UPDATE challenges SET state = 1 WHERE policy = NEW.policy AND token = NEW.token; END;"
    "CREATE TABLE outbox("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  target TEXT NOT NULL,"
    "  kind TEXT NOT NULL,"
    "  event TEXT NOT NULL,"
    "  body TEXT NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  due INTEGER NOT NULL,"
    "  leased_until INTEGER NOT NULL DEFAULT 0,"
    "  attempts INTEGER NOT NULL DEFAULT 0,"
    "  error TEXT NOT NULL DEFAULT ''"
    ") STRICT;"
    "CREATE INDEX outbox_by_target ON outbox(target, id);"
    "CREATE INDEX outbox_refusals ON outbox(target, kind, id) WHERE kind = 'refused';"
    "CREATE TABLE outbox_dropped("
    "  target TEXT PRIMARY KEY,"
    "  refusals INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;";

/// Certificates are found by what people know of them, without regard to ASCII case, and listed
/// page by page: each index ends with the id. What most certificates do not have is in none.
/// certificate_names: the values of the subject alternative names, in lower case.
/// certificates_by_issued_at grows at its end alone: a page in memory.
constexpr auto* kVersion6 =
    "CREATE TABLE certificate_names("
    "  name TEXT NOT NULL,"
    "  certificate INTEGER NOT NULL,"
    "  PRIMARY KEY(name, certificate)"
    ") STRICT, WITHOUT ROWID;";
constexpr auto* kVersion6Indexes =
    "DROP INDEX certificates_by_not_after;"
    "CREATE INDEX certificates_by_not_after ON certificates(not_after, id);"
    "CREATE INDEX certificates_by_issued_at ON certificates(issued_at, id);"
    "CREATE INDEX certificates_by_subject ON certificates(lower(subject), id);"
    "CREATE INDEX certificates_by_device ON certificates(lower(device_id), id)"
    "  WHERE device_id <> '';"
    "CREATE INDEX certificates_by_user ON certificates(lower(user_id), id) WHERE user_id <> '';"
    "CREATE INDEX certificates_by_revocation ON certificates(revoked_at, id)"
    "  WHERE revoked_at IS NOT NULL;";

/// revocations: the contents of CRLs, small and in their order, where certificates are large and in
/// the order of their issuing; certificates that are not recorded can be in it too. `revision`: the
/// issuer's at the row's last change; reason 8 (removeFromCRL): good again, for deltas.
/// crls: the counters of an issuer; kept_crls: the CRL of each kind (0 complete, 1 delta) that is
/// given out, and who makes the next; its octets are in crl_parts. crl_bases: complete CRLs that
/// deltas refer to. A CRL that was kept before is made anew.
constexpr auto* kVersion7 =
    "CREATE TABLE revocations("
    "  issuer BLOB NOT NULL,"
    "  serial BLOB NOT NULL CHECK(length(serial) > 0),"
    "  revoked_at INTEGER NOT NULL,"
    "  reason INTEGER NOT NULL,"
    "  invalidity_date INTEGER,"
    "  not_after INTEGER NOT NULL,"
    "  revision INTEGER NOT NULL,"
    "  PRIMARY KEY(issuer, serial)"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO revocations(issuer, serial, revoked_at, reason, not_after, revision)"
    "  SELECT issuer_hash, serial, revoked_at, coalesce(revocation_reason, 0), not_after,"
    "  coalesce((SELECT revision FROM crls WHERE crls.issuer = issuer_hash), 0)"
    "  FROM certificates WHERE revoked_at IS NOT NULL ORDER BY issuer_hash, serial;"
    "DROP INDEX certificates_revoked;"
    "CREATE INDEX revocations_by_revision ON revocations(issuer, revision, serial);"
    "ALTER TABLE crls DROP COLUMN kept_number;"
    "ALTER TABLE crls DROP COLUMN kept_revision;"
    "ALTER TABLE crls DROP COLUMN der;"
    "CREATE TABLE kept_crls("
    "  issuer BLOB NOT NULL,"
    "  kind INTEGER NOT NULL CHECK(kind BETWEEN 0 AND 1),"
    "  number INTEGER NOT NULL DEFAULT 0,"
    "  revision INTEGER NOT NULL DEFAULT 0,"
    "  base INTEGER NOT NULL DEFAULT 0,"
    "  this_update INTEGER NOT NULL DEFAULT 0,"
    "  took_ms INTEGER NOT NULL DEFAULT 0,"
    "  making_until INTEGER NOT NULL DEFAULT 0,"
    "  making_by TEXT NOT NULL DEFAULT '',"
    "  PRIMARY KEY(issuer, kind)"
    ") STRICT;"
    "CREATE TABLE crl_parts("
    "  issuer BLOB NOT NULL,"
    "  kind INTEGER NOT NULL,"
    "  number INTEGER NOT NULL,"
    "  part INTEGER NOT NULL,"
    "  octets BLOB NOT NULL,"
    "  PRIMARY KEY(issuer, kind, number, part)"
    ") STRICT;"
    "CREATE TABLE crl_bases("
    "  issuer BLOB NOT NULL,"
    "  number INTEGER NOT NULL,"
    "  key BLOB NOT NULL,"
    "  revision INTEGER NOT NULL,"
    "  made INTEGER NOT NULL,"
    "  next_update INTEGER NOT NULL,"
    "  PRIMARY KEY(issuer, number)"
    ") STRICT, WITHOUT ROWID;";

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
                              identity_hash(certificate, template_name)};
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

/// Each takes the schema from its index to the next version. Released ones are never edited.
///
/// certificates: a serial number is unique with its issuer (RFC 5280 section 4.1.2.2). The id grows
/// with each commit, so newest first needs no index over a time.
/// transactions: one index for requests, polls and people: an index more is a page to write with
/// every enrolment. redemptions: looked up by their key alone, which is random.
constexpr std::array kMigrations = {to_version_1, to_version_2, to_version_3, to_version_4,
                                    to_version_5, to_version_6, to_version_7};

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
