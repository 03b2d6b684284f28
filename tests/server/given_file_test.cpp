// What root makes for another user.
#include "server/given_file.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/server/support/temporary_folder.hpp"

namespace scepgate::server::test::this_file {
namespace {

namespace fs = std::filesystem;

/// Somebody else where this runs as root, who alone can give files away.
uid_t other_user() {
    return ::geteuid() == 0 ? 65534 : ::geteuid();
}
gid_t other_group() {
    return ::geteuid() == 0 ? 65534 : ::getegid();
}

TEST(GivenFileTest, IsEmptyAndItsOwnersAlone) {
    const server::testing::TemporaryFolder folder;
    const fs::path file = folder.path() / "audit.jsonl.head";
    create_for(file, other_user(), other_group());
    struct stat made {};
    ASSERT_EQ(::stat(file.c_str(), &made), 0);
    EXPECT_EQ(made.st_uid, other_user());
    EXPECT_EQ(made.st_gid, other_group());
    EXPECT_EQ(made.st_mode & 07777U, 0600U);
    EXPECT_EQ(made.st_size, 0);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1) << "nothing is left";
}

TEST(GivenFileTest, WhatIsThereStaysAsItIs) {
    const server::testing::TemporaryFolder folder;
    const fs::path file = folder.path() / "audit.jsonl.head";
    std::ofstream(file) << "head";
    create_for(file, other_user(), other_group());
    struct stat found {};
    ASSERT_EQ(::stat(file.c_str(), &found), 0);
    EXPECT_EQ(found.st_uid, ::geteuid());
    EXPECT_EQ(found.st_size, 4);
}

TEST(GivenFileTest, NobodyEverSeesItAsRoots) {
    const server::testing::TemporaryFolder folder;
    const fs::path file = folder.path() / "audit.jsonl.head";
    std::atomic<bool> done{false};
    std::atomic<unsigned> seen{0}, of_another{0};
    std::thread watcher([&] {
        while (!done) {
            struct stat now {};
            if (::stat(file.c_str(), &now) != 0) continue;
            ++seen;
            if (now.st_uid != other_user()) ++of_another;
        }
    });
    for (int i = 0; i < 500; ++i) {
        create_for(file, other_user(), other_group());
        fs::remove(file);
    }
    create_for(file, other_user(), other_group());
    while (seen == 0)
        std::this_thread::yield();
    done = true;
    watcher.join();
    EXPECT_EQ(of_another, 0U);
}

}  // namespace
}  // namespace scepgate::server::test::this_file
