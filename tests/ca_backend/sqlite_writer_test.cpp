// What shares a commit does not share its faults.
#include <future>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include "ca_backend/sql_writer.hpp"
#include "ca_backend/sqlite.hpp"
#include "tests/ca_backend/support/records.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using sql::Changes;
using sqlite::Database;

class SqliteWriterTest : public ::testing::Test {
protected:
    void SetUp() override {
        (void)testing::open_store(file_, SqliteStore::Mode::kCreateOrOpen);
        auto database = Database::open(file_, Database::Access::kReadWrite).value();
        ASSERT_TRUE(database.execute("CREATE TABLE notes(text TEXT PRIMARY KEY)"));
        writer_ = sql::Writer::start(std::make_unique<Database>(std::move(database))).value();
    }
    void TearDown() override { threads_.join(); }

    static Result<void> note(Changes& changes, const std::string& text) {
        return changes.connection->execute(("INSERT INTO notes VALUES('" + text + "')").c_str());
    }

    std::future<Result<void>> submit(sql::Work work) {
        auto outcome = std::make_shared<std::promise<Result<void>>>();
        auto told = outcome->get_future();
        writer_->submit(
            std::move(work),
            boost::asio::bind_executor(threads_.get_executor(), [outcome](Result<void> result) {
                outcome->set_value(std::move(result));
            }));
        return told;
    }

    /// Submits all while the writer is busy, so that they share a commit.
    std::vector<Result<void>> together(std::vector<sql::Work> all) {
        std::promise<void> begun;
        std::promise<void> free;
        auto busy = submit([&begun, freed = free.get_future().share()](Changes&) {
            begun.set_value();
            freed.wait();
            return Result<void>();
        });
        begun.get_future().wait();
        std::vector<std::future<Result<void>>> told;
        for (auto& work : all)
            told.push_back(submit(std::move(work)));
        free.set_value();
        EXPECT_TRUE(busy.get());
        std::vector<Result<void>> outcomes;
        for (auto& one : told)
            outcomes.push_back(one.get());
        return outcomes;
    }

    std::string notes() {
        auto database = Database::open(file_, Database::Access::kReadOnly).value();
        return database.query_text("SELECT coalesce(group_concat(text), '') FROM notes").value();
    }

    testing::TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_.path() / "scepgate.db";
    boost::asio::thread_pool threads_{1};
    std::unique_ptr<sql::Writer> writer_;
};

TEST_F(SqliteWriterTest, UndoesOneThatFailsHalfDoneAndKeepsTheOthersOfItsGroup) {
    int runs = 0;
    const auto outcomes = together({
        [&runs](Changes& changes) {
            ++runs;
            return note(changes, "first");
        },
        [](Changes& changes) {
            EXPECT_TRUE(note(changes, "half"));
            return Result<void>(Error{Errc::kConflict, "no more"});
        },
        [](Changes& changes) { return note(changes, "last"); },
    });
    EXPECT_TRUE(outcomes[0]);
    ASSERT_FALSE(outcomes[1]);
    EXPECT_EQ(outcomes[1].error().code, Errc::kConflict);
    EXPECT_EQ(outcomes[1].error().detail, "no more");
    EXPECT_TRUE(outcomes[2]);
    EXPECT_EQ(notes(), "first,last");
    EXPECT_EQ(runs, 2) << "undone with its group, and done again";
}

TEST_F(SqliteWriterTest, DoesNothingAgainForOneThatFailedWithoutWriting) {
    int runs = 0;
    const auto outcomes = together({
        [&runs](Changes& changes) {
            ++runs;
            return note(changes, "first");
        },
        [](Changes& changes) { return note(changes, "first"); },
        [](Changes& changes) { return note(changes, "last"); },
    });
    EXPECT_TRUE(outcomes[0]);
    ASSERT_FALSE(outcomes[1]);
    EXPECT_EQ(outcomes[1].error().code, Errc::kConflict);
    EXPECT_TRUE(outcomes[2]);
    EXPECT_EQ(notes(), "first,last");
    EXPECT_EQ(runs, 1);
}

TEST_F(SqliteWriterTest, FailsAllOfTheGroupWhenTheStoreCannotBeWritten) {
    const auto outcomes = together({
        [](Changes& changes) { return note(changes, "first"); },
        [](Changes&) {
            return Result<void>(Error{Errc::kUnavailable, "the disk is full"});
        },
    });
    for (const auto& outcome : outcomes) {
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().code, Errc::kUnavailable);
        EXPECT_EQ(outcome.error().detail, "store: the disk is full");
    }
    EXPECT_EQ(notes(), "");
    EXPECT_TRUE(submit([](Changes& changes) { return note(changes, "later"); }).get());
    EXPECT_EQ(notes(), "later");
}

TEST_F(SqliteWriterTest, MovesALongLogIntoTheFileAfterItHasTold) {
    constexpr std::uintmax_t kLong = 20'000'000;
    const auto write = [this](std::size_t octets) {
        return submit([octets](Changes& changes) {
                   return changes.connection->execute(("INSERT INTO notes VALUES(hex(randomblob(" +
                                                       std::to_string(octets / 2) + ")))")
                                                          .c_str());
               })
            .get();
    };
    ASSERT_TRUE(write(1000));
    ASSERT_TRUE(write(1000));
    EXPECT_LT(std::filesystem::file_size(file_), kLong);
    ASSERT_TRUE(write(kLong));
    ASSERT_TRUE(write(1000));  // begins when the log has been moved
    EXPECT_GT(std::filesystem::file_size(file_), kLong);
    // It begins again where it began, and does not grow.
    const std::filesystem::path log = file_.string() + "-wal";
    const auto length = std::filesystem::file_size(log);
    ASSERT_TRUE(write(kLong));
    EXPECT_LT(std::filesystem::file_size(log), length + kLong / 10);
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
