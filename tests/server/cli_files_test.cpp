// Whose the files are that commands make for the server.
#include <fstream>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "server/cli/config_edit.hpp"
#include "server/cli/files.hpp"

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

/// A configuration of an owner and mode; giving it away takes root.
class OwnersTest : public ::testing::Test {
protected:
    OwnersTest() {
        std::string pattern = (fs::temp_directory_path() / "scepgate-files-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        config_.file = folder_ / "scepgate.json";
        std::ofstream(config_.file) << "{}\n";
    }
    ~OwnersTest() override { fs::remove_all(folder_); }

    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
    }

    void give(uid_t user, gid_t group, mode_t mode) const {
        ASSERT_EQ(::chown(config_.file.c_str(), user, group), 0);
        ASSERT_EQ(::chmod(config_.file.c_str(), mode), 0);
    }

    /// Of a secret that is made beside the configuration now.
    [[nodiscard]] struct stat made() const {
        const fs::path file = folder_ / "new.key";
        const auto written = write_new_file(file, as_bytes("x"), true, owner_beside(config_));
        EXPECT_TRUE(written) << written.error().detail;
        const auto status = status_of(file);
        fs::remove(file);
        return status;
    }

    fs::path folder_;
    Config config_;
};

void expect(const struct stat& status, uid_t user, gid_t group, mode_t mode) {
    EXPECT_EQ(status.st_uid, user);
    EXPECT_EQ(status.st_gid, group);
    EXPECT_EQ(status.st_mode & 07777, mode);
}

TEST_F(OwnersTest, TheGroupThatReadsTheConfigurationReadsWhatRootMakes) {
    give(0, kGroup, 0640);
    expect(made(), 0, kGroup, 0640);
}

TEST_F(OwnersTest, AGroupThatMayNotReadTheConfigurationReadsNothing) {
    give(0, kGroup, 0600);
    expect(made(), 0, ::getegid(), 0600);
}

TEST_F(OwnersTest, RootsOwnConfigurationIsNobodyElses) {
    give(0, 0, 0644);
    expect(made(), 0, 0, 0600);
}

TEST_F(OwnersTest, WhatRootMakesForAnotherUserIsTheUsers) {
    give(kUser, kGroup, 0600);
    expect(made(), kUser, kGroup, 0600);
}

TEST_F(OwnersTest, TheUserThatTheServerBecomesReadsThem) {
    give(0, 0, 0644);
    config_.run_as = RunAsConfig{std::to_string(kUser), std::to_string(kGroup)};
    expect(made(), 0, kGroup, 0640);
    give(kUser, kGroup, 0600);
    expect(made(), kUser, kGroup, 0600);
}

TEST_F(OwnersTest, TheUmaskClosesNothingThatTheGroupIsToRead) {
    give(0, kGroup, 0640);
    const mode_t before = ::umask(0077);
    const auto status = made();
    ASSERT_TRUE(give_folder(folder_, owner_beside(config_)));
    ::umask(before);
    expect(status, 0, kGroup, 0640);
    expect(status_of(folder_), 0, kGroup, 0750);
}

TEST_F(OwnersTest, AnEditedConfigurationAndTheOldOneKeepUserGroupAndMode) {
    for (const uid_t user : {uid_t{0}, kUser}) {
        give(user, kGroup, 0640);
        const ConfigLock lock = ConfigLock::take(config_.file).value();
        ASSERT_TRUE(replace_file_like(lock.file(), lock.file(), as_bytes("{ }\n")));
        ASSERT_TRUE(copy_file_like(lock.file(), folder_ / "scepgate.json.bak"));
        expect(status_of(config_.file), user, kGroup, 0640);
        expect(status_of(folder_ / "scepgate.json.bak"), user, kGroup, 0640);
        EXPECT_EQ(read_whole_file(folder_ / "scepgate.json.bak").value(), "{ }\n");
    }
}

TEST_F(OwnersTest, NewFilesAreRemovedUnlessTheyAreKept) {
    {
        NewFiles files(owner_beside(config_));
        ASSERT_TRUE(files.write(folder_ / "a", as_bytes("a"), false));
        EXPECT_EQ(files.write(folder_ / "a", as_bytes("b"), false).error().code, Errc::kDenied);
    }
    EXPECT_FALSE(fs::exists(folder_ / "a"));
    NewFiles files;
    ASSERT_TRUE(files.write(folder_ / "b", as_bytes("b"), false));
    files.keep();
    EXPECT_TRUE(fs::exists(folder_ / "b"));
}

}  // namespace
}  // namespace scepgate::server::cli::this_file
