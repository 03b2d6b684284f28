#include "ca_backend/sqlite_judge.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "ca_backend/sqlite.hpp"
#include "ca_backend/sqlite_store.hpp"
#include "tests/ca_backend/support/records.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

namespace fs = std::filesystem;

class SqliteJudgeTest : public ::testing::Test {
protected:
    void make_store() const {
        ASSERT_TRUE(SqliteStore::open(file_, SqliteStore::Mode::kCreateOrOpen));
    }
    void run(const char* sql) const {
        auto database = sqlite::Database::open(file_, sqlite::Database::Access::kReadWrite);
        ASSERT_TRUE(database);
        ASSERT_TRUE(database->execute(sql));
    }
    std::string fault() const {
        const auto judged = judge_sqlite_store(file_);
        if (judged) return "";
        EXPECT_EQ(judged.error().code, Errc::kConfig);
        EXPECT_NE(judged.error().detail.find(file_.string()), std::string::npos);
        return judged.error().detail;
    }

    testing::TemporaryDirectory folder_;
    fs::path file_ = folder_.path() / "scepgate.db";
};

TEST_F(SqliteJudgeTest, AcceptsAStoreAndLeavesItAsItWas) {
    make_store();
    const auto time = fs::last_write_time(file_);
    const auto size = fs::file_size(file_);
    EXPECT_EQ(fault(), "");
    EXPECT_EQ(fs::last_write_time(file_), time);
    EXPECT_EQ(fs::file_size(file_), size);
}

TEST_F(SqliteJudgeTest, AcceptsAStoreThatOpeningWouldUpgrade) {
    make_store();
    run("PRAGMA user_version=1");
    EXPECT_EQ(fault(), "");
}

TEST_F(SqliteJudgeTest, RefusesWhatIsMissing) {
    EXPECT_NE(fault().find("does not exist"), std::string::npos);
    EXPECT_FALSE(fs::exists(file_));
}

TEST_F(SqliteJudgeTest, RefusesAFolder) {
    fs::create_directories(file_);
    EXPECT_NE(fault().find("not a file"), std::string::npos);
}

TEST_F(SqliteJudgeTest, RefusesWhatIsNoDatabase) {
    std::ofstream(file_) << std::string(4096, 'x');
    EXPECT_NE(fault().find("not a database"), std::string::npos) << fault();
}

TEST_F(SqliteJudgeTest, RefusesAnEmptyFile) {
    std::ofstream(file_).flush();
    EXPECT_NE(fault().find("it is empty"), std::string::npos) << fault();
}

TEST_F(SqliteJudgeTest, RefusesTheDatabaseOfAnotherProgram) {
    std::ofstream(file_).flush();
    run("CREATE TABLE t(x)");
    EXPECT_NE(fault().find("another program"), std::string::npos) << fault();
}

TEST_F(SqliteJudgeTest, RefusesAStoreOfANewerVersion) {
    make_store();
    run("PRAGMA user_version=1000");
    EXPECT_NE(fault().find("newer"), std::string::npos) << fault();
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
