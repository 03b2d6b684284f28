// A connection that is lost while something is committed: nothing is lost or written twice.
#include "ca_backend/sql_writer.hpp"

#include <atomic>
#include <future>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include "ca_backend/postgres.hpp"
#include "tests/ca_backend/support/place.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using sql::Changes;
using testing::kNow;

/// What happens to one transaction.
enum class Accident {
    kNone,
    kBeforeCommit,    ///< the connection breaks while the work is done
    kCommitNotHeard,  ///< … when COMMIT was sent, before the server got it
    kAnswerNotHeard,  ///< … after the server committed
    kOthersInTheWay,  ///< the server gives it up for a deadlock
};

/// A connection over which accidents happen, in their order; none when all have happened.
class Unlucky final : public sql::Connection {
public:
    Unlucky(std::unique_ptr<sql::Connection> real, std::vector<Accident>& accidents)
        : real_(std::move(real)), accidents_(accidents) {}

    Result<std::unique_ptr<sql::Prepared>> prepare(std::string_view sql) override {
        return real_->prepare(sql);
    }
    Result<void> execute(const char* sql) override {
        const auto done = real_->execute(sql);
        if (now_ == Accident::kBeforeCommit) return lose();
        if (now_ != Accident::kOthersInTheWay) return done;
        transient_ = true;
        return Error{Errc::kUnavailable, "deadlock"};
    }
    Result<void> begin_snapshot() override { return real_->begin_snapshot(); }
    Result<void> begin_writing() override {
        now_ = Accident::kNone;
        transient_ = false;
        if (!accidents_.empty()) {
            now_ = accidents_.front();
            accidents_.erase(accidents_.begin());
        }
        return real_->begin_writing();
    }
    Result<void> commit() override {
        if (now_ == Accident::kCommitNotHeard) {
            EXPECT_TRUE(real_->rollback());
            return lose();
        }
        const auto done = real_->commit();
        return now_ == Accident::kAnswerNotHeard ? lose() : done;
    }
    Result<void> rollback() override { return real_->rollback(); }
    [[nodiscard]] std::int64_t total_changes() const noexcept override {
        return real_->total_changes();
    }
    [[nodiscard]] bool must_roll_back() const noexcept override {
        return lost_ || real_->must_roll_back();
    }
    [[nodiscard]] bool is_lost() const noexcept override { return lost_; }
    [[nodiscard]] bool may_succeed_again() const noexcept override { return transient_; }
    [[nodiscard]] sql::Turn turn() const override { return real_->turn(); }
    [[nodiscard]] std::int64_t clock_ahead() const noexcept override { return ahead; }
    static inline std::atomic<std::int64_t> ahead{0};
    Result<bool> was_committed(const sql::Turn& turn) override {
        return real_->was_committed(turn);
    }

private:
    Result<void> lose() {
        lost_ = true;
        return Error{Errc::kUnavailable, "the connection is lost"};
    }

    std::unique_ptr<sql::Connection> real_;
    std::vector<Accident>& accidents_;
    Accident now_ = Accident::kNone;
    bool lost_ = false;
    bool transient_ = false;
};

class SqlWriterTest : public ::testing::Test {
protected:
    void SetUp() override {
        open_store(place_).reset();
        ASSERT_TRUE(place_.connect()->execute("CREATE TABLE notes(text TEXT)"));
    }
    void TearDown() override {
        writer_.reset();
        threads_.join();
    }

    /// Writes one note while these accidents happen.
    Result<void> note(
        std::vector<Accident> accidents,
        const std::function<void(Changes&)>& look = [](Changes&) {}) {
        accidents_ = std::move(accidents);
        const auto connect = [this]() -> Result<std::unique_ptr<sql::Connection>> {
            if (!reachable_) return Error{Errc::kUnavailable, "nobody listens"};
            return std::unique_ptr<sql::Connection>(
                std::make_unique<Unlucky>(place_.connect(), accidents_));
        };
        if (!writer_) writer_ = sql::Writer::start(connect().value(), connect).value();
        auto outcome = std::make_shared<std::promise<Result<void>>>();
        auto told = outcome->get_future();
        writer_->submit(
            [this, look](Changes& changes) {
                look(changes);
                if (gone_after_this_) reachable_ = false;
                return changes.connection->execute("INSERT INTO notes VALUES('x')");
            },
            boost::asio::bind_executor(threads_.get_executor(), [outcome](Result<void> result) {
                outcome->set_value(std::move(result));
            }));
        return told.get();
    }
    std::int64_t notes() {
        const auto connection = postgres::Database::connect(place_.settings()).value();
        return connection->query_integer("SELECT count(*) FROM notes").value();
    }

    testing::Place place_{testing::Engine::kPostgres};
    boost::asio::thread_pool threads_{1};
    std::vector<Accident> accidents_;
    std::atomic<bool> reachable_ = true;
    std::atomic<bool> gone_after_this_ = false;
    std::unique_ptr<sql::Writer> writer_;
};

TEST_F(SqlWriterTest, A03_RecordsNothingByAClockThatIsNotTheDatabases) {
    const auto judged = [this] {
        Result<void> sound;
        EXPECT_TRUE(note({}, [&sound](Changes& changes) { sound = changes.clock.judge(kNow); }));
        return sound;
    };
    for (const std::int64_t ahead : {-601, 601, 86'400 * 2}) {
        Unlucky::ahead = ahead;
        const auto refused = judged();
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::kUnavailable);
        EXPECT_NE(refused.error().detail.find(ahead < 0 ? "601 s behind" : " s ahead of"),
                  std::string::npos)
            << refused.error().detail;
        EXPECT_TRUE(writer_->clock_is_wrong());
        Unlucky::ahead = ahead < 0 ? -600 : 600;
        EXPECT_TRUE(judged());
        EXPECT_FALSE(writer_->clock_is_wrong());
    }
    Unlucky::ahead = 0;
}

TEST_F(SqlWriterTest, WritesAgainWhatALostConnectionTookWithIt) {
    EXPECT_TRUE(note({Accident::kBeforeCommit}));
    EXPECT_EQ(notes(), 1);
}

TEST_F(SqlWriterTest, WritesAgainWhatWasNotCommittedWhenTheConnectionWasLost) {
    EXPECT_TRUE(note({Accident::kCommitNotHeard}));
    EXPECT_EQ(notes(), 1);
}

TEST_F(SqlWriterTest, WritesNothingTwiceWhenOnlyTheAnswerToCommitWasLost) {
    EXPECT_TRUE(note({Accident::kAnswerNotHeard}));
    EXPECT_EQ(notes(), 1);
}

TEST_F(SqlWriterTest, SurvivesOneAccidentAfterTheOther) {
    EXPECT_TRUE(
        note({Accident::kBeforeCommit, Accident::kCommitNotHeard, Accident::kAnswerNotHeard}));
    EXPECT_EQ(notes(), 1);
    EXPECT_TRUE(note({}));
    EXPECT_EQ(notes(), 2);
}

TEST_F(SqlWriterTest, TriesAgainWhenOthersWereInTheWayButNotForEver) {
    EXPECT_TRUE(note({Accident::kOthersInTheWay, Accident::kOthersInTheWay}));
    EXPECT_EQ(notes(), 1);
    const auto refused = note(std::vector<Accident>(10, Accident::kOthersInTheWay));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kUnavailable);
    EXPECT_EQ(notes(), 1);
}

TEST_F(SqlWriterTest, SaysUnavailableWhenNobodyCanTellHowACommitEndedAndWritesOnLater) {
    gone_after_this_ = true;
    const auto unknown = note({Accident::kAnswerNotHeard});
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, Errc::kUnavailable);
    gone_after_this_ = false;
    reachable_ = true;
    EXPECT_TRUE(note({}));
    EXPECT_EQ(notes(), 2);
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
