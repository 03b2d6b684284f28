#include "ca_backend/sqlite_backup.hpp"

#include <atomic>
#include <csignal>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>

#include <gtest/gtest.h>

#include "ca_backend/sql_verify.hpp"
#include "ca_backend/sqlite.hpp"
#include "tests/ca_backend/support/records.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

namespace fs = std::filesystem;
using sqlite::Database;
using testing::describe;
using testing::make_record;
using testing::open_store;
using testing::record;

class SqliteBackupTest : public ::testing::Test {
protected:
    [[nodiscard]] std::vector<fs::path> files() const {
        std::vector<fs::path> all;
        for (const auto& entry : fs::directory_iterator(copies_.path()))
            all.push_back(entry.path());
        return all;
    }

    testing::TemporaryDirectory directory_, copies_;
    fs::path file_ = directory_.path() / "scepgate.db";
    fs::path out_ = copies_.path() / "copy.db";
};

TEST_F(SqliteBackupTest, IsOneFileOfItsOwnerWithAllThatWasRecorded) {
    const auto store = open_store(file_);
    const auto made = make_record();
    ASSERT_EQ(describe(record(*store, made)), "recorded");
    ASSERT_TRUE(backup_sqlite_store(file_, out_));
    EXPECT_EQ(files(), std::vector<fs::path>{out_});
    struct stat status {};
    ASSERT_EQ(::stat(out_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    const auto copy = open_store(out_, SqliteStore::Mode::kOpenExisting);
    EXPECT_TRUE(testing::found(*copy, made.transaction));
}

TEST_F(SqliteBackupTest, IsOneMomentOfAStoreThatIsWrittenTo) {
    const auto store = open_store(file_);
    ASSERT_EQ(describe(record(*store, make_record())), "recorded");
    std::atomic<bool> enough = false;
    std::thread writer([&] {
        while (!enough)
            EXPECT_EQ(describe(record(*store, make_record())), "recorded");
    });
    for (int i = 0; i < 5; ++i) {
        const fs::path out = copies_.path() / std::to_string(i);
        ASSERT_TRUE(backup_sqlite_store(file_, out));
        auto copy = Database::open(out, Database::Access::kReadWrite).value();
        EXPECT_EQ(copy.query_text("PRAGMA integrity_check").value(), "ok");
        EXPECT_TRUE(verify_references(copy).value().empty());
    }
    enough = true;
    writer.join();
}

TEST_F(SqliteBackupTest, OverwritesNothing) {
    open_store(file_).reset();
    std::ofstream(out_) << "precious";
    const auto done = backup_sqlite_store(file_, out_);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::kDenied);
    EXPECT_EQ(fs::file_size(out_), 8U);
}

TEST_F(SqliteBackupTest, SaysWhatACopyThatWasCutShortHasLeft) {
    open_store(file_).reset();
    const fs::path part = out_.string() + ".part";
    std::ofstream(part) << "half";
    const auto done = backup_sqlite_store(file_, out_);
    ASSERT_FALSE(done);
    EXPECT_NE(done.error().detail.find(part.string()), std::string::npos) << done.error().detail;
    EXPECT_NE(done.error().detail.find("delete it"), std::string::npos) << done.error().detail;
    EXPECT_FALSE(fs::exists(out_));
}

TEST_F(SqliteBackupTest, LeavesNothingWhereItsSourceIsNoStore) {
    for (const char* content : {"", "this is no database, however long it may be"}) {
        std::ofstream(file_, std::ios::trunc) << content;
        const auto done = backup_sqlite_store(file_, out_);
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code, Errc::kConfig);
        EXPECT_NE(done.error().detail.find(file_.string()), std::string::npos);
        EXPECT_TRUE(files().empty());
    }
    EXPECT_FALSE(backup_sqlite_store(directory_.path() / "missing", out_));
    EXPECT_TRUE(files().empty());
}

TEST_F(SqliteBackupTest, LeavesNothingWhereThereIsNoRoom) {
    const auto store = open_store(file_);
    for (int i = 0; i < 20; ++i)
        ASSERT_EQ(describe(record(*store, make_record())), "recorded");
    // A file must not grow beyond what the store needs already.
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{fs::file_size(file_) / 2, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const auto done = backup_sqlite_store(file_, out_);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, ignored);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::kUnavailable);
    EXPECT_TRUE(files().empty());
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
