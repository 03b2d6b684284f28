#include "server/sandbox/writable_places.hpp"

#include <filesystem>

#include <gtest/gtest.h>

#include "server/sandbox/landlock.hpp"
#include "tests/server/support/temporary_folder.hpp"

namespace scepgate::server::sandbox::this_file {
namespace {

namespace fs = std::filesystem;
using Kind = WritablePlace::Kind;

std::vector<std::string> paths_of(const Config& config) {
    std::vector<std::string> paths;
    for (const auto& place : writable_places(config))
        paths.push_back(place.path.string());
    return paths;
}

class WritablePlacesTest : public ::testing::Test {
protected:
    testing::TemporaryFolder temporary_;
    const fs::path folder_ = fs::canonical(temporary_.path());
};

TEST_F(WritablePlacesTest, AreTheFoldersOfAllThatIsWritten) {
    Config config;
    config.store_sqlite = "/s/scepgate.db";
    config.audit_file = "/a/audit.jsonl";
    config.log.file = "/l/scepgate.log";
    config.cas["lab"].crl.emplace().publish_to = {"/p/%3%8%9.crl"};
    config.cas["lab"].crl->publish_certificate_to = {"/c/%3%4.crt"};
    config.sandbox.writable = {"/w"};
    EXPECT_EQ(paths_of(config), (std::vector<std::string>{"/s", "/a", "/l", "/p", "/c", "/w"}));
}

TEST_F(WritablePlacesTest, OfASignerAreThoseOfItsRecordsAndItsSocket) {
    Config config;
    config.signer.emplace().state = "/s/signer.db";
    config.signer->socket = "/run/signer/socket";
    const auto places = writable_places(config);
    ASSERT_EQ(places.size(), 2U);
    EXPECT_EQ(places[0].path, "/s");
    EXPECT_EQ(places[1].path, "/run/signer");
    EXPECT_EQ(places[1].kind, Kind::kSocket);
}

TEST_F(WritablePlacesTest, AreNothingWithoutStoreFilesAndLog) {
    EXPECT_TRUE(writable_places(Config()).empty());
}

TEST_F(WritablePlacesTest, FollowLinksToTheFileThatIsMeant) {
    fs::create_directories(folder_ / "data");
    fs::create_symlink("data/real.db", folder_ / "link.db");
    fs::create_symlink("link.db", folder_ / "store.db");
    Config config;
    config.store_sqlite = folder_ / "store.db";
    EXPECT_EQ(paths_of(config), (std::vector<std::string>{folder_, folder_ / "data"}));
}

TEST_F(WritablePlacesTest, EndWithLinksThatLeadInACircle) {
    fs::create_symlink("b", folder_ / "a");
    fs::create_symlink("a", folder_ / "b");
    Config config;
    config.store_sqlite = folder_ / "a";
    EXPECT_EQ(paths_of(config), std::vector<std::string>{folder_});
}

TEST_F(WritablePlacesTest, OfTheKernelAreOnesAndNoFolders) {
    for (const char* name : {"/dev/stdout", "/dev/null", "/dev/fd/3", "/proc/self/fd/1"}) {
        Config config;
        config.log.file = name;
        EXPECT_EQ(paths_of(config), std::vector<std::string>{name});
    }
    Config config;
    config.store_sqlite = "/dev/shm/scepgate.db";
    EXPECT_EQ(paths_of(config), std::vector<std::string>{"/dev/shm"});
}

TEST(ListeningPortsTest, AreThoseOfAllListeners) {
    Config config;
    config.http.listen = {{"127.0.0.1:8080", {}}, {"[::]:443", {}}};
    config.admin.emplace().http.listen = {{"127.0.0.1:8444", {}}};
    EXPECT_EQ(listening_ports(config), (std::vector<std::uint16_t>{8080, 443, 8444}));
}

TEST(LandlockRightsTest, AreThoseThatTheKernelsAbiKnows) {
    EXPECT_EQ(known_file_rights(0), 0U);
    EXPECT_EQ(known_file_rights(1), 0x1FFFU);
    EXPECT_EQ(known_file_rights(2), 0x3FFFU);  // Debian 12's kernel
    EXPECT_EQ(known_file_rights(3), 0x7FFFU);
    EXPECT_EQ(known_file_rights(4), 0x7FFFU);
    EXPECT_EQ(known_file_rights(5), 0xFFFFU);
    EXPECT_EQ(known_file_rights(99), 0xFFFFU);
}

}  // namespace
}  // namespace scepgate::server::sandbox::this_file
