// Whose the files are that commands make for the server. That root gives them away shows end to
// end: e2e/test_run_as.py.
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "server/cli/files.hpp"
#include "tests/server/support/temporary_folder.hpp"

namespace scepgate::server::cli::this_file {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kUser = 12345;  // nobody's numbers
constexpr gid_t kGroup = 23456;

struct stat status_of(const fs::path& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status;
}

mode_t mode_of(const fs::path& path) {
    return status_of(path).st_mode & 07777U;
}

/// What root makes beside a configuration of this owner and mode: "user:group", "r" for the group.
std::string made_by_root(uid_t user, gid_t group, mode_t mode,
                         const std::optional<RunAsConfig>& run_as = {}) {
    struct stat file {};
    file.st_uid = user;
    file.st_gid = group;
    file.st_mode = S_IFREG | mode;
    const FileOwner owner = owner_beside(file, run_as, 0);
    return (owner.user ? std::to_string(*owner.user) : "") + ":" +
           (owner.group ? std::to_string(*owner.group) : "") + (owner.group_reads ? " r" : "");
}

TEST(FileOwnerTest, TheGroupThatReadsTheConfigurationReadsWhatRootMakes) {
    EXPECT_EQ(made_by_root(0, kGroup, 0640), ":23456 r");
    EXPECT_EQ(made_by_root(0, kGroup, 0600), ":") << "one that may not read nothing";
    EXPECT_EQ(made_by_root(0, 0, 0644), ":") << "root's own is nobody else's";
}

TEST(FileOwnerTest, WhatRootMakesForAnotherUserIsTheUsers) {
    EXPECT_EQ(made_by_root(kUser, kGroup, 0600), "12345:23456");
}

TEST(FileOwnerTest, TheUserThatTheServerBecomesReadsThem) {
    const RunAsConfig run_as{std::to_string(kUser), std::to_string(kGroup)};
    EXPECT_EQ(made_by_root(0, 0, 0644, run_as), ":23456 r");
    EXPECT_EQ(made_by_root(kUser, kGroup, 0600, run_as), "12345:23456");
}

TEST(FileOwnerTest, NobodyButRootGivesAnythingAway) {
    struct stat file {};
    file.st_uid = kUser;
    file.st_gid = kGroup;
    file.st_mode = S_IFREG | 0600;
    const FileOwner owner = owner_beside(file, {}, kUser + 1);
    EXPECT_FALSE(owner.user || owner.group || owner.group_reads);
}

TEST(FileOwnerTest, TheUmaskClosesNothingThatTheGroupIsToRead) {
    const server::testing::TemporaryFolder folder;
    const FileOwner readable{{}, ::getegid(), true};
    const mode_t before = ::umask(0077);
    const auto written = write_new_file(folder.path() / "a.key", as_bytes("x"), true, readable);
    const auto given = give_folder(folder.path(), readable);
    const auto own = write_new_file(folder.path() / "b.key", as_bytes("x"), true);
    ::umask(before);
    ASSERT_TRUE(written && given && own);
    EXPECT_EQ(mode_of(folder.path() / "a.key"), 0640U);
    EXPECT_EQ(mode_of(folder.path()), 0750U);
    EXPECT_EQ(mode_of(folder.path() / "b.key"), 0600U);
}

TEST(FileOwnerTest, WhatReplacesAFileAndItsCopyHaveItsMode) {
    const server::testing::TemporaryFolder folder;
    const fs::path file = folder.path() / "scepgate.json", copy = folder.path() / "copy";
    ASSERT_TRUE(write_new_file(file, as_bytes("{}\n"), false));
    ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
    ASSERT_TRUE(copy_file_like(file, copy));
    ASSERT_TRUE(replace_file_like(file, file, as_bytes("{ }\n")));
    EXPECT_EQ(mode_of(file), 0640U);
    EXPECT_EQ(mode_of(copy), 0640U);
    EXPECT_EQ(read_whole_file(file).value(), "{ }\n");
    EXPECT_EQ(read_whole_file(copy).value(), "{}\n");
}

TEST(FileOwnerTest, NewFilesAreRemovedUnlessTheyAreKept) {
    const server::testing::TemporaryFolder folder;
    {
        NewFiles files;
        ASSERT_TRUE(files.write(folder.path() / "a", as_bytes("a"), false));
        EXPECT_EQ(files.write(folder.path() / "a", as_bytes("b"), false).error().code,
                  Errc::kDenied);
    }
    EXPECT_FALSE(fs::exists(folder.path() / "a"));
    NewFiles files;
    ASSERT_TRUE(files.write(folder.path() / "b", as_bytes("b"), false));
    files.keep();
    EXPECT_TRUE(fs::exists(folder.path() / "b"));
}

}  // namespace
}  // namespace scepgate::server::cli::this_file
