// Older files are brought up to date; no look-up walks through a table; old redemptions go.
#include "ca_backend/sqlite_schema.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "ca_backend/sql_reader.hpp"
#include "ca_backend/sql_writer.hpp"
#include "tests/ca_backend/support/pending.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

namespace fs = std::filesystem;
using sqlite::Database;
using testing::describe;
using testing::kDay;
using testing::kNow;
using testing::make_record;
using testing::make_redeeming_record;
using testing::open_store;
using testing::record;
using Mode = SqliteStore::Mode;

class SqliteSchemaTest : public ::testing::Test {
protected:
    void use_version(int version) const {
        const std::string name = "store-version-" + std::to_string(version) + ".db";
        fs::copy_file(fs::path(SCEPGATE_TEST_DATA) / "ca_backend" / name, file_);
    }
    [[nodiscard]] Database database() const {
        return Database::open(file_, Database::Access::kReadWrite).value();
    }
    [[nodiscard]] std::unique_ptr<sql::Connection> connection() const {
        return std::make_unique<Database>(database());
    }

    testing::TemporaryDirectory directory_;
    fs::path file_ = directory_.path() / "scepgate.db";
};

TEST_F(SqliteSchemaTest, UpgradesAStoreOfVersion1AndKeepsAllOfIt) {
    use_version(1);
    ASSERT_EQ(sqlite::schema_version(*std::make_unique<Database>(database())).value(), 1);
    EXPECT_FALSE(SqliteStore::open(file_, Mode::kReadOnly)) << "needs the upgrade first";
    const auto store = open_store(file_, Mode::kOpenExisting);
    const auto rows = store->list({}).value().rows;
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(rows[0].subject, "CN=device-3,O=Example");
    EXPECT_EQ(rows[0].subject_alt_name, "dns:d3.example");
    for (const auto& row : rows) {
        const auto certificate = certs::Certificate::from_der(row.der).value();
        EXPECT_EQ(store->find_certificate(certificate_id(certificate)).value()->serial, row.serial);
        const auto newest =
            store->newest_of_identity(identity_of(certificate, row.template_name)).value();
        ASSERT_TRUE(newest);
        EXPECT_EQ(newest->serial, row.serial);
        const auto revoked = wait_for(store->revoke(
            {certificate_id(certificate), certs::RevocationReason::kSuperseded, kNow}));
        EXPECT_TRUE(revoked);
    }
    auto raw = database();
    EXPECT_EQ(raw.query_integer("SELECT count(*) FROM transactions WHERE state = 3 AND "
                                "notified = 1 AND length(challenge) = 16")
                  .value(),
              3);
    EXPECT_EQ(raw.query_integer("SELECT count(*) FROM redemptions AS r JOIN transactions AS t ON "
                                "t.challenge = r.token JOIN certificates AS c ON c.id = "
                                "t.certificate WHERE r.policy = c.policy")
                  .value(),
              3);
    ASSERT_TRUE(
        wait_for(store->accept_clock()));  // they were issued later than the tests' own time
    EXPECT_EQ(describe(record(*store, make_record())), "recorded");
}

TEST_F(SqliteSchemaTest, AnswersRetriesAndRefusesUsedChallengesOfVersion1) {
    use_version(1);
    IssuanceRecord made;
    Redemption used{"mdm", {}, 0};
    {
        auto raw = database();
        const Bytes key =
            from_hex(raw.query_text("SELECT hex(key) FROM transactions").value()).value();
        ASSERT_EQ(key.size(), made.transaction.size());
        std::copy(key.begin(), key.end(), made.transaction.begin());
        const std::string of_key =
            " FROM certificates WHERE id = (SELECT certificate FROM "
            "transactions WHERE key = x'" +
            to_hex(key) + "')";
        made.endpoint = raw.query_text(("SELECT endpoint" + of_key).c_str()).value();
        made.transaction_id = raw.query_text(("SELECT transaction_id" + of_key).c_str()).value();
        // The request was signed with the key that was certified.
        const auto der = from_hex(raw.query_text(("SELECT hex(der)" + of_key).c_str()).value());
        made.signer_key = signer_key_hash(certs::Certificate::from_der(*der).value());
        used.token = from_hex(raw.query_text("SELECT hex(token) FROM redemptions").value()).value();
    }
    const auto store = open_store(file_, Mode::kOpenExisting);
    const auto found = testing::stored(*store, made);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->state, TransactionState::kIssued);
    EXPECT_TRUE(found->certificate);
    EXPECT_TRUE(store->is_redeemed(used).value());
}

TEST_F(SqliteSchemaTest, KeepsWhatWaitsInAStoreOfVersion3) {
    use_version(3);
    const auto store = open_store(file_, Mode::kOpenExisting);
    const auto waiting = store->list_pending({.now = kNow}).value();
    ASSERT_EQ(waiting.size(), 1U);
    EXPECT_EQ(waiting[0].transaction_id, "waits");
    EXPECT_EQ(waiting[0].state, TransactionState::kPending);
    EXPECT_EQ(waiting[0].pending->csr, (Bytes{4, 5, 6}));
    Sha256 signer{};
    const auto hex = database().query_text(
        "SELECT hex(signer_key) FROM transactions WHERE transaction_id = 'waits'");
    const Bytes stored_signer = from_hex(*hex).value();
    std::copy(stored_signer.begin(), stored_signer.end(), signer.begin());
    EXPECT_EQ(store->find_pending({"/scep", "waits", signer}, kNow).value()->id, waiting[0].id);
    Decision decision;
    decision.id = waiting[0].id;
    decision.now = kNow;
    EXPECT_EQ(wait_for(store->decide(decision)).value().state, TransactionState::kRejected);
    EXPECT_EQ(store->list({}).value().rows.size(), 3U);
    EXPECT_EQ(database().query_integer("SELECT count(*) FROM pragma_foreign_key_check").value(), 0);
}

TEST_F(SqliteSchemaTest, HasOneSchemaWhereverItBegan) {
    const auto schema = [](const fs::path& file) {
        auto opened = Database::open(file, Database::Access::kReadWrite).value();
        return opened
            .query_text(
                "SELECT group_concat(sql, ';') FROM (SELECT replace(sql, '\"', '') AS sql "
                "FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name)")
            .value();
    };
    const fs::path fresh = directory_.path() / "fresh.db";
    open_store(fresh).reset();
    for (const int version : {1, 2, 3, 4, 5, 6, 7, 8}) {
        fs::remove(file_);
        use_version(version);
        open_store(file_, Mode::kOpenExisting).reset();
        EXPECT_EQ(schema(file_), schema(fresh)) << version;
    }
}

TEST_F(SqliteSchemaTest, IsLeftAsItWasWhenACertificateCannotBeRead) {
    use_version(1);
    ASSERT_TRUE(database().execute("UPDATE certificates SET der = x'3000' WHERE id = 2"));
    const auto store = SqliteStore::open(file_, Mode::kOpenExisting);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Errc::kConfig);
    EXPECT_NE(store.error().detail.find("certificate 2 cannot be read"), std::string::npos);
    auto raw = database();
    EXPECT_EQ(sqlite::schema_version(raw).value(), 1);
}

TEST_F(SqliteSchemaTest, IsSeenWholeOrNotAtAllWhileAnotherProcessMakesIt) {
    std::ofstream(file_).close();
    Database watching = database();
    // The other is as quick as can be: it makes the schema before the second statement begins.
    struct Other {
        const fs::path& file;
        Database& watching;
        int begun = 0;
    } other{file_, watching};
    sqlite3_trace_v2(
        watching.get(), SQLITE_TRACE_STMT,
        [](unsigned, void* context, void*, void*) {
            auto& self = *static_cast<Other*>(context);
            const bool within = sqlite3_txn_state(self.watching.get(), nullptr) != SQLITE_TXN_NONE;
            if (!within && ++self.begun == 2) open_store(self.file).reset();
            return 0;
        },
        &other);
    const auto seen = sqlite::schema_version(watching);
    ASSERT_TRUE(seen) << seen.error().detail;
    EXPECT_EQ(*seen, 0);
    EXPECT_EQ(sqlite::schema_version(watching).value(), sqlite::current_schema_version());
    EXPECT_EQ(other.begun, 2);
}

/// The plan of every statement that is prepared on a connection; those with a table walked through
/// from end to end are faults.
void expect_indexes(sql::Connection& connection) {
    auto& database = dynamic_cast<Database&>(connection);
    std::size_t statements = 0;
    std::vector<std::string> all;
    for (sqlite3_stmt* one = sqlite3_next_stmt(database.get(), nullptr); one != nullptr;
         one = sqlite3_next_stmt(database.get(), one)) {
        all.emplace_back(sqlite3_sql(one));
    }
    for (const std::string& sql : all) {
        auto explained = sqlite::Statement::prepare(database, "EXPLAIN QUERY PLAN " + sql).value();
        auto query = explained.run();
        while (query.next().value()) {
            const std::string step = query.text(3);
            EXPECT_FALSE(step.starts_with("SCAN")) << step << "\n" << sql;
            EXPECT_EQ(step.find("AUTOMATIC"), std::string::npos) << step << "\n" << sql;
        }
        ++statements;
    }
    EXPECT_GT(statements, 5U);
}

TEST_F(SqliteSchemaTest, FindsEverythingThatARequestNeedsByAnIndex) {
    const auto store = open_store(file_);
    ASSERT_EQ(describe(record(*store, make_record())), "recorded");
    const auto reader = sql::Reader::prepare(connection()).value();
    expect_indexes(*reader->connection);
    const auto changes = sql::Changes::prepare(connection()).value();
    expect_indexes(*changes.connection);
}

TEST_F(SqliteSchemaTest, SpendsNoMoreOnASenderWhoUsedOneTransactionIdWithoutEnd) {
    const auto store = open_store(file_);
    const auto made = make_record();
    ASSERT_EQ(describe(record(*store, made)), "recorded");
    constexpr int kMany = 20'000;
    ASSERT_TRUE(database().execute(
        ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
         std::to_string(kMany) +
         ") INSERT INTO transactions(key, state, endpoint, transaction_id, signer_key, challenge, "
         "recorded_at, expires, notified) SELECT randomblob(32), 2, endpoint, transaction_id, "
         "signer_key, x'', recorded_at, recorded_at, 1 FROM n, transactions WHERE id = 1")
            .c_str()));
    const auto reader = sql::Reader::prepare(connection()).value();
    const PollKey sender{made.endpoint, made.transaction_id, made.signer_key};
    EXPECT_TRUE(reader->transactions.find_newest(sender, kNow).value());
    EXPECT_EQ(reader->transactions.find_request(sender, made.transaction, kNow).value()->key,
              made.transaction);
    EXPECT_TRUE(reader->transactions.find_request(sender, TransactionKey{}, kNow).value());
    int steps = 0;
    auto* handle = dynamic_cast<Database&>(*reader->connection).get();
    for (sqlite3_stmt* one = sqlite3_next_stmt(handle, nullptr); one != nullptr;
         one = sqlite3_next_stmt(handle, one)) {
        steps += sqlite3_stmt_status(one, SQLITE_STMTSTATUS_VM_STEP, 0);
    }
    EXPECT_LT(steps, 2 * kMany) << "to look at all of them takes more than ten times as many";
}

/// Some certificate.
void record_at(SqlStore& store, std::int64_t now) {
    auto made = make_record();
    made.now = now;
    ASSERT_EQ(describe(record(store, made)), "recorded");
}

TEST_F(SqliteSchemaTest, PurgesRedemptionsLongAfterTheirTokensExpired) {
    auto store = open_store(file_);
    const auto old = make_redeeming_record("old");  // expires an hour after kNow
    ASSERT_EQ(describe(record(*store, old)), "recorded");
    const auto reach = [&](std::int64_t now) {
        record_at(*store, now);
        store.reset();  // one that is open goes by the time that has passed
        store = open_store(file_);
        record_at(*store, now);
    };
    reach(kNow + 29 * kDay);
    EXPECT_TRUE(store->is_redeemed(*old.redemption).value()) << "never too early";
    reach(kNow + 31 * kDay);
    EXPECT_FALSE(store->is_redeemed(*old.redemption).value());
    EXPECT_TRUE(testing::found(*store, old.transaction)) << "the certificate stays";
}

TEST_F(SqliteSchemaTest, PurgesRequestsThatCameToNothingLongAfterTheirEnd) {
    auto store = open_store(file_);
    const auto expired = testing::make_pending("expired");  // a day after kNow
    const auto rejected = testing::make_pending("rejected");
    const auto issued = testing::make_pending("issued");
    for (const auto& pending : {expired, rejected, issued})
        ASSERT_EQ(describe(testing::record_pending(*store, pending)), "recorded");
    ASSERT_TRUE(testing::decide(*store, rejected, Decision::Verdict::kReject, kNow));
    ASSERT_EQ(describe(record(*store, testing::issuance_of(issued))), "recorded");
    const auto kept_at = [&](std::int64_t now, const PendingRecord& pending) {
        record_at(*store, now);
        store.reset();
        store = open_store(file_);
        record_at(*store, now);
        return testing::stored(*store, pending, now).has_value();
    };
    for (const auto& pending : {expired, rejected, issued})
        EXPECT_TRUE(kept_at(kNow + 30 * kDay, pending)) << "never too early";
    EXPECT_FALSE(kept_at(kNow + 32 * kDay, expired));
    EXPECT_FALSE(kept_at(kNow + 32 * kDay, rejected));
    EXPECT_TRUE(kept_at(kNow + 32 * kDay, issued));
    EXPECT_EQ(store->list_pending({.open_only = false, .now = kNow + 32 * kDay}).value().size(),
              1U);
}

TEST_F(SqliteSchemaTest, PurgesNothingByAClockThatIsBehind) {
    const auto store = open_store(file_);
    auto current = make_redeeming_record("current");
    current.redemption->expires = kNow + 3600;
    ASSERT_EQ(describe(record(*store, current)), "recorded");
    auto behind = make_record();
    behind.now = 0;
    EXPECT_FALSE(record(*store, behind));
    EXPECT_TRUE(store->is_redeemed(*current.redemption).value());
}

TEST_F(SqliteSchemaTest, CountsAndFindsChallengesByAnIndex) {
    open_store(file_).reset();
    auto opened = database();
    const auto plan = [&](const std::string& sql) {
        auto statement = sqlite::Statement::prepare(opened, "EXPLAIN QUERY PLAN " + sql).value();
        sqlite::Query query = statement.run();
        std::string text;
        while (query.next().value())
            text += query.text(3) + '\n';
        return text;
    };
    const auto uses = [&](const std::string& where, const std::string& index) {
        const std::string steps = plan("SELECT 1 FROM challenges WHERE " + where);
        EXPECT_NE(steps.find("SEARCH challenges USING"), std::string::npos) << steps;
        EXPECT_NE(steps.find("INDEX " + index), std::string::npos) << steps;
    };
    uses("state = 0 AND policy = 'p' AND expires > 1", "challenges_outstanding");
    uses("state = 0 AND caller = 'c' AND expires > 1", "challenges_of_caller");
    uses("caller = 'c' AND created > 1", "challenges_made");
    uses("expires < 1", "challenges_by_expiry");
    const std::string found = plan("SELECT * FROM challenges WHERE policy = 'p' AND token = x''");
    EXPECT_NE(found.find("SEARCH challenges USING INDEX"), std::string::npos) << found;
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
