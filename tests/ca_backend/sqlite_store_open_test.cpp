// Which files the store takes, and how it makes its own.
#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "ca_backend/sqlite.hpp"
#include "tests/ca_backend/support/child.hpp"
#include "tests/ca_backend/support/grants.hpp"
#include "tests/ca_backend/support/records.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

namespace fs = std::filesystem;
using sqlite::Database;
using testing::describe;
using testing::make_record;
using testing::open_store;
using testing::record;
using Mode = SqliteStore::Mode;

class SqliteStoreOpenTest : public ::testing::Test {
protected:
    void write(std::string_view content) const {
        std::ofstream(file_, std::ios::binary) << content;
    }
    /// Runs SQL on the file as some other program would.
    void execute(const char* sql) const {
        auto database = Database::open(file_, Database::Access::kReadWrite).value();
        ASSERT_TRUE(database.execute(sql));
    }
    /// Overwrites where each table and index begins; the schema stays.
    void spoil_tables() const {
        std::vector<std::int64_t> pages;
        std::int64_t octets = 0;
        {
            auto database = Database::open(file_, Database::Access::kReadWrite).value();
            octets = database.query_integer("PRAGMA page_size").value();
            auto select = sqlite::Statement::prepare(
                              database, "SELECT rootpage FROM sqlite_schema WHERE rootpage > 0")
                              .value();
            auto rows = select.run();
            while (rows.next().value())
                pages.push_back(rows.integer(0));
        }
        std::fstream file(file_, std::ios::binary | std::ios::in | std::ios::out);
        for (const std::int64_t page : pages) {
            file.seekp((page - 1) * octets);
            file << std::string(static_cast<std::size_t>(octets), '\x5A');
        }
    }
    /// The error of opening, which must name the file and be about configuration.
    [[nodiscard]] std::string fault(Mode mode) const {
        const auto store = SqliteStore::open(file_, mode);
        if (store) return "opened";
        EXPECT_EQ(store.error().code, Errc::kConfig);
        EXPECT_NE(store.error().detail.find(file_.string()), std::string::npos);
        return store.error().detail;
    }

    testing::TemporaryDirectory directory_;
    fs::path file_ = directory_.path() / "scepgate.db";
};

constexpr Mode kAllModes[] = {Mode::kCreateOrOpen, Mode::kOpenExisting, Mode::kOpenCurrent,
                              Mode::kReadOnly};

TEST_F(SqliteStoreOpenTest, A07_MakesFilesThatOnlyTheOwnerReads) {
    const mode_t before = ::umask(0);
    const auto store = open_store(file_);
    ASSERT_EQ(describe(record(*store, make_record())), "recorded");
    ::umask(before);
    std::size_t files = 0;
    for (const auto& entry : fs::directory_iterator(directory_.path())) {
        EXPECT_EQ(entry.status().permissions(), fs::perms::owner_read | fs::perms::owner_write)
            << entry.path();
        ++files;
    }
    EXPECT_EQ(files, 3U) << "database, WAL and shared memory";
}

TEST_F(SqliteStoreOpenTest, HasSmallPagesWhereItIsNewAndAnyOthersWhereItIsNot) {
    const auto octets = [this] {
        auto database = Database::open(file_, Database::Access::kReadOnly).value();
        return database.query_integer("PRAGMA page_size").value();
    };
    ASSERT_EQ(describe(record(*open_store(file_), make_record())), "recorded");
    EXPECT_EQ(octets(), 2048);
    execute("PRAGMA journal_mode=DELETE; PRAGMA page_size=4096; VACUUM");
    ASSERT_EQ(octets(), 4096);
    ASSERT_EQ(describe(record(*open_store(file_), make_record())), "recorded");
    EXPECT_EQ(octets(), 4096);
}

TEST_F(SqliteStoreOpenTest, A05_DoesNotMakeALostFileAnew) {
    for (const Mode mode : {Mode::kOpenExisting, Mode::kReadOnly}) {
        EXPECT_NE(fault(mode).find("does not exist"), std::string::npos);
        EXPECT_FALSE(fs::exists(file_));
    }
}

TEST_F(SqliteStoreOpenTest, A05_DoesNotFillAFileThatWasEmptied) {
    write("");
    for (const Mode mode : {Mode::kOpenExisting, Mode::kReadOnly})
        EXPECT_NE(fault(mode).find("empty"), std::string::npos);
    EXPECT_EQ(fs::file_size(file_), 0U);
}

TEST_F(SqliteStoreOpenTest, SaysWhenTheDirectoryIsMissing) {
    file_ = directory_.path() / "missing" / "scepgate.db";
    for (const Mode mode : kAllModes)
        EXPECT_NE(fault(mode), "opened");
    EXPECT_NE(fault(Mode::kCreateOrOpen).find("directory"), std::string::npos);
}

TEST_F(SqliteStoreOpenTest, A05_RefusesAFileThatIsNoDatabase) {
    const std::string text(8192, 'x');
    write(text);
    for (const Mode mode : kAllModes)
        EXPECT_NE(fault(mode).find("not a database"), std::string::npos) << fault(mode);
    std::ifstream file(file_, std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), text) << "left as it was";
}

TEST_F(SqliteStoreOpenTest, RefusesAnotherProgramsDatabase) {
    write("");
    execute("CREATE TABLE notes(text TEXT)");
    for (const Mode mode : kAllModes)
        EXPECT_NE(fault(mode).find("another program"), std::string::npos);
}

TEST_F(SqliteStoreOpenTest, RefusesANewerSchema) {
    open_store(file_).reset();
    execute("PRAGMA user_version=999");
    for (const Mode mode : kAllModes)
        EXPECT_NE(fault(mode).find("newer scepgate (schema 999"), std::string::npos);
}

TEST_F(SqliteStoreOpenTest, A05_SaysWhenTheFileIsDamaged) {
    {
        const auto store = open_store(file_);
        for (int i = 0; i < 20; ++i)
            ASSERT_EQ(describe(record(*store, make_record())), "recorded");
    }
    spoil_tables();

    const auto store = SqliteStore::open(file_, Mode::kOpenExisting);
    ASSERT_TRUE(store) << "the schema is sound";
    const auto made = make_record();
    const auto found = (*store)->find_request({made.endpoint, made.transaction_id, made.signer_key},
                                              made.transaction, testing::kNow);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::kUnavailable);
    EXPECT_NE(found.error().detail.find("malformed"), std::string::npos) << found.error().detail;
    const auto outcome = record(**store, made);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::kUnavailable);
}

TEST_F(SqliteStoreOpenTest, SaysWhenADirectoryIsInItsPlace) {
    fs::create_directory(file_);
    for (const Mode mode : kAllModes)
        EXPECT_NE(fault(mode).find("Is a directory"), std::string::npos) << fault(mode);
}

TEST_F(SqliteStoreOpenTest, A05_SaysAtStartWhenTheFileCannotBeWritten) {
    open_store(file_).reset();
    fs::permissions(directory_.path(), fs::perms(0755));
    fs::permissions(file_, fs::perms(0444));
    testing::Child child([this](int) {
        constexpr uid_t kNobody = 65534;
        if (::geteuid() == 0 && ::setuid(kNobody) != 0) return 2;
        for (const Mode mode : {Mode::kCreateOrOpen, Mode::kOpenExisting}) {
            EXPECT_NE(fault(mode).find("cannot be written"), std::string::npos) << fault(mode);
        }
        return HasFailure() ? 1 : 0;
    });
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(SqliteStoreOpenTest, IsMadeOnceWhenSeveralStartTogether) {
    constexpr std::size_t kStarters = 6;
    std::vector<Result<std::unique_ptr<SqliteStore>>> stores(kStarters);
    std::vector<std::thread> threads;
    for (auto& store : stores)
        threads.emplace_back(
            [this, &store] { store = SqliteStore::open(file_, Mode::kCreateOrOpen); });
    for (std::thread& thread : threads)
        thread.join();
    for (const auto& store : stores) {
        ASSERT_TRUE(store) << store.error().detail;
        EXPECT_EQ(describe(record(**store, make_record())), "recorded");
    }
    EXPECT_EQ(stores.front().value()->list({})->rows.size(), kStarters);
}

TEST_F(SqliteStoreOpenTest, SyncsEachCommitOfAWriteAheadLog) {
    open_store(file_).reset();
    auto database = Database::open(file_, Database::Access::kReadWrite).value();
    EXPECT_EQ(database.query_text("PRAGMA journal_mode").value(), "wal");
    EXPECT_EQ(database.query_integer("PRAGMA synchronous").value(), 2) << "FULL";
    EXPECT_EQ(database.query_integer("PRAGMA foreign_keys").value(), 1);
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
