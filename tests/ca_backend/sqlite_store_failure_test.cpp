// What is released is durable: processes that are killed, and disks that are full.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/ca_backend/support/child.hpp"
#include "tests/ca_backend/support/records.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using testing::Child;
using testing::describe;
using testing::found;
using testing::make_record;
using testing::open_store;
using testing::record;
using testing::record_together;
using Mode = SqliteStore::Mode;

using Records = std::vector<std::pair<SqlStore*, IssuanceRecord>>;

Records make_records(SqliteStore& store, int how_many) {
    Records records;
    for (int i = 0; i < how_many; ++i)
        records.emplace_back(&store, make_record());
    return records;
}

/// Records without end and writes each transaction's key to `pipe` once it is said to be durable.
int record_for_ever(const std::filesystem::path& file, int pipe) {
    const auto store = open_store(file);
    for (;;) {
        const Records records = make_records(*store, 4);
        const auto outcomes = record_together(records);
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            if (describe(outcomes[i]) != "recorded") return 1;
            const TransactionKey& key = records[i].second.transaction;
            if (::write(pipe, key.data(), key.size()) != static_cast<ssize_t>(key.size())) return 2;
        }
    }
}

bool read_key(int pipe, TransactionKey& key) {
    for (std::size_t got = 0; got < key.size();) {
        const ssize_t count = ::read(pipe, key.data() + got, key.size() - got);
        if (count <= 0) return false;
        got += static_cast<std::size_t>(count);
    }
    return true;
}

TEST(SqliteStoreFailureTest, A04_HasEverythingThatWasReleasedBeforeAKill) {
    const testing::TemporaryDirectory directory;
    const auto file = directory.path() / "scepgate.db";
    constexpr int kRounds = 20;
    std::vector<TransactionKey> released;
    for (int round = 0; round < kRounds; ++round) {
        Child child([&file](int pipe) { return record_for_ever(file, pipe); });
        TransactionKey key{};
        // A different number each time, so that the kill falls into different moments.
        for (int i = 0; i < 5 + 3 * round; ++i) {
            ASSERT_TRUE(read_key(child.pipe(), key)) << "the child ended by itself";
            released.push_back(key);
        }
        child.kill();
        while (read_key(child.pipe(), key))
            released.push_back(key);
        ASSERT_EQ(child.wait(), -1);
    }
    const auto store = open_store(file, Mode::kOpenExisting);
    for (const TransactionKey& key : released) {
        ASSERT_TRUE(found(*store, key)) << to_hex(key);
    }
    EXPECT_GE(store->list({})->rows.size(), released.size());
}

/// Files larger than this cannot be written, as on a disk that is full.
void limit_file_size(rlim_t octets) {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = std::min(octets, limit.rlim_max);
    ::setrlimit(RLIMIT_FSIZE, &limit);
}

/// gtest's assertions say on stderr what fails in the child; its exit status tells the parent.
void fill_the_disk_and_make_room(const std::filesystem::path& file) {
    const auto store = open_store(file);
    const auto before = make_record();
    ASSERT_EQ(describe(record(*store, before)), "recorded");

    limit_file_size(std::filesystem::file_size(file.string() + "-wal") + 6000);
    const Records refused = make_records(*store, 16);
    const auto outcomes = record_together(refused);
    std::size_t failed = 0;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        const bool kept = found(*store, refused[i].second.transaction).has_value();
        EXPECT_EQ(kept, describe(outcomes[i]) == "recorded");
        if (outcomes[i]) continue;
        ++failed;
        EXPECT_EQ(outcomes[i].error().code, Errc::kUnavailable) << outcomes[i].error().detail;
    }
    EXPECT_GT(failed, 0U) << "the limit did not bite";
    EXPECT_EQ(found(*store, before.transaction), before.certificate);

    limit_file_size(RLIM_INFINITY);
    for (const auto& outcome : record_together(refused)) {
        EXPECT_TRUE(outcome) << describe(outcome);
    }
}

TEST(SqliteStoreFailureTest, A05_ReleasesNothingOnAFullDiskAndGoesOnWhenThereIsRoom) {
    const testing::TemporaryDirectory directory;
    const auto file = directory.path() / "scepgate.db";
    Child child([&file](int) {
        fill_the_disk_and_make_room(file);
        return ::testing::Test::HasFailure() ? 1 : 0;
    });
    EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(open_store(file, Mode::kOpenExisting)->list({})->rows.size(), 17U);
}

/// The store's file, or its log, under a store that is open.
class SqliteStoreMovedTest : public ::testing::TestWithParam<const char*> {
protected:
    testing::TemporaryDirectory directory_;
    const std::filesystem::path file_ = directory_.path() / "scepgate.db";
    const std::filesystem::path taken_ = file_.string() + GetParam();
    const std::filesystem::path elsewhere_ = directory_.path() / "elsewhere";
};

INSTANTIATE_TEST_SUITE_P(Of, SqliteStoreMovedTest, ::testing::Values("", "-wal"),
                         [](const auto& tested) { return *tested.param == 0 ? "Store" : "Log"; });

TEST_P(SqliteStoreMovedTest, ReleasesNothingUntilItIsBack) {
    const auto store = open_store(file_);
    ASSERT_EQ(describe(record(*store, make_record())), "recorded");
    std::filesystem::rename(taken_, elsewhere_);
    const auto made = make_record();
    for (int i = 0; i < 2; ++i) {
        const auto refused = record(*store, made);
        ASSERT_FALSE(refused) << "nobody would find it again";
        EXPECT_EQ(refused.error().code, Errc::kUnavailable);
        const std::string& told = refused.error().detail;
        EXPECT_NE(told.find(taken_.string() + " was deleted, moved or replaced"), std::string::npos)
            << told;
        EXPECT_NE(told.find("restore a backup"), std::string::npos) << told;
    }
    std::filesystem::rename(elsewhere_, taken_);
    EXPECT_EQ(describe(record(*store, made)), "recorded");
}

TEST_P(SqliteStoreMovedTest, ReleasesNothingIntoAFileThatHasTakenItsPlace) {
    const auto store = open_store(file_);
    ASSERT_EQ(describe(record(*store, make_record())), "recorded");
    std::filesystem::copy_file(taken_, elsewhere_);
    std::filesystem::rename(elsewhere_, taken_);
    const auto refused = record(*store, make_record());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kUnavailable);
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
