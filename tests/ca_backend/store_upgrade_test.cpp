// Stores of every earlier version: opened, upgraded, verified, and old transactions still answered.
#include <fstream>
#include <signal.h>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

#include "ca_backend/postgres.hpp"
#include "ca_backend/postgres_schema.hpp"
#include "ca_backend/postgres_store.hpp"
#include "ca_backend/sql_verify.hpp"
#include "ca_backend/sqlite.hpp"
#include "ca_backend/sqlite_schema.hpp"
#include "tests/ca_backend/support/child.hpp"
#include "tests/ca_backend/support/pending.hpp"
#include "tests/ca_backend/support/postgres_cluster.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

namespace fs = std::filesystem;
using sqlite::Database;
using testing::Child;
using testing::describe;
using testing::kNow;
using testing::make_record;
using testing::record;

fs::path data_file(const std::string& name) {
    return fs::path(SCEPGATE_TEST_DATA) / "ca_backend" / name;
}

/// What was recorded by an earlier version: the request's particulars as the device sends them.
struct OldRequest {
    std::string endpoint, transaction_id;
    Sha256 signer_key{};
    TransactionKey key{};
    std::string serial;
};

/// Reads with the SQL of the version that the store has: the columns have stayed, but that version
/// 1 has no signer. (The request was signed with the key that was certified.)
std::vector<OldRequest> read_issued(sql::Connection& connection) {
    auto select =
        sql::Statement::prepare(connection,
                                "SELECT t.key, c.endpoint, c.transaction_id, c.der, c.serial FROM "
                                "transactions AS t JOIN certificates AS c ON c.id = t.certificate")
            .value();
    std::vector<OldRequest> all;
    sql::Query query = select.run();
    while (query.next().value()) {
        OldRequest old;
        const Bytes key = query.blob(0);
        std::copy(key.begin(), key.end(), old.key.begin());
        const auto certificate = certs::Certificate::from_der(query.blob(3)).value();
        old.endpoint = query.text(1);
        old.transaction_id = query.text(2);
        old.signer_key = signer_key_hash(certificate);
        old.serial = to_hex(query.blob(4));
        all.push_back(std::move(old));
    }
    return all;
}

std::vector<Bytes> read_tokens(sql::Connection& connection) {
    auto select = sql::Statement::prepare(connection, "SELECT token FROM redemptions").value();
    std::vector<Bytes> all;
    sql::Query query = select.run();
    while (query.next().value())
        all.push_back(query.blob(0));
    return all;
}

std::string faults_of(sql::Connection& connection) {
    std::string text;
    const auto add = [&text](const std::vector<StoreFault>& faults) {
        for (const StoreFault& fault : faults)
            text += fault.kind + ": " + fault.where + ": " + fault.detail + '\n';
    };
    EXPECT_TRUE(each_certificate(connection, 100, [&](std::vector<RowToVerify>&& rows) {
        for (const RowToVerify& row : rows)
            add(judge_row(row));
    }));
    add(verify_references(connection).value());
    return text;
}

/// What an upgraded store owes to its devices.
void expect_kept(SqlStore& store, sql::Connection& connection,
                 const std::vector<OldRequest>& issued, const std::vector<Bytes>& tokens,
                 bool has_pending) {
    EXPECT_EQ(faults_of(connection), "");
    ASSERT_EQ(issued.size(), 3U);
    ASSERT_TRUE(
        wait_for(store.accept_clock()));  // these were issued later than the tests' own time
    for (const OldRequest& old : issued) {
        const PollKey sender{old.endpoint, old.transaction_id, old.signer_key};
        const auto found = store.find_request(sender, old.key, kNow).value();
        ASSERT_TRUE(found);
        EXPECT_EQ(found->state, TransactionState::kIssued);
        ASSERT_TRUE(found->certificate);
        EXPECT_EQ(found->certificate->serial_hex(), old.serial);
        // Sent again, it is answered with the same, and recorded no second time.
        IssuanceRecord again = make_record();
        again.transaction = old.key;
        again.endpoint = old.endpoint;
        again.transaction_id = old.transaction_id;
        again.signer_key = old.signer_key;
        EXPECT_EQ(describe(record(store, again)), "recorded before");
    }
    ASSERT_GE(tokens.size(), 3U);
    for (const Bytes& token : tokens) {
        EXPECT_TRUE(store.is_redeemed({"mdm", token, 0}).value());
        IssuanceRecord other = make_record();
        other.redemption = Redemption{"mdm", token, kNow + 1};
        EXPECT_EQ(describe(record(store, other)), "already redeemed");
    }
    const auto waiting = store.list_pending({.now = kNow}).value();
    ASSERT_EQ(waiting.size(), has_pending ? 1U : 0U);
    if (has_pending) {
        EXPECT_EQ(waiting[0].pending->csr, (Bytes{4, 5, 6}));
    }
    EXPECT_EQ(store.list({.alt_name = "dns:D2.example"}).value().rows.size(), 1U);
    EXPECT_EQ(store.list({.subject = "CN=device-3,O=Example"}).value().rows.size(), 1U);
    EXPECT_EQ(describe(record(store, make_record())), "recorded");
    for (const CertificateRow& row : store.list({.alt_name = "dns:D2.example"}).value().rows) {
        const auto certificate = certs::Certificate::from_der(row.der).value();
        const auto identity = identity_of(certificate, row.template_name);
        EXPECT_EQ(store.newest_of_identity(identity).value()->serial, row.serial);
    }
}

class SqliteUpgradeTest : public ::testing::TestWithParam<int> {
protected:
    SqliteUpgradeTest() {
        fs::copy_file(data_file("store-version-" + std::to_string(GetParam()) + ".db"), file_);
    }
    [[nodiscard]] std::unique_ptr<Database> open() const {
        return std::make_unique<Database>(
            Database::open(file_, Database::Access::kReadWrite).value());
    }

    testing::TemporaryDirectory directory_;
    fs::path file_ = directory_.path() / "scepgate.db";
};

INSTANTIATE_TEST_SUITE_P(FromVersion, SqliteUpgradeTest, ::testing::Values(1, 2, 3, 4, 5, 6, 7, 8),
                         ::testing::PrintToStringParamName());

TEST_P(SqliteUpgradeTest, KeepsWhatWasIssuedUsedUpAndWaiting) {
    std::vector<OldRequest> issued;
    std::vector<Bytes> tokens;
    {
        const auto old = open();
        ASSERT_EQ(sqlite::schema_version(*old).value(), GetParam());
        issued = read_issued(*old);
        tokens = read_tokens(*old);
    }
    for (const auto beside : {SqliteStore::Mode::kReadOnly, SqliteStore::Mode::kOpenCurrent}) {
        const auto refused = SqliteStore::open(file_, beside);
        ASSERT_FALSE(refused) << "a server of its version may have it open";
        EXPECT_NE(refused.error().detail.find("made by an older scepgate"), std::string::npos);
    }
    const auto store = testing::open_store(file_, SqliteStore::Mode::kOpenExisting);
    const auto upgraded = open();
    EXPECT_EQ(sqlite::schema_version(*upgraded).value(), sqlite::current_schema_version());
    EXPECT_EQ(upgraded->query_text("PRAGMA integrity_check").value(), "ok");
    EXPECT_EQ(upgraded->query_integer("SELECT count(*) FROM pragma_foreign_key_check").value(), 0);
    expect_kept(*store, *upgraded, issued, tokens, GetParam() > 1);
}

TEST_P(SqliteUpgradeTest, IsAsItWasWhenItIsKilledOnTheWay) {
    int kills = 0;
    for (int steps = 20;; steps = steps * 3 / 2) {
        Child upgrading([this, steps](int) {
            // Dies in the middle of a statement, wherever that is.
            static int left;
            left = steps;
            const auto die_later = [](sqlite3* connection, char**, const sqlite3_api_routines*) {
                sqlite3_progress_handler(
                    connection, 1,
                    [](void*) {
                        if (--left == 0) ::raise(SIGKILL);
                        return 0;
                    },
                    nullptr);
                return SQLITE_OK;
            };
            sqlite3_auto_extension(reinterpret_cast<void (*)()>(+die_later));
            return SqliteStore::open(file_, SqliteStore::Mode::kOpenExisting) ? 0 : 1;
        });
        const int status = upgrading.wait();
        const auto left = open();
        const auto version = sqlite::schema_version(*left).value();
        EXPECT_EQ(left->query_text("PRAGMA integrity_check").value(), "ok");
        if (status == 0) {
            EXPECT_EQ(version, sqlite::current_schema_version());
            break;
        }
        ASSERT_EQ(status, -1);
        // Whole or not at all; killed behind the COMMIT it is whole.
        EXPECT_TRUE(version == GetParam() || version == sqlite::current_schema_version());
        if (version == GetParam()) {
            ++kills;
            EXPECT_EQ(read_issued(*left).size(), 3U);
        }
    }
    EXPECT_GT(kills, 5);
    EXPECT_EQ(faults_of(*open()), "");
}

class PostgresUpgradeTest : public ::testing::TestWithParam<int> {
protected:
    PostgresUpgradeTest() {
        std::stringstream text;
        const std::string name = "store-version-" + std::to_string(GetParam()) + ".sql";
        text << std::ifstream(data_file(name)).rdbuf();
        const auto loaded = connect()->execute(text.str().c_str());
        EXPECT_TRUE(loaded) << loaded.error().detail;
    }
    [[nodiscard]] std::unique_ptr<postgres::Database> connect() const {
        return postgres::Database::connect(settings_).value();
    }

    PostgresSettings settings_ = testing::make_postgres_database();
};

INSTANTIATE_TEST_SUITE_P(FromVersion, PostgresUpgradeTest, ::testing::Values(5, 6, 7, 8),
                         ::testing::PrintToStringParamName());

TEST_P(PostgresUpgradeTest, KeepsWhatWasIssuedUsedUpAndWaiting) {
    const auto connection = connect();
    ASSERT_EQ(postgres::schema_version(*connection).value(), GetParam());
    const auto issued = read_issued(*connection);
    const auto tokens = read_tokens(*connection);
    for (const StoreMode beside : {StoreMode::kReadOnly, StoreMode::kOpenCurrent}) {
        const auto refused = PostgresStore::open(settings_, beside);
        ASSERT_FALSE(refused) << "a server of its version may have it open";
        EXPECT_NE(refused.error().detail.find("made by an older scepgate"), std::string::npos);
    }
    const auto store = PostgresStore::open(settings_, StoreMode::kOpenExisting).value();
    EXPECT_EQ(postgres::schema_version(*connection).value(), postgres::current_schema_version());
    expect_kept(*store, *connection, issued, tokens, true);
}

TEST_P(PostgresUpgradeTest, HasTheIndexesThatANewDatabaseHas) {
    const auto indexes = [](postgres::Database& database) {
        return database
            .query_text(
                "SELECT string_agg(replace(indexdef, schemaname || '.', ''), E'\n' ORDER BY "
                "indexname) FROM pg_indexes WHERE schemaname = current_schema()")
            .value();
    };
    PostgresStore::open(settings_, StoreMode::kOpenExisting).value().reset();
    const PostgresSettings fresh = testing::make_postgres_database();
    PostgresStore::open(fresh, StoreMode::kCreateOrOpen).value().reset();
    EXPECT_EQ(indexes(*connect()), indexes(*postgres::Database::connect(fresh).value()));
}

TEST_P(PostgresUpgradeTest, IsAsItWasWhenTheConnectionIsCutOnTheWay) {
    const auto holding = connect();
    // The upgrade waits for this table, with the tables before it made already.
    ASSERT_TRUE(holding->execute("BEGIN; LOCK TABLE certificates IN ACCESS SHARE MODE"));
    std::thread upgrading(
        [this] { EXPECT_FALSE(PostgresStore::open(settings_, StoreMode::kOpenExisting)); });
    const auto other = connect();
    std::int64_t ended = 0;
    while (ended == 0) {
        ended = other
                    ->query_integer(
                        "SELECT count(*) FROM (SELECT pg_terminate_backend(pid, 5000) FROM "
                        "pg_stat_activity WHERE datname = current_database() AND "
                        "wait_event_type = 'Lock') AS ended")
                    .value();
    }
    upgrading.join();
    ASSERT_TRUE(holding->execute("ROLLBACK"));
    EXPECT_EQ(postgres::schema_version(*other).value(), GetParam());
    EXPECT_EQ(read_issued(*other).size(), 3U);
    const auto store = PostgresStore::open(settings_, StoreMode::kOpenExisting);
    EXPECT_TRUE(store);
    EXPECT_EQ(faults_of(*other), "");
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
