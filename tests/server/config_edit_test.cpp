// Commands that change one configuration take turns.
#include "server/cli/config_edit.hpp"

#include <fstream>
#include <stdlib.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace scepgate::server::cli::this_file {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

class ConfigLockTest : public ::testing::Test {
protected:
    ConfigLockTest() {
        std::string pattern = (fs::temp_directory_path() / "scepgate-lock-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        file_ = folder_ / "scepgate.json";
        std::ofstream(file_) << "{}\n";
    }
    ~ConfigLockTest() override { fs::remove_all(folder_); }

    fs::path folder_, file_;
};

TEST_F(ConfigLockTest, GivesWhatTheFileHolds) {
    const auto lock = ConfigLock::take(file_, milliseconds(0));
    ASSERT_TRUE(lock) << lock.error().detail;
    EXPECT_EQ(lock->text(), "{}\n");
}

TEST_F(ConfigLockTest, AFileThatIsNotThereIsAFaultOfTheConfiguration) {
    const auto lock = ConfigLock::take(folder_ / "none.json", milliseconds(0));
    ASSERT_FALSE(lock);
    EXPECT_EQ(lock.error().code, Errc::kConfig);
}

TEST_F(ConfigLockTest, WhoWaitsInVainIsToldWhoHasIt) {
    const auto first = ConfigLock::take(file_, milliseconds(0));
    ASSERT_TRUE(first);
    const auto second = ConfigLock::take(file_, milliseconds(10));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kUnavailable);
    const std::string process = "process " + std::to_string(::getpid()) + " (";
    EXPECT_NE(second.error().detail.find(process), std::string::npos) << second.error().detail;
    EXPECT_NE(second.error().detail.find("server_tests"), std::string::npos)
        << second.error().detail;
}

TEST_F(ConfigLockTest, WhoWaitsGetsItAndReadsWhatTheOtherWrote) {
    auto first = std::make_unique<ConfigLock>(ConfigLock::take(file_).value());
    std::thread other([&] {
        const auto edited = edit_config(*first, [](nlohmann::ordered_json& config) -> Result<void> {
            config["listen"] = nlohmann::ordered_json::array();
            return {};
        });
        EXPECT_FALSE(edited) << "it is no sound configuration";
        std::ofstream(file_) << "{ }\n";
        first.reset();
    });
    const auto second = ConfigLock::take(file_);
    other.join();
    ASSERT_TRUE(second) << second.error().detail;
    EXPECT_EQ(second->text(), "{ }\n");
}

}  // namespace
}  // namespace scepgate::server::cli::this_file
