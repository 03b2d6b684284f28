// What PostgreSQL alone can do to a store: connections that are lost, nodes that meet, schemas.
#include "ca_backend/postgres_store.hpp"

#include <map>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "ca_backend/postgres.hpp"
#include "ca_backend/postgres_schema.hpp"
#include "ca_backend/postgres_statement.hpp"
#include "ca_backend/sqlite.hpp"
#include "ca_backend/sqlite_schema.hpp"
#include "tests/ca_backend/support/place.hpp"
#include "tests/ca_backend/support/postgres_cluster.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using postgres::Database;
using testing::describe;
using testing::found;
using testing::make_certificate;
using testing::make_record;
using testing::make_redeeming_record;
using testing::open_store;
using testing::record;

class PostgresStoreTest : public ::testing::Test {
protected:
    [[nodiscard]] std::unique_ptr<Database> connect() const {
        return Database::connect(place_.settings()).value();
    }
    /// Ends every other connection to the database; how many there were.
    [[nodiscard]] std::int64_t end_all_connections() const {
        const auto other = connect();
        return other
            ->query_integer(
                "SELECT count(*) FROM (SELECT pg_terminate_backend(pid, 5000) FROM "
                "pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()) AS ended")
            .value();
    }

    testing::Place place_{testing::Engine::kPostgres};
};

TEST_F(PostgresStoreTest, WritesAndReadsOnOverNewConnectionsAfterAllWereEnded) {
    const auto store = open_store(place_);
    const auto first = make_record();
    ASSERT_EQ(describe(record(*store, first)), "recorded");
    ASSERT_TRUE(found(*store, first.transaction));
    ASSERT_GE(end_all_connections(), 2);
    EXPECT_TRUE(found(*store, first.transaction));
    ASSERT_GE(end_all_connections(), 1);
    EXPECT_EQ(describe(record(*store, make_record())), "recorded");
}

TEST_F(PostgresStoreTest, WaitsNoLongerForTheTurnThanAStatementMayTake) {
    open_store(place_).reset();
    const auto other = connect();
    ASSERT_TRUE(other->begin_writing());
    PostgresSettings settings = place_.settings();
    settings.statement_timeout = std::chrono::milliseconds(200);
    const auto store = PostgresStore::open(settings, StoreMode::kOpenExisting).value();
    const auto made = make_record();
    const auto refused = record(*store, made);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kUnavailable);
    ASSERT_TRUE(other->rollback());
    EXPECT_FALSE(found(*store, made.transaction));
    EXPECT_EQ(describe(record(*store, made)), "recorded");
}

TEST_F(PostgresStoreTest, RefusesARowThatItsIndexesHaveNoRoomForAndNobodyElses) {
    const auto store = open_store(place_);
    auto too_long = make_record();
    too_long.device_id = to_hex(random_bytes(4000));
    const auto alone = record(*store, too_long);
    ASSERT_FALSE(alone);
    EXPECT_EQ(alone.error().code, Errc::kInternal);
    EXPECT_NE(alone.error().detail.find("SQLSTATE 54000"), std::string::npos)
        << alone.error().detail;
    std::vector<std::pair<SqlStore*, IssuanceRecord>> group;
    for (int i = 0; i < 8; ++i)
        group.emplace_back(store.get(), make_record());
    group.emplace(group.begin() + 4, store.get(), too_long);
    const auto outcomes = testing::record_together(group);
    for (std::size_t i = 0; i < outcomes.size(); ++i)
        EXPECT_EQ(describe(outcomes[i]) == "recorded", i != 4) << describe(outcomes[i]);
}

TEST_F(PostgresStoreTest, KnowsHowFarTheMachinesClockIsFromTheDatabases) {
    open_store(place_).reset();
    const auto connection = connect();
    ASSERT_TRUE(connection->begin_writing());
    EXPECT_LE(std::abs(connection->clock_ahead()), 2) << "one machine, one clock";
    ASSERT_TRUE(connection->rollback());
}

TEST_F(PostgresStoreTest, KeepsATransactionIdThatIsNoText) {
    const auto store = open_store(place_);
    auto made = make_record();
    made.transaction_id = std::string("a\0b\xFF\xC0\x80 \xED\xA0\x80 \xC3\xA4", 13);
    ASSERT_EQ(describe(record(*store, made)), "recorded");
    EXPECT_TRUE(testing::stored(*store, made));
}

TEST_F(PostgresStoreTest, SaysWhatIsMissing) {
    const auto none = PostgresStore::open(place_.settings(), StoreMode::kOpenExisting);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Errc::kConfig);
    EXPECT_NE(none.error().detail.find("store create"), std::string::npos) << none.error().detail;
    ASSERT_FALSE(judge_postgres_store(place_.settings()));

    open_store(place_).reset();
    EXPECT_TRUE(judge_postgres_store(place_.settings()));
    ASSERT_TRUE(connect()->execute("UPDATE scepgate_schema SET version = 4711"));
    for (const auto mode :
         {StoreMode::kCreateOrOpen, StoreMode::kOpenExisting, StoreMode::kReadOnly}) {
        const auto newer = PostgresStore::open(place_.settings(), mode);
        ASSERT_FALSE(newer);
        EXPECT_NE(newer.error().detail.find("newer scepgate"), std::string::npos);
    }

    const auto absent =
        PostgresStore::open(testing::postgres_settings("absent"), StoreMode::kOpenExisting);
    ASSERT_FALSE(absent);
    EXPECT_EQ(absent.error().code, Errc::kConfig);
    EXPECT_NE(absent.error().detail.find("\"absent\" does not exist"), std::string::npos);
}

TEST_F(PostgresStoreTest, WaitsForTheDiskWhateverTheServersDefaultIs) {
    PostgresSettings settings = place_.settings();
    settings.conninfo += " options='-c synchronous_commit=off'";
    const auto weak = Database::connect(settings).value();
    EXPECT_EQ(weak->query_text("SELECT current_setting('synchronous_commit')").value(), "on");
    settings = place_.settings();
    settings.conninfo += " options='-c synchronous_commit=remote_apply'";
    const auto strong = Database::connect(settings).value();
    EXPECT_EQ(strong->query_text("SELECT current_setting('synchronous_commit')").value(),
              "remote_apply");
}

TEST_F(PostgresStoreTest, MakesItsTablesOnceWhenManyNodesStartAtOnce) {
    std::vector<std::thread> nodes;
    std::vector<std::string> faults(6);
    for (std::string& fault : faults) {
        nodes.emplace_back([this, &fault] {
            const auto store = PostgresStore::open(place_.settings(), StoreMode::kCreateOrOpen);
            if (!store) fault = store.error().detail;
        });
    }
    for (std::thread& node : nodes)
        node.join();
    for (const std::string& fault : faults)
        EXPECT_EQ(fault, "");
}

/// The columns of each table, but those of the engine's own.
using Tables = std::map<std::string, std::set<std::string>>;

TEST_F(PostgresStoreTest, HasTheTablesAndColumnsThatSqliteHas) {
    const auto read = [](sql::Connection& connection, const char* select) {
        Tables tables;
        auto statement = sql::Statement::prepare(connection, select).value();
        sql::Query query = statement.run();
        while (query.next().value())
            tables[query.text(0)].insert(query.text(1));
        return tables;
    };
    open_store(place_).reset();
    const auto here = connect();
    Tables postgres =
        read(*here,
             "SELECT table_name::text, column_name::text FROM information_schema.columns "
             "WHERE table_schema = current_schema()");
    EXPECT_EQ(postgres.erase("scepgate_schema"), 1U);
    EXPECT_EQ(postgres.erase("write_turns"), 1U);

    const testing::Place other(testing::Engine::kSqlite);
    open_store(other).reset();
    const auto there = other.connect();
    Tables sqlite = read(*there,
                         "SELECT s.name, c.name FROM sqlite_schema AS s, pragma_table_info(s.name) "
                         "AS c WHERE s.type = 'table'");
    sqlite.erase("sqlite_sequence");
    EXPECT_EQ(postgres, sqlite);
    EXPECT_EQ(postgres::current_schema_version(), sqlite::current_schema_version());
}

TEST(PostgresStatementTest, NumbersParametersButNotInQuotes) {
    EXPECT_EQ(postgres::with_numbered_parameters("a = ? AND b = '?' AND c = ?"),
              "a = $1 AND b = '?' AND c = $2");
    EXPECT_EQ(postgres::with_numbered_parameters("a = ?2 AND b = ?1"), "a = $2 AND b = $1");
}

TEST(PostgresStatementTest, MakesTextOfWhateverStrangersSend) {
    EXPECT_EQ(postgres::storable_text("pl\xC3\xA4in \xF0\x9F\x94\x91"),
              "pl\xC3\xA4in \xF0\x9F\x94\x91");
    const std::string bad = "\xEF\xBF\xBD";
    EXPECT_EQ(postgres::storable_text(std::string_view("a\0b", 3)), "a" + bad + "b");
    EXPECT_EQ(postgres::storable_text("\xFF"), bad);
    EXPECT_EQ(postgres::storable_text("\xC3"), bad);
    EXPECT_EQ(postgres::storable_text("\xC0\x80"), bad + bad);
    EXPECT_EQ(postgres::storable_text("\xED\xA0\x80"), bad + bad + bad);
    EXPECT_EQ(postgres::storable_text("\xF4\x90\x80\x80"), bad + bad + bad + bad);
}

TEST(ConninfoTest, HoldsNoPasswordAndIsNotRepeated) {
    for (const char* text : {"host=db password=hunter2", "postgresql://u:hunter2@db/x"}) {
        const auto judged = judge_conninfo(text);
        ASSERT_FALSE(judged);
        EXPECT_EQ(judged.error().code, Errc::kConfig);
        EXPECT_EQ(judged.error().detail.find("hunter2"), std::string::npos);
    }
    const auto unreadable = judge_conninfo("host=db hunter2");
    ASSERT_FALSE(unreadable);
    EXPECT_EQ(unreadable.error().detail.find("hunter2"), std::string::npos);
}

TEST(ConninfoTest, WarnsOfANetworkWithoutACheckedCertificate) {
    const auto warnings = [](const char* text) {
        return judge_conninfo(text).value().warnings.size();
    };
    EXPECT_EQ(warnings("dbname=x"), 0U);
    EXPECT_EQ(warnings("host=/run/postgresql"), 0U);
    EXPECT_EQ(warnings("host=127.0.0.1"), 0U);
    EXPECT_EQ(warnings("postgresql://u@localhost/x"), 0U);
    EXPECT_EQ(warnings("host=db.example sslmode=verify-full"), 0U);
    EXPECT_EQ(warnings("host=db.example"), 1U);
    EXPECT_EQ(warnings("host=db.example sslmode=require"), 1U);
    EXPECT_EQ(warnings("postgresql://u@a.example,b.example/x"), 2U);
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
